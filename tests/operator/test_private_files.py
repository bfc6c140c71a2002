"""The data of one machine is its owner's alone, and is not kept longer than documented."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from local import permissions, retention
from local.stack import Stack
from standins.mail import MailSink
from tests.rigs.accounts import Account, supabase_client

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PASSING = 0o011 if os.geteuid() == 0 else 0
"""Root's Postgres runs as a user that must pass through the folder; it can't list it."""


@pytest.fixture
def umask() -> Iterator[None]:
    """The usual mask of a login, put back to what it was after the test."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def readable_by_others(folder: Path) -> list[str]:
    """What other users could read or write below a folder, if they could pass through it."""
    return [
        f"{mode(path):o} {path.relative_to(folder)}"
        for path in folder.rglob("*")
        if not path.is_symlink() and not path.is_socket() and mode(path) & 0o077
    ]


def test_everything_a_stack_writes_is_private(
    stand_ins: Stack, account: Account, clip: Path
) -> None:
    account.upload(clip)
    supabase_client(stand_ins).auth.sign_up(
        {"email": account.email.replace("@", "+2@"), "password": "correct horse 1",
         "options": {"data": {"name": "Ann", "over_13": True}}}
    )  # fmt: skip
    stand_ins.write_environment()
    folder = stand_ins.folder
    names = {path.suffix or path.name for path in folder.rglob("*")}
    assert {".eml", ".jsonl", ".env", ".sqlite", "demo-key", "storage"} <= names
    assert readable_by_others(folder) == []
    assert mode(folder) == 0o700 | PASSING


def test_only_the_owner_connects_to_postgres(stand_ins: Stack) -> None:
    lines = (stand_ins.folder / "postgres" / "postmaster.pid").read_text().splitlines()
    folder = Path(lines[4])
    sockets = [path for path in folder.glob(".s.PGSQL.*") if path.is_socket()]
    assert [mode(path) for path in sockets] == [0o700]
    assert not mode(folder) & 0o022 or mode(folder) & stat.S_ISVTX


def test_an_existing_folder_is_tightened(tmp_path: Path, umask: None) -> None:
    folder = tmp_path / "data"
    for name in ("storage/uploads/a/clip.mp4", "mail/1.eml", "log.jsonl", "dev.env", "run/x.sh"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (folder / "run" / "x.sh").chmod(0o755)
    (folder / "postgres").mkdir(mode=0o755)
    outside = tmp_path / "outside"
    outside.write_text("x")
    (folder / "link").symlink_to(outside)
    permissions.protect(folder)
    (folder / "postgres").chmod(0o700)  # its own server's business
    assert readable_by_others(folder) == []
    assert mode(folder) == 0o700 | PASSING
    assert mode(folder / "run" / "x.sh") == 0o700
    assert mode(outside) == 0o644
    (folder / "storage" / "new").mkdir()
    (folder / "storage" / "new" / "file").write_text("x")
    assert readable_by_others(folder) == []


def test_commands_by_hand_write_private_files(tmp_path: Path, umask: None) -> None:
    code = "import local.__main__ as m, sys; sys.argv = ['x', 'reset']; m.DATA = m.Path('none')\n"
    code += "m.main(); open('written', 'w').close()"
    environment = os.environ | {"PYTHONPATH": str(permissions.__file__).rpartition("/local/")[0]}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert mode(tmp_path / "written") == 0o600


def deliver(sink: MailSink, folder: Path, received: datetime) -> Path:
    message = EmailMessage()
    message["Subject"] = "Confirm"
    mail_id = sink.deliver(message)
    path = folder / f"{int(received.timestamp()) * 10**9:020}-{mail_id.partition('-')[2]}.eml"
    return (folder / f"{mail_id}.eml").rename(path)


def test_mails_are_deleted_after_seven_days(tmp_path: Path) -> None:
    sink = MailSink(tmp_path / "mail")
    week = timedelta(days=retention.MAIL_DAYS)
    old = deliver(sink, tmp_path / "mail", NOW - week - timedelta(seconds=1))
    young = deliver(sink, tmp_path / "mail", NOW - week)
    retention.tidy(tmp_path, NOW)
    assert (old.exists(), young.exists()) == (False, True)
    assert [mail.id for mail in sink.list()] == [young.stem]


def line(at: datetime) -> str:
    return json.dumps({"at": at.isoformat(), "event": "call"}) + "\n"


def test_log_lines_are_put_aside_each_day_and_deleted_after_thirty(tmp_path: Path) -> None:
    log = tmp_path / retention.LOG
    log.write_text(line(NOW - timedelta(hours=23, minutes=59)))
    retention.tidy(tmp_path, NOW)
    assert log.read_text()
    with log.open("a") as places:  # as the processes of a stack hold it
        retention.tidy(tmp_path, NOW + timedelta(minutes=1))
        aside = list(tmp_path.glob("log-*.jsonl"))
        assert [len(path.read_text().splitlines()) for path in aside] == [1]
        places.write(line(NOW))
    assert log.read_text() == line(NOW)
    for days, there in ((28, True), (29, False)):  # its oldest line is a day older
        written = (NOW - timedelta(days=days)).timestamp()
        os.utime(aside[0], (written, written))
        retention.tidy(tmp_path, NOW)
        assert aside[0].exists() is there


def test_a_long_log_is_put_aside_at_once(tmp_path: Path) -> None:
    log = tmp_path / retention.LOG
    log.write_text(line(NOW))
    with log.open("r+b") as file:
        file.truncate(retention.LOG_BYTES)
    retention.tidy(tmp_path, NOW)
    assert log.stat().st_size == retention.LOG_BYTES
    with log.open("r+b") as file:
        file.truncate(retention.LOG_BYTES + 1)
    retention.tidy(tmp_path, NOW)
    assert log.stat().st_size == 0


def test_a_log_that_is_not_ours_breaks_nothing(tmp_path: Path) -> None:
    for text in ("", "\n", "no json\n", "[]\n", '{"at": 5}\n', '{"at": "soon"}\n'):
        (tmp_path / retention.LOG).write_text(text)
        retention.tidy(tmp_path, NOW)
        assert (tmp_path / retention.LOG).read_text() == text
