"""The Storage stand-in as a process of its own: `python -m … POSTGRES_URL FOLDER`.

Prints its address; when its standard input ends it stops and writes its peak memory to FOLDER.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tests.rigs.supabase.storage_server import running


def main() -> None:
    """Serve until the parent lets go."""
    postgres_url, folder = sys.argv[1:]
    with running(postgres_url, Path(folder)) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    Path(folder, "peak").write_text(str(peak_memory()))


def peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts the parent's memory before exec on Linux
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
