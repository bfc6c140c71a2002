"""The cage's door: sets the limits on itself, then becomes ffmpeg.

Run as `python -I -S cage_exec.py PARENT CPU DATA FSIZE COMMAND…`; imports nothing that is slow. A
process of its own, because code between fork and exec is not safe in a program with threads.
"""

import os
import resource
import signal
import sys


def limit(name: str, soft: int, hard: int) -> None:
    """Lower a limit where the system has it."""
    kind = getattr(resource, name, None)
    if kind is not None:
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):  # already lower, or not settable here (macOS)
            return


def die_with(parent: int) -> None:
    """On Linux: be killed when the worker is (PR_SET_PDEATHSIG)."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before we asked
            os._exit(1)


parent, cpu, data, fsize = (int(text) for text in sys.argv[1:5])
limit("RLIMIT_CPU", cpu, cpu + 2)
limit("RLIMIT_DATA", data, data)
limit("RLIMIT_FSIZE", fsize, fsize)
limit("RLIMIT_CORE", 0, 0)
limit("RLIMIT_NOFILE", 64, 64)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
die_with(parent)
os.execve(sys.argv[5], sys.argv[5:], {})  # noqa: S606 -- the point of it: no shell, no environment
