"""What the pages of other websites reach on a machine that runs the whole service: nothing."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from local.stack import Stack
from standins import mail
from standins.http import hosts, server

PLACES = [
    ("API_URL", "/"),
    ("API_URL", "/health-check"),
    ("API_URL", "/v1/transcodes"),
    ("SUPABASE_URL", "/mail"),
    ("SUPABASE_URL", "/auth/v1/.well-known/jwks.json"),
    ("SUPABASE_URL", "/storage/v1/bucket"),
    ("STRIPE_URL", "/v1/products"),
    ("STRIPE_URL", "/_control/requests"),
    ("WORKER_URL", "/internal/worker"),
]
FOREIGN_HOSTS = [
    "evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example",
    "127.0.0.1@evil.example", "evil.example@127.0.0.1", "127.0.0.2", "0.0.0.0", "[::2]", "",  # noqa: S104
    "127.0.0.1:80:80", "[127.0.0.1", "127.0.0.1\\.evil.example", "127.0.0.1 .evil.example",
]  # fmt: skip
FOREIGN_ORIGINS = [
    "http://evil.example", "https://127.0.0.1.evil.example", "null", "", "http://",
    "file://", "http://127.0.0.1@evil.example", "http://evil.example:80:80",
]  # fmt: skip
CLIENT = httpx.Client(trust_env=False, timeout=60)
LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]", "LOCALHOST", "localhost."]


def base(stack: Stack, name: str) -> str:
    address = urlsplit(stack.settings[name])
    return f"{address.scheme}://{address.netloc}"


def get(address: str, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return CLIENT.get(address, headers=names)


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_foreign_host_is_refused(stand_ins: Stack, name: str, path: str) -> None:
    for host in FOREIGN_HOSTS:
        answer = get(base(stand_ins, name) + path, Host=host)
        assert answer.status_code == 421, (host, answer.text)
        assert answer.json()["error"] == hosts.WRONG_HOST
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_foreign_origin_is_refused(stand_ins: Stack, name: str, path: str) -> None:
    for origin in FOREIGN_ORIGINS:
        for method in ("GET", "POST", "OPTIONS"):
            answer = CLIENT.request(
                method,
                base(stand_ins, name) + path,
                headers={"Origin": origin, "Access-Control-Request-Method": "GET"},
            )
            assert answer.status_code == 403, (origin, answer.text)
            assert answer.json()["error"] == hosts.WRONG_ORIGIN
            assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_loopback_names_work(stand_ins: Stack, host: str) -> None:
    for name, path in PLACES:
        _works_under(base(stand_ins, name), path, host)


def _works_under(address: str, path: str, host: str) -> None:
    for each in (host, f"{host}:{urlsplit(address).port}"):
        assert get(address + path, Host=each).status_code not in (403, 421)
    if path != "/mail":  # which other local pages may not read
        assert get(address + path, Origin=f"http://{host}:5173").status_code not in (403, 421)


def test_mails_are_for_their_own_page_only(stand_ins: Stack) -> None:
    address = f"{base(stand_ins, 'SUPABASE_URL')}/mail"
    own = base(stand_ins, "SUPABASE_URL")
    navigation = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    for allowed in (
        {},
        {"Origin": own},
        {"Sec_Fetch_Site": "none"} | navigation,
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "same-site"} | navigation,
    ):
        answer = get(address, **allowed)
        assert answer.status_code == 200, allowed
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    for refused in (
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": stand_ins.url},
        {"Sec_Fetch_Site": "cross-site"} | navigation,
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Site": "same-site"},
    ):
        assert get(address, **refused).status_code == 403, refused


def test_mails_cannot_be_framed_or_preflighted(stand_ins: Stack) -> None:
    address = f"{base(stand_ins, 'SUPABASE_URL')}/mail"
    assert "frame-ancestors 'none'" in get(address).headers["content-security-policy"]
    request = {"Origin": base(stand_ins, "SUPABASE_URL"), "Access-Control-Request-Method": "GET"}
    answer = CLIENT.options(address, headers=request)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[server.Server]:
    """A server that the operator put behind a proxy under a public name."""
    monkeypatch.setenv("PUBLIC_URL", "https://API.example.com:8443/base")

    def app(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [])  # type: ignore[operator]
        return [b""]

    with server.Server(app) as served:
        yield served


def test_the_public_name_is_accepted(public: server.Server) -> None:
    for host in ("api.example.com", "API.example.com:8443", "127.0.0.1"):
        assert get(public.url, Host=host, Origin=f"https://{host}").status_code == 200
    assert get(public.url, Host="example.com").status_code == 421
    assert get(public.url, Origin="https://example.com").status_code == 403


def test_mails_are_never_served_under_a_public_name(tmp_path: Path) -> None:
    app = hosts.private(mail.MailSink(tmp_path).app())
    with server.Server(app, names=hosts.LOOPBACK | {"api.example.com"}) as served:
        assert get(served.url).status_code == 200
        assert get(served.url, Host="api.example.com").status_code == 421


def test_mail_sink_takes_no_mail_from_a_web_page(tmp_path: Path) -> None:
    sink = mail.MailSink(tmp_path)
    smtp = mail.SmtpServer(sink)
    commands = (
        "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
        "Subject: forged\r\n\r\nx\r\n.\r\n"
    )
    address = urlsplit(smtp.url)
    request = f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n{commands}"
    try:
        with socket.create_connection(("127.0.0.1", address.port or 0), timeout=30) as connection:
            connection.sendall(request.encode())
            said = b""
            while data := connection.recv(4096):  # until the server closes
                said += data
    finally:
        smtp.stop()
    assert re.search(rb"^421 ", said, re.MULTILINE)
    assert sink.list() == []
