"""Mails: both transports, each way they fail, and that no mail is sent twice."""

from __future__ import annotations

import email
import email.policy
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from lib.outbox import mail
from lib.platform import mail as transport
from lib.platform import postgres
from local.stack import Stack
from tests.rigs.mail import servers

ROOT = Path(__file__).parents[2]
VALUES = {"used": 80, "limit": 100, "month": "November 2026"}


class Mail:
    """A queued mail that only this test sends."""

    def __init__(self, stack: Stack, to: str = "ann@example.com", **values: Any) -> None:
        self._environment = os.environ | stack.settings
        self.kind = f"test-{uuid.uuid4()}"
        postgres.rows(
            "insert into app.tasks (kind, payload) values (%(kind)s, %(payload)s)",
            {
                "kind": self.kind,
                "payload": postgres.jsonb(
                    {"template": "quota_80", "to": to, "values": VALUES | values}
                ),
            },
        )

    def start(self, settings: dict[str, str]) -> subprocess.Popen[str]:
        postgres.rows(
            "update app.tasks set due_at = now() where kind = %(kind)s", {"kind": self.kind}
        )
        return subprocess.Popen(
            [sys.executable, "-m", "tests.rigs.processes.mail_sender", self.kind],
            cwd=ROOT,
            env=self._environment | settings,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, settings: dict[str, str]) -> str | None:
        """Try once; how it came out."""
        out, _ = self.start(settings).communicate(timeout=60)
        counts = json.loads(out)
        return next((name for name, count in counts.items() if count), None)

    @property
    def row(self) -> dict[str, Any]:
        row = postgres.row("select * from app.tasks where kind = %(it)s", {"it": self.kind})
        assert row
        return row


def through_smtp(server: servers.Smtp) -> dict[str, str]:
    return {"MAIL_TRANSPORT": "smtp", "SMTP_URL": server.url}


def through_resend(server: servers.Resend, key: str = "re_test") -> dict[str, str]:
    return {"MAIL_TRANSPORT": "resend", "RESEND_URL": server.url, "RESEND_API_KEY": key}


def test_a_mail_goes_by_smtp(stack: Stack) -> None:
    mine = Mail(stack)
    with servers.smtp() as server:
        assert mine.send(through_smtp(server)) == "done"
    [content] = server.messages
    result = email.message_from_bytes(content, policy=email.policy.default)
    assert result["To"] == "ann@example.com"
    assert result["Message-ID"].startswith(f"<{mine.row['id']}@")
    assert result["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in result.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"rcpt": "550 no such user"}, "given_up"),
        ({"rcpt": "451 greylisted"}, "again"),
        ({"rcpt": None}, "again"),
        ({"mail": "553 not your address"}, "again"),  # ours to mend: MAIL_FROM
        ({"data": "554 refused"}, "given_up"),
        ({"data": "451 later"}, "again"),
        ({"end": "554 spam"}, "given_up"),
        ({"end": "452 disk full"}, "again"),
        ({"banner": None}, "again"),
        ({"banner": "554 go away"}, "again"),
    ],
)
def test_what_a_mail_server_refuses(
    stack: Stack, answers: dict[str, str | None], outcome: str
) -> None:
    mine = Mail(stack)
    with servers.smtp(**answers) as server:
        assert mine.send(through_smtp(server)) == outcome
        assert server.messages == []
        assert "ann@" not in (mine.row["error"] or "")
        if outcome == "again":
            server.answers.clear()
            assert mine.send(through_smtp(server)) == "done"
            assert len(server.messages) == 1


def test_a_server_that_goes_away_in_the_act_gets_no_second_mail(stack: Stack) -> None:
    mine = Mail(stack)
    with servers.smtp(end=None) as server:
        assert mine.send(through_smtp(server)) == "given_up"
        assert mine.row["error"].startswith("uncertain:")
        server.answers.clear()
        assert mine.send(through_smtp(server)) is None
        assert len(server.messages) == 1


def test_a_server_that_is_away_is_tried_again(stack: Stack) -> None:
    mine = Mail(stack)
    away = {"MAIL_TRANSPORT": "smtp", "SMTP_URL": "smtp://127.0.0.1:9"}
    assert mine.send(away) == "again"
    assert mine.row["payload"]["may_have_left"] is None
    with servers.smtp() as server:
        assert mine.send(through_smtp(server)) == "done"


def killed_in_the_act(mine: Mail, settings: dict[str, str], reached: threading.Event) -> None:
    sender = mine.start(settings)
    assert reached.wait(60)
    sender.send_signal(signal.SIGKILL)
    sender.wait()


def test_a_sender_killed_between_send_and_note_sends_no_second_mail(stack: Stack) -> None:
    mine = Mail(stack)
    reached, killed = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        killed.wait(60)

    with servers.smtp() as server:
        server.before_end = hold
        killed_in_the_act(mine, through_smtp(server), reached)
        killed.set()
        server.before_end = lambda: None
        assert mine.send(through_smtp(server)) == "given_up"
        assert mine.row["error"].startswith("uncertain:")
        assert len(server.messages) <= 1


