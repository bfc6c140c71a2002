"""The sandbox's door: sets the limits on itself, then becomes ffmpeg.

Its arguments are `PARENT CPU DATA FSIZE CONFINE READABLES PORTS VARIABLES`, all numbers, the last
three telling how many of each follow: `READABLE… PORT… NAME=VALUE… COMMAND…`. It is a process of
its own because code between fork and exec is not safe in a program with threads. Every millisecond
here is one of each job's, so it imports nothing slow: `os` costs 1 ms, `ctypes` and `signal` 3 each
(Python ignores SIGXFSZ by itself, so that ffmpeg sees an error instead of dying at the size limit).
"""

import posix
import resource
import sys

SIGKILL = 9
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3 = 0x20080522
CANNOT_CONFINE = 71

# Landlock (linux/landlock.h): the rights of ABI 1, then what later ABIs added.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 5, 1 << 8, 1 << 14
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
TCP_ABI = 4
PATH_BENEATH, NET_PORT = 1, 2
"""The kinds of rules."""
FOLDER, FILE_TYPE = 0o040000, 0o170000
FILES = 256
"""Open files: a hundred inputs, and what else ffmpeg needs."""
STACK = 2 * 1024 * 1024
"""Bytes of each thread's stack. They count as memory, and many inputs have hundreds of threads."""
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


def call(name: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library."""
    import _ctypes

    library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # None is the program itself
    return int(_ctypes.call_function(_ctypes.dlsym(library, name), arguments))


def on_linux(
    parent: int, confined: bool, readable: list[str], ports: list[int], program: str
) -> None:
    """Be killed when the worker is, have no privileges, see the working folder and `readable` only,
    reach `ports` only."""
    call("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if posix.getppid() != parent:  # it died before we asked
        posix._exit(1)
    # Root without capabilities can't look into other processes, nor can what it executes. A
    # struct __user_cap_header_struct (version, process 0: ourselves), and its three empty sets.
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if call("capset", number(CAPABILITY_VERSION_3, 4) + bytes(4), bytes(24)):
        posix._exit(CANNOT_CONFINE)
    if confined:
        confine_to(readable, ports, program)


def confine_to(readable: list[str], ports: list[int], program: str) -> None:
    """Landlock: see the working folder, the system and `readable`, and reach `ports`."""
    abi = call("syscall", CREATE_RULESET, None, 0, 1)
    if abi < 1:
        posix._exit(CANNOT_CONFINE)
    handled = FILE_RIGHTS[min(abi, 3)]
    attributes = number(handled, 8)
    if abi >= TCP_ABI:
        attributes += number(BIND_TCP | CONNECT_TCP, 8)
    ruleset = call("syscall", CREATE_RULESET, attributes, len(attributes), 0)
    folder = READ_FILE | READ_DIR | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
    allow(ruleset, ".", folder & handled)
    allow(ruleset, "/dev/null", (READ_FILE | WRITE_FILE) & handled)
    allow(ruleset, program, (READ_FILE | EXECUTE) & handled)
    for path in SYSTEM:
        allow(ruleset, path, (READ_FILE | READ_DIR | EXECUTE) & handled)
    for path in readable:
        allow(ruleset, path, (READ_FILE | READ_DIR) & handled)
    if abi >= TCP_ABI:
        for port in ports:  # struct landlock_net_port_attr: u64 rights, u64 port
            add(ruleset, NET_PORT, number(CONNECT_TCP, 8) + number(port, 8))
    if call("syscall", RESTRICT_SELF, ruleset, 0):
        posix._exit(CANNOT_CONFINE)


def add(ruleset: int, kind: int, rule: bytes) -> None:
    """Add a rule to a ruleset."""
    if call("syscall", ADD_RULE, ruleset, kind, rule, 0):
        posix._exit(CANNOT_CONFINE)


def allow(ruleset: int, path: str, rights: int) -> None:
    """Give rights to a file, or to a folder and everything under it."""
    try:
        opened = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
    except OSError:  # this system has no such path
        return
    if posix.fstat(opened).st_mode & FILE_TYPE != FOLDER:
        rights &= EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE
    # struct landlock_path_beneath_attr is packed: u64 rights, s32 file descriptor
    add(ruleset, PATH_BENEATH, number(rights, 8) + number(opened, 4))
    posix.close(opened)


def number(value: int, size: int) -> bytes:
    """A number as the kernel reads it, in `size` bytes."""
    return value.to_bytes(size, sys.byteorder)


parent, cpu, data, fsize, confine, *counts = (int(text) for text in sys.argv[1:9])
rest = iter(sys.argv[9:])
readable, ports, variables = ([next(rest) for _ in range(count)] for count in counts)
command = list(rest)
limit("RLIMIT_CPU", cpu, cpu + 2)
limit("RLIMIT_DATA", data, data)
limit("RLIMIT_FSIZE", fsize, fsize)
limit("RLIMIT_CORE", 0, 0)
limit("RLIMIT_NOFILE", FILES, FILES)
if sum(len(each) + 9 for each in command) < STACK // 8:  # the kernel lets arguments take a quarter
    limit("RLIMIT_STACK", STACK, STACK)
if sys.platform.startswith("linux"):
    on_linux(parent, bool(confine), readable, [int(port) for port in ports], command[0])
environment = dict(each.split("=", 1) for each in variables)
posix.execve(command[0], command, environment)
