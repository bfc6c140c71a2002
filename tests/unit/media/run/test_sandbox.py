"""The sandbox: what a program inside can't do, use, see or outlive."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lib.media.run import sandbox
from lib.media.run.ffmpeg import binary
from lib.media.run.sandbox import Limits
from tests.rigs.waiting import eventually

LIMITS = Limits(wall_seconds=20, cpu_seconds=20, output_bytes=10**6, memory_bytes=10**9)
ROOT = Path(__file__).parents[4]
ENDLESS = ["-f", "lavfi", "-i", "testsrc2=s=320x180", "-f", "null", "-"]
landlocked = pytest.mark.skipif(
    "landlock-files" not in sandbox.features(), reason="this kernel has no Landlock"
)


def ffmpeg(folder: Path, *arguments: str, limits: Limits = LIMITS) -> sandbox.Finished:
    """A run of ffmpeg in the sandbox."""
    command = [str(binary()), "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *arguments]
    return sandbox.run(command, folder=folder, limits=limits)


def look(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a Python program sees that is put where ffmpeg goes; Landlock knows ffmpeg only."""
    monkeypatch.setattr(sandbox, "_landlock", lambda: 0)
    said: list[str] = []
    finished = sandbox.run(
        [sys.executable, "-I", "-c", script], folder=folder, limits=LIMITS, on_line=said.append
    )
    assert finished.returncode == 0, finished.report
    return dict(json.loads(said[0]))


def test_nothing_is_handed_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_SECRET", "s3cret")
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        seen = look(
            tmp_path,
            "import json,os,sys,resource as r;print(json.dumps({'env':dict(os.environ),"
            "'cwd':os.getcwd(),'stdin':sys.stdin.read(),'leader':os.getsid(0)==os.getpid(),"
            f"'leaked':os.path.exists('/dev/fd/{leak}'),"
            "'core':r.getrlimit(r.RLIMIT_CORE)[1],'files':r.getrlimit(r.RLIMIT_NOFILE)[1],"
            "'size':r.getrlimit(r.RLIMIT_FSIZE)[1],'cpu':r.getrlimit(r.RLIMIT_CPU)}))",
            monkeypatch,
        )
    finally:
        os.close(leak)
    env = seen.pop("env")
    assert isinstance(env, dict)
    assert set(env) <= {"LC_CTYPE"}  # which Python sets itself
    assert seen == {
        "cwd": str(tmp_path.resolve()), "stdin": "", "leader": True, "leaked": False, "core": 0,
        "files": 256, "size": 10**6, "cpu": [20, 22],
    }  # fmt: skip


