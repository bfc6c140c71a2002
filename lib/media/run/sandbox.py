"""The sandbox ffmpeg runs in: a private folder, no input, limits, one process group.

Its environment is what `run` gets, and nothing else. Where the kernel has Landlock, it sees only
the files that it is given, and (from Landlock's ABI 4) connects only to the TCP ports that it is
given.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple

from lib.media import scratch
from lib.media.deadline import NEVER, Deadline
from lib.media.run.ffmpeg import binary

DOOR = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); import sandbox_exec"
"""Imported rather than run, since Python keeps what it compiled of an import: 1 ms a run."""
NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})
POLL_SECONDS = 0.2
LANDLOCK_CREATE_RULESET = 444
PR_SET_DUMPABLE = 4
TCP_ABI = 4


class Limits(NamedTuple):
    """What a run may use at most."""

    wall_seconds: float
    cpu_seconds: int
    output_bytes: int
    memory_bytes: int
    deadline: Deadline = NEVER
    """Ends the run as well: it is shared with all else that a job does."""


_TRIAL = Limits(30, 30, 0, 1024**3)


class Finished(NamedTuple):
    """How a run ended."""

    returncode: int
    report: str
    """The end of what it wrote to standard error."""
    wall_seconds: float
    cpu_seconds: float
    timed_out: bool
    canceled: bool


def run(
    command: list[str],
    *,
    folder: Path,
    limits: Limits,
    readable: Sequence[Path] = (),
    connect: Sequence[int] = (),
    environment: Mapping[str, str] = NO_ENVIRONMENT,
    keep_bytes: int = 64 * 1024,
    keep_line: Callable[[bytes], bool] = lambda line: True,
    on_line: Callable[[str], None] | None = None,
    canceled: Callable[[], bool] = lambda: False,
) -> Finished:
    """Run `command` in the sandbox, its working folder `folder`; never raises for what it does.

    Where the kernel can, it sees no files but those in `folder` and `readable` (files, or folders
    with all that is under them), and connects to no TCP ports but `connect`. `environment` is all
    of its environment. `on_line` gets each line of standard output. Of standard error the last
    `keep_bytes` are kept, less the lines that `keep_line` does not want. The whole process group is
    killed at once, and without a warning, since what it wrote is thrown away: at the time limit,
    and within half a second of `canceled` saying so.
    """
    _hide_ourselves()
    began = time.monotonic()
    process = subprocess.Popen(
        _door(command, limits, readable, connect, environment, confined=_landlock() > 0),
        cwd=folder,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if on_line else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        close_fds=True,
    )  # fmt: skip
    report = _Tail(keep_bytes, keep_line)
    readers = [threading.Thread(target=_drain, args=(process.stderr, report), daemon=True)]
    if on_line:
        readers.append(threading.Thread(target=_lines, args=(process.stdout, on_line), daemon=True))
    for reader in readers:
        reader.start()
    timed_out = stopped = False
    status = usage = None
    with _Waiter(process.pid) as waiter:
        while not waiter.done(POLL_SECONDS):
            timed_out = time.monotonic() - began > limits.wall_seconds or limits.deadline.passed
            stopped = canceled()
            if timed_out or stopped:
                _kill_group(process.pid)
        status, usage = waiter.status, waiter.cpu_seconds
    process.returncode = os.waitstatus_to_exitcode(status)
    _kill_group(process.pid)  # whatever it may have started
    _close(process, readers)
    return Finished(
        process.returncode,
        report.text(),
        time.monotonic() - began,
        usage,
        timed_out,
        stopped,
    )


def _close(process: subprocess.Popen[bytes], readers: Sequence[threading.Thread]) -> None:
    """Read what is left in the pipes of a process that has ended, and close them."""
    for reader in readers:
        reader.join()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def features() -> list[str]:
    """What holds ffmpeg here, for the health report; the rest of the sandbox is everywhere."""
    names = ["limits"]
    if sys.platform.startswith("linux"):
        names.append("dies-with-worker")
    abi = _landlock()
    names += ["landlock-files"] if abi else []
    names += ["landlock-tcp"] if abi >= TCP_ABI else []
    return names


@cache
def _hide_ourselves() -> None:
    """Keep processes of our own user out of our memory and environment, which hold secrets.

    /proc/<id>/environ and the like can be opened by privileged processes only from then on; the
    door gives up the privileges of its process.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


@cache
def _landlock() -> int:
    """The Landlock version that works here with our ffmpeg, 0 for none: tried once, for real."""
    if not sys.platform.startswith("linux"):
        return 0
    import ctypes

    abi = int(ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1))
    if abi < 1:
        return 0
    trial = _door([str(binary()), "-version"], _TRIAL, (), (), {}, confined=True)
    with scratch.folder("trial") as folder:
        tried = subprocess.run(
            trial, cwd=folder, env={}, capture_output=True, timeout=30, check=False
        )
    return abi if tried.returncode == 0 else 0


def _door(
    command: list[str],
    limits: Limits,
    readable: Sequence[Path],
    connect: Sequence[int],
    environment: Mapping[str, str],
    *,
    confined: bool,
) -> list[str]:
    numbers = (
        os.getpid(),
        max(1, int(limits.cpu_seconds)),
        limits.memory_bytes,
        limits.output_bytes,
        int(confined),
        len(readable),
        len(connect),
        len(environment),
    )
    variables = (f"{name}={value}" for name, value in environment.items())
    listed = (*numbers, *readable, *connect, *variables)
    return [sys.executable, "-I", "-S", "-c", DOOR, *map(str, listed), *command]


class _Waiter:
    """Waits for a process in a thread, so that its end is noticed at once, and its CPU time."""

    def __init__(self, process_id: int) -> None:
        self._id = process_id
        self._ended = threading.Event()
        self.status = 0
        self.cpu_seconds = 0.0
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def done(self, seconds: float) -> bool:
        """Whether it has ended, waiting at most `seconds`."""
        return self._ended.wait(seconds)

    def _wait(self) -> None:
        _, self.status, usage = os.wait4(self._id, 0)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self._ended.set()

    def __enter__(self) -> _Waiter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()


class _Tail:
    """The last bytes of a stream, of the lines that are wanted."""

    def __init__(self, size: int, keep: Callable[[bytes], bool]) -> None:
        self._size = size
        self._keep = keep
        self._data = bytearray()
        self._begun = b""

    def add(self, data: bytes) -> None:
        lines = (self._begun + data).split(b"\n")
        self._begun = lines.pop()[-self._size :]
        for line in filter(self._keep, lines):
            self._data += line + b"\n"
        del self._data[: -self._size]

    def text(self) -> str:
        return (self._data + self._begun).decode("utf-8", "replace")


def _drain(pipe: IO[bytes] | None, tail: _Tail) -> None:
    while pipe and (data := pipe.read1(65536)):  # type: ignore[attr-defined]
        tail.add(data)


def _lines(pipe: IO[bytes] | None, on_line: Callable[[str], None]) -> None:
    for line in pipe or ():
        on_line(line.decode("utf-8", "replace").strip())


def _kill_group(process_id: int) -> None:
    try:
        os.killpg(process_id, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
