"""Each failure of a source has a reason: the short word that the operator's figures are kept by."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from pathlib import Path

import httpcore
import pytest

from lib.media.errors import connection_reason, status_reason
from lib.platform.log import REASON
from tests.rigs.media.fetching import answering, closed_port, refused, resetting
from tests.rigs.sources import SourceServer

ROOT = Path(__file__).parents[4]


def reason(port: int, tmp_path: Path, path: str = "", *, scheme: str = "http") -> str:
    url = f"{scheme}://127.0.0.1:{port}/{path}"
    return refused(url, tmp_path, allow=(f"127.0.0.1:{port}",), seconds=1).reason


def test_a_port_that_is_closed(tmp_path: Path) -> None:
    assert reason(closed_port(), tmp_path) == "refused"


def test_a_connection_that_is_reset(tmp_path: Path) -> None:
    with resetting() as port:
        assert reason(port, tmp_path) == "reset"


def test_a_server_without_tls(tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert reason(port, tmp_path, scheme="https") == "tls"


def test_a_server_that_speaks_no_http(tmp_path: Path) -> None:
    with answering(b"SSH-2.0-x\r\n") as port:
        assert reason(port, tmp_path) == "protocol"


@pytest.mark.parametrize("path", ["drip", "hang"])
def test_a_server_that_is_slow(sources: SourceServer, tmp_path: Path, path: str) -> None:
    assert reason(sources.port, tmp_path, path) == "slow"


@pytest.mark.parametrize(
    ("code", "expected"),
    [(401, "status_401"), (404, "status_404"), (429, "status_429"), (418, "status_4xx"),
     (500, "status_5xx"), (503, "status_5xx"), (599, "status_5xx")],
)  # fmt: skip
def test_a_status_is_named_by_itself_or_by_its_class(
    sources: SourceServer, tmp_path: Path, code: int, expected: str
) -> None:
    assert reason(sources.port, tmp_path, f"status?code={code}") == expected


def test_an_address_that_is_not_public(tmp_path: Path) -> None:
    assert refused("http://127.0.0.1/", tmp_path).reason in ("not_public", "url")


@pytest.mark.parametrize(
    ("cause", "expected"),
    [(socket.gaierror(socket.EAI_NONAME, "x"), "dns"), (ssl.SSLError("x"), "tls"),
     (ConnectionRefusedError(), "refused"), (ConnectionResetError(), "reset"),
     (BrokenPipeError(), "reset"), (OSError(errno.EHOSTUNREACH, "x"), "unreachable"),
     (OSError(errno.EIO, "x"), "broken_off"), (ValueError(), "broken_off")],
)  # fmt: skip
def test_a_reason_is_found_behind_the_client_s_own_error(cause: Exception, expected: str) -> None:
    assert connection_reason(cause) == expected
    wrapped = httpcore.ConnectError()
    wrapped.__cause__ = cause
    assert connection_reason(wrapped) == expected


def test_every_reason_is_a_word_and_documented() -> None:
    """Literal reasons of lib/media, lib/files and lib/jobs, and those of the two functions."""
    page = (ROOT / "docs" / "operations.md").read_text()
    reasons = {status_reason(code) for code in range(300, 600)} | {
        "dns", "tls", "refused", "reset", "unreachable", "broken_off",
    }  # fmt: skip
    rooms = [(ROOT / "lib" / room).rglob("*.py") for room in ("media", "files", "jobs")]
    for path in (path for room in rooms for path in room):
        for call in re.findall(r"MediaError\((.*?)\n?\s*\)(?:\n| from)", path.read_text(), re.S):
            last = re.search(r',\s*"([^"]*)",?\s*$', call)
            if last and re.fullmatch(r"[a-z0-9_]+", last[1]):
                reasons.add(last[1])
    assert len(reasons) > 20
    for each in reasons:
        assert REASON.fullmatch(each), each
        if not each.startswith("status_3"):
            assert f"`{each}`" in page, each
