"""The mail sink of one machine: every mail that would be sent is kept as a file, and shown."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

ID = re.compile(r"\d{20}-[0-9a-f]{8}")
ADDRESS = re.compile(r"https?://(?:(?!&[lg]t;)[^\s<>\"'])+")
POLICY = email.policy.default.clone(max_line_length=998)
"""Lines as long as SMTP allows, so that links are not folded (RFC 5322, 2.1.1)."""
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: auto; padding: 1rem }}
td, th {{ text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid; padding-top: 1rem }}
iframe {{ width: 100%; height: 30rem; border: 1px solid }}
</style></head><body><h1>{title}</h1>
{content}
</body></html>
"""


@dataclass(frozen=True)
class Mail:
    """A mail that was delivered to the sink."""

    id: str
    received_at: datetime
    message: EmailMessage


class MailSink:
    """Keeps mails in `folder` (made when absent), one `.eml` file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def deliver(self, message: EmailMessage) -> str:
        """Keep a mail; its id. The one way in."""
        mail_id = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}"
        part = self._folder / f"{mail_id}.part"
        part.write_bytes(message.as_bytes(policy=POLICY))
        part.rename(self._folder / f"{mail_id}.eml")
        return mail_id

    def list(self) -> list[Mail]:
        """All mails, newest first."""
        names = sorted((path.stem for path in self._folder.glob("*.eml")), reverse=True)
        return [mail for name in names if (mail := self.read(name))]

    def delete_before(self, moment: datetime) -> None:
        """Delete the mails that were received before `moment`."""
        for path in self._folder.glob("*.eml"):
            if ID.fullmatch(path.stem) and int(path.stem[:20]) < moment.timestamp() * 1e9:
                path.unlink(missing_ok=True)

    def read(self, mail_id: str) -> Mail | None:
        """One mail; None when there is none with this id."""
        if not ID.fullmatch(mail_id):
            return None
        try:
            content = (self._folder / f"{mail_id}.eml").read_bytes()
        except FileNotFoundError:  # perhaps deleted just now
            return None
        message = email.message_from_bytes(content, _class=EmailMessage, policy=POLICY)
        received = datetime.fromtimestamp(int(mail_id.partition("-")[0]) / 1e9, UTC)
        return Mail(mail_id, received, message)

    def app(self) -> WSGIApplication:
        """Pages to read the mails: `/` lists them, `/<id>` shows one. Mount it anywhere."""

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            mail_id = environ.get("PATH_INFO", "").strip("/")
            mail = self.read(mail_id)
            if mail_id and mail is None:
                return _page(start_response, "404 Not Found", "No such mail", "")
            base = environ.get("SCRIPT_NAME", "")
            if mail:
                title = str(mail.message["Subject"])
                return _page(start_response, "200 OK", title, _one(mail, base))
            return _page(start_response, "200 OK", "Mails", _table(self.list(), base))

        return serve


class SmtpServer:
    """An SMTP server on 127.0.0.1, any free port, that gives what it takes to a sink."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        from aiosmtpd.smtp import SMTP

        class Server(SMTP):
            """An SMTP server that hangs up on browsers: pages can make them POST to any port."""

            async def smtp_POST(self, arg: str) -> None:  # noqa: N802 -- aiosmtpd's form
                await self.push("421 This is not a web server.")
                if self._handler_coroutine:  # as aiosmtpd's QUIT does
                    self._handler_coroutine.cancel()
                if self.transport:
                    self.transport.close()

            smtp_GET = smtp_HEAD = smtp_OPTIONS = smtp_POST  # noqa: N815 -- aiosmtpd's form

        asyncio.set_event_loop(self._loop)
        serving = self._loop.create_server(
            lambda: Server(self, enable_SMTPUTF8=True, loop=self._loop), sock=self._socket
        )
        server = self._loop.run_until_complete(serving)
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail that came."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        message = email.message_from_bytes(raw, _class=EmailMessage, policy=POLICY)
        self._sink.deliver(message)
        return "250 kept"

    def stop(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


def _page(start_response: StartResponse, status: str, title: str, content: str) -> Iterable[bytes]:
    page = PAGE.format(title=escape(title), content=content).encode()
    start_response(status, [*HEADERS, ("Content-Length", str(len(page)))])
    return [page]


def _table(mails: Iterable[Mail], base: str) -> str:
    rows = [
        f"<tr><td>{mail.received_at:%Y-%m-%d %H:%M:%S} UTC</td>"
        f"<td>{escape(str(mail.message['To']))}</td>"
        f'<td><a href="{escape(base)}/{mail.id}">{escape(str(mail.message["Subject"]))}</a></td>'
        "</tr>"
        for mail in mails
    ]
    if not rows:
        return "<p>No mail has been sent yet.</p>"
    head = "<tr><th>Received</th><th>To</th><th>Subject</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _one(mail: Mail, base: str) -> str:
    names = ("From", "To", "Reply-To", "Date")
    rows = "".join(
        f"<tr><th>{name}</th><td>{escape(str(mail.message[name]))}</td></tr>"
        for name in names
        if mail.message[name]
    )
    return (
        f'<p><a href="{escape(base)}/">All mails</a></p><table>{rows}</table>{_body(mail.message)}'
    )


def _body(message: EmailMessage) -> str:
    """The text, its links made clickable, and the HTML, shut in a sandbox."""
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    content = ""
    if text:
        content = f"<pre>{ADDRESS.sub(_link, escape(text.get_content(), quote=False))}</pre>"
    if html:
        content += (
            '<iframe sandbox="allow-top-navigation-by-user-activation allow-popups" '
            f'srcdoc="{escape(html.get_content())}"></iframe>'
        )
    return content


def _link(address: re.Match[str]) -> str:
    return f'<a href="{address[0]}">{address[0]}</a>'
