"""Temporary folders: those of killed processes go, all others stay."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.media import scratch

KINDS = ("job", "validate", "probe", "export", "fonts", "unpack", "trial")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path


def ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_folders_of_ended_processes_are_removed(place: Path) -> None:
    dead = ended()
    stale = [place / f"ffm-{kind}-{dead}-{start}ab_c1" for kind in KINDS for start in ("", "123-")]
    # A process that got the number of an ended one, such as in a container that restarts.
    stale.append(place / f"ffm-job-{os.getpid()}-1-abc")
    for path in stale:
        path.mkdir()
        (path / "input0").write_bytes(b"x")
    stay = [place / name for name in ("ffm-ffmpeg-0", f"ffm-ffmpeg-{dead}", "ffm-job-x-y", "other",
                                      f"xffm-job-{dead}-a")]  # fmt: skip
    for path in stay:
        path.mkdir()
    with scratch.folder("job") as own:
        scratch.remove_stale()
        assert own.parent == place
        assert own.exists()
        assert [path for path in stale if path.exists()] == []
        assert all(path.exists() for path in stay)
    assert not own.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_folders_of_running_processes_stay(place: Path) -> None:
    code = (
        "import sys; from lib.media import scratch\n"
        "with scratch.folder('probe') as path: print(path, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(place)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        scratch.remove_stale()
        assert path.exists()
        process.kill()
        process.wait()
        scratch.remove_stale()
        assert not path.exists()


def test_no_module_makes_temporary_folders_by_itself() -> None:
    """Every one of them has a name that says whose it is."""
    root = Path(__file__).parent.parent.parent.parent
    users = [
        str(path.relative_to(root))
        for folder in ("api", "lib")
        for path in (root / folder).rglob("*.py")
        if any(word in path.read_text() for word in ("mkdtemp", "TemporaryDirectory", "mkstemp",
                                                     "NamedTemporaryFile"))
    ]  # fmt: skip
    assert users == ["lib/media/scratch.py"]
