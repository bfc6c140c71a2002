"""The cage's door: sets the limits on itself, then becomes ffmpeg.

Run as `python -I -S cage_exec.py PARENT CPU DATA FSIZE CONFINE COUNT READABLE… COMMAND…`. It is a
process of its own because code between fork and exec is not safe in a program with threads, and
imports nothing that is slow (`signal` alone costs 3 ms; Python ignores SIGXFSZ by itself, so that
ffmpeg sees an error instead of dying at the size limit).
"""

import os
import resource
import sys

SIGKILL = 9
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CANNOT_CONFINE = 71

# Landlock (linux/landlock.h): the rights of ABI 1, then what later ABIs added.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 5, 1 << 8, 1 << 14
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
TCP = 0b11
"""Bind and connect, from ABI 4."""
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/sys/devices/system/cpu",
          "/dev/urandom")  # fmt: skip
"""What a dynamically linked ffmpeg reads to start; nothing of it is secret."""


def limit(name: str, soft: int, hard: int) -> None:
    """Lower a limit where the system has it."""
    kind = getattr(resource, name, None)
    if kind is not None:
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):  # already lower, or not settable here (macOS)
            return


def on_linux(parent: int, confined: bool, readable: list[str], program: str) -> None:
    """Be killed when the worker is, and see the working folder and `readable` only."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    if not confined:
        return
    abi = libc.syscall(CREATE_RULESET, None, 0, 1)
    if abi < 1:
        os._exit(CANNOT_CONFINE)
    handled = FILE_RIGHTS[min(abi, 3)]
    attributes = (ctypes.c_uint64 * 2)(handled, TCP if abi >= 4 else 0)
    ruleset = libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(16 if abi >= 4 else 8), 0)

    def allow(path: str, rights: int) -> None:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # this system has no such path
            return
        if not os.path.isdir(path):  # noqa: PTH112 -- pathlib is slow to import
            rights &= EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE
        # struct landlock_path_beneath_attr is packed: u64 rights, s32 file descriptor
        rule = (rights & handled).to_bytes(8, sys.byteorder) + opened.to_bytes(4, sys.byteorder)
        if libc.syscall(ADD_RULE, ruleset, 1, rule, 0):
            os._exit(CANNOT_CONFINE)
        os.close(opened)

    allow(".", READ_FILE | READ_DIR | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE)
    allow("/dev/null", READ_FILE | WRITE_FILE)
    allow(program, READ_FILE | EXECUTE)
    for path in SYSTEM:
        allow(path, READ_FILE | READ_DIR | EXECUTE)
    for path in readable:
        allow(path, READ_FILE)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(RESTRICT_SELF, ruleset, 0):
        os._exit(CANNOT_CONFINE)


parent, cpu, data, fsize, confine, count = (int(text) for text in sys.argv[1:7])
readable, command = sys.argv[7 : 7 + count], sys.argv[7 + count :]
limit("RLIMIT_CPU", cpu, cpu + 2)
limit("RLIMIT_DATA", data, data)
limit("RLIMIT_FSIZE", fsize, fsize)
limit("RLIMIT_CORE", 0, 0)
limit("RLIMIT_NOFILE", 64, 64)
if sys.platform.startswith("linux"):
    on_linux(parent, bool(confine), readable, command[0])
os.execve(command[0], command, {})  # noqa: S606 -- the point of it: no shell, no environment