@landlocked
def test_no_file_but_its_own_is_seen(tmp_path: Path, clip: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(clip.read_bytes())
    out = str(folder / "o.mp4")
    assert "Permission denied" in ffmpeg(folder, "-i", str(secret), "-c", "copy", out).report
    for path in (f"/proc/{os.getpid()}/environ", "/etc/passwd"):
        got = ffmpeg(folder, "-f", "data", "-i", path, "-map", "0", "-f", "data", out)
        assert "Permission denied" in got.report
    escape = ffmpeg(folder, "-f", "lavfi", "-i", "sine=d=1", str(tmp_path / "escaped.wav"))
    assert "Permission denied" in escape.report
    assert not (tmp_path / "escaped.wav").exists()
    allowed = sandbox.run(
        [str(binary()), "-nostdin", "-i", str(secret), "-c", "copy", out],
        folder=folder, readable=[secret], limits=LIMITS,
    )  # fmt: skip
    assert allowed.returncode == 0, allowed.report


@landlocked
def test_a_folder_may_be_read_with_all_under_it(tmp_path: Path, clip: Path) -> None:
    folder, shared = tmp_path / "job", tmp_path / "shared"
    folder.mkdir()
    (shared / "deep").mkdir(parents=True)
    (shared / "deep" / "1.mp4").write_bytes(clip.read_bytes())
    for readable, seen in (((), []), ((shared,), ["1.mp4"])):
        said: list[str] = []
        sandbox.run(
            ["/bin/ls", str(shared / "deep")],
            folder=folder, readable=readable, limits=LIMITS, on_line=said.append,
        )  # fmt: skip
        assert said == seen
    command = [str(binary()), "-hide_banner", "-nostdin"]
    read = sandbox.run(
        [*command, "-i", str(shared / "deep" / "1.mp4"), "-f", "null", "-"],
        folder=folder, readable=[shared], limits=LIMITS,
    )  # fmt: skip
    assert read.returncode == 0, read.report
    written = sandbox.run(
        [*command, "-f", "lavfi", "-i", "sine=d=1", str(shared / "o.wav")],
        folder=folder, readable=[shared], limits=LIMITS,
    )  # fmt: skip
    assert "Permission denied" in written.report


def test_the_environment_is_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_landlock", lambda: 0)
    answer = {"FONTCONFIG_FILE": "/a b/c=d.conf", "EMPTY": "", "NAME": "zwölf\n"}
    said: list[str] = []
    sandbox.run(
        [sys.executable, "-I", "-c", "import json,os;print(json.dumps(dict(os.environ)))"],
        folder=tmp_path, limits=LIMITS, environment=answer, on_line=said.append,
    )  # fmt: skip
    seen = json.loads(said[0])
    seen.pop("LC_CTYPE", None)  # which Python sets itself
    assert seen == answer


PEEK = """
import os
for pid in (os.getppid(), 1):
    for name in ("environ", "maps", "mem"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                print("read", name, file.read(1), flush=True)
        except OSError as error:
            print(name, type(error).__name__, flush=True)
"""
PARENT = """
import sys
from pathlib import Path
from lib.media.run import ffmpeg, sandbox
ffmpeg.binary = sandbox.binary = lambda: Path("/bin/true")
sandbox._landlock = lambda: 0
done = sandbox.run([sys.executable, "-I", "-c", sys.argv[1]], folder=Path(sys.argv[2]),
                limits=sandbox.Limits(20, 20, 10**6, 10**9), on_line=lambda line: print(line))
sys.exit(done.returncode)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")
@pytest.mark.parametrize("user", [None, 65534], ids=["this user", "nobody"])
def test_secrets_of_the_parent_are_out_of_reach_without_landlock(
    user: int | None,
) -> None:
    """Neither as root nor as a plain user whose child has the same number."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        _peek(Path(name), user)


def _peek(place: Path, user: int | None) -> None:
    python = sys.executable
    if user is not None:
        if os.getuid() != 0:
            pytest.skip("only root can become another user")
        python = "/usr/bin/python3"  # ours may lie in a folder of root's
        shutil.copytree(ROOT / "lib" / "media", place / "lib" / "media")
        shutil.copy(ROOT / "lib" / "models.py", place / "lib" / "models.py")
        check = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if not Path(python).exists() or subprocess.run(check, check=False, user=user).returncode:
            pytest.skip("there is no Python 3.11 that another user may run")
        for copied in (place, *place.rglob("*")):  # the checkout's may be closed to others
            copied.chmod(0o755)
    folder = place / "job"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    ran = subprocess.run(
        [python, "-c", PARENT, PEEK, str(folder)],
        cwd=ROOT if user is None else place,
        env={"WORKER_SECRET": "s3cret", "TMPDIR": str(folder)},
        user=user,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.split()
    assert said == ["environ", "PermissionError", "maps", "PermissionError", "mem",
                    "PermissionError"] * 2  # fmt: skip


@pytest.mark.skipif("landlock-tcp" not in sandbox.features(), reason="this kernel can't bar TCP")
def test_no_network(tmp_path: Path) -> None:
    for address in ("http://127.0.0.1:9/a", "tcp://127.0.0.1:45123?listen=1"):
        assert "Permission denied" in ffmpeg(tmp_path, "-i", address, "-f", "null", "-").report


def test_where_landlock_is_not_the_rest_works(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_landlock", lambda: 0)
    assert (
        sandbox.features() == ["limits", "dies-with-worker"][: 1 + sys.platform.startswith("linux")]
    )
    assert ffmpeg(tmp_path, "-i", str(clip), "-f", "null", "-").returncode == 0


def test_wall_clock(tmp_path: Path) -> None:
    finished = ffmpeg(tmp_path, "-re", *ENDLESS, limits=LIMITS._replace(wall_seconds=0.3))
    assert finished.timed_out
    assert finished.returncode == -signal.SIGKILL
    assert 0.3 < finished.wall_seconds < 30


def test_cpu_clock(tmp_path: Path) -> None:
    finished = ffmpeg(tmp_path, *ENDLESS, limits=LIMITS._replace(cpu_seconds=1))
    assert finished.returncode != 0
    assert not finished.timed_out
    assert 0.5 < finished.cpu_seconds < 4


def test_file_size(tmp_path: Path) -> None:
    finished = ffmpeg(tmp_path, "-f", "lavfi", "-i", "sine=d=60", "o.wav")
    assert finished.returncode != 0
    assert (tmp_path / "o.wav").stat().st_size <= LIMITS.output_bytes


def test_all_of_the_group_is_killed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_landlock", lambda: 0)
    script = (
        "import os,signal,time;signal.signal(15,signal.SIG_IGN);"
        "os.fork();print(os.getpid(),flush=True);time.sleep(60)"
    )
    seen: list[str] = []
    finished = sandbox.run(
        [sys.executable, "-I", "-c", script],
        folder=tmp_path, limits=LIMITS, on_line=seen.append, canceled=lambda: len(seen) == 2,
    )  # fmt: skip
    assert finished.canceled
    assert finished.returncode == -signal.SIGKILL
    assert finished.wall_seconds < 30  # of the 60 that both processes would sleep
    assert _all_gone([int(each) for each in seen])


def test_an_endless_report_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_landlock", lambda: 0)
    script = "import sys\nfor n in range(300_000): print('x'*20, n, file=sys.stderr)"
    finished = sandbox.run(
        [sys.executable, "-I", "-c", script], folder=tmp_path, limits=LIMITS, keep_bytes=1000
    )
    assert len(finished.report) == 1000
    assert finished.report.endswith("299999\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can do it")
def test_ffmpeg_dies_with_its_worker(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [
            sys.executable, "-c",
            "from pathlib import Path; from lib.media.run import sandbox; from"
            " lib.media.run.ffmpeg import binary; import sys\n"
            "sandbox.run([str(binary()), '-nostdin', '-re', '-f', 'lavfi', '-i',"
            " 'testsrc2', '-f', 'null', '-', '-progress', 'pipe:1'], folder=Path(sys.argv[1]),"
            " limits=sandbox.Limits(60, 60, 10**6, 10**9), on_line=lambda line: print(line,"
            " flush=True))", str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert worker.stdout is not None
    worker.stdout.readline()
    children = Path(f"/proc/{worker.pid}/task").glob("*/children")
    ffmpegs = [int(child) for each in children for child in each.read_text().split()]
    assert ffmpegs
    assert all(map(_alive, ffmpegs))
    worker.kill()
    worker.wait()
    assert _all_gone(ffmpegs)


def _all_gone(process_ids: list[int]) -> bool:
    """Whether they have ended, within a moment."""
    return eventually(lambda: not any(map(_alive, process_ids)))


def _alive(process_id: int) -> bool:
    """Whether it runs; a zombie nobody has reaped does not."""
    try:
        os.kill(process_id, 0)
        state = Path(f"/proc/{process_id}/stat")
        return not state.exists() or state.read_text().rpartition(") ")[2][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