def test_a_mail_goes_by_resend_once_whatever_happens(stack: Stack) -> None:
    mine = Mail(stack)
    with servers.resend() as server:
        server.faults = [None]  # takes the mail and goes away
        assert mine.send(through_resend(server)) == "again"
        assert mine.send(through_resend(server)) == "done"
        assert server.calls == 2
        [(key, body)] = server.messages.items()
    assert key == str(mine.row["id"])
    assert body["to"] == ["ann@example.com"]
    assert body["html"].startswith("<!doctype html>")
    assert mine.row["payload"] == {"template": "quota_80"}


@pytest.mark.parametrize(
    ("status", "name", "outcome"),
    [
        (401, "missing_api_key", "again"),
        (403, "invalid_api_key", "again"),
        (409, "concurrent_idempotent_requests", "again"),
        (409, "invalid_idempotent_request", "done"),
        (422, "validation_error", "given_up"),
        (400, "invalid_idempotency_key", "given_up"),
        (429, "rate_limit_exceeded", "again"),
        (429, "daily_quota_exceeded", "again"),
        (500, "application_error", "again"),
        (503, "", "again"),
    ],
)
def test_what_resend_refuses(stack: Stack, status: int, name: str, outcome: str) -> None:
    mine = Mail(stack)
    with servers.resend() as server:
        server.faults = [(status, name)]
        assert mine.send(through_resend(server)) == outcome
        if outcome == "again":
            assert mine.send(through_resend(server)) == "done"
            assert len(server.messages) == 1


def test_a_wrong_key_is_tried_again(stack: Stack) -> None:
    mine = Mail(stack)
    with servers.resend() as server:
        assert mine.send(through_resend(server, "re_wrong")) == "again"
        assert mine.row["payload"]["may_have_left"] is None


def test_resend_is_not_trusted_beyond_what_it_remembers(stack: Stack) -> None:
    mine = Mail(stack)
    with servers.resend() as server:
        server.faults = [None]
        assert mine.send(through_resend(server)) == "again"
        postgres.rows(
            """
            update app.tasks set payload = jsonb_set(payload, '{may_have_left}',
                   to_jsonb((now() - interval '24 hours')::timestamptz))
             where kind = %(kind)s
            """,
            {"kind": mine.kind},
        )
        assert mine.send(through_resend(server)) == "given_up"
        assert mine.row["error"].startswith("uncertain:")
        assert server.calls == 1


@pytest.mark.parametrize(
    "to",
    ["ann@example.com\nBcc: eve@example.com", "ann@example.com\r\n\r\nhello", "a@b.c, d@e.f",
     "ann", "", "Ann <ann@example.com>", "a\x00@b.c"],
)  # fmt: skip
@pytest.mark.parametrize("way", ["smtp", "resend"])
def test_an_address_adds_no_header_and_no_recipient(stack: Stack, to: str, way: str) -> None:
    if "\x00" in to:
        with pytest.raises(transport.MailRefused):
            transport.mime(transport.Message("1", to, "s", "t", "h"))
        return
    mine = Mail(stack, to)
    with servers.smtp() as smtp, servers.resend() as resend:
        settings = through_smtp(smtp) if way == "smtp" else through_resend(resend)
        assert mine.send(settings) == "given_up"
        assert smtp.messages == []
        assert resend.messages == {}


HOSTILE = "x\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\n\nhttps://evil.example/"


@pytest.mark.parametrize("template", mail.names())
def test_every_mail_holds_hostile_values(stack: Stack, template: str) -> None:
    samples = json.loads((mail.FOLDER / "samples.json").read_text())
    assert template in samples, "each mail has sample values"
    hostile = dict.fromkeys(samples[template], HOSTILE)
    subject, text, html = mail.render(template, hostile | {"name": HOSTILE})
    assert "\n" not in subject
    assert "<script>" not in html
    if template not in ("report", "support"):  # which go to the operator
        assert "Hello," in text  # a name that is a message is left out
    result = transport.mime(transport.Message("1", "ann@example.com", subject, text, html))
    parsed = email.message_from_bytes(result.as_bytes(), policy=email.policy.default)
    assert parsed["Bcc"] is None
    assert set(parsed.keys()) == {"Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted",
                                  "MIME-Version", "Content-Type"}  # fmt: skip


@pytest.mark.parametrize("template", mail.names())
def test_a_mail_with_a_value_missing_is_not_sent(stack: Stack, template: str) -> None:
    samples = json.loads((mail.FOLDER / "samples.json").read_text())
    render: Callable[..., Any] = mail.render
    for name in samples[template]:
        values = {key: value for key, value in samples[template].items() if key != name}
        with pytest.raises(UndefinedError):
            render(template, values | {"name": "Ann"})


@pytest.mark.parametrize(
    ("name", "greeting"),
    [("Ann", "Hello Ann,"), ("  Zoë\tSmith ", "Hello Zoë Smith,"), (None, "Hello,"),
     ("Win https://evil.example now", "Hello,"), ("x" * 100, "Hello,"),
     ("evil.example/win", "Hello,")],
)  # fmt: skip
def test_a_name_greets_and_no_more(stack: Stack, name: str | None, greeting: str) -> None:
    _, text, _ = mail.render("quota_80", VALUES | {"name": name})
    assert text.startswith(greeting)


def test_without_a_transport_mails_wait(stack: Stack) -> None:
    mine = Mail(stack)
    assert mine.send({"MAIL_TRANSPORT": ""}) == "again"
