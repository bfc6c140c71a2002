"""The Storage stand-in as a process of its own: `python -m … POSTGRES_URL FOLDER`.

Prints its address; when its standard input ends it stops and writes its peak memory to FOLDER.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tests.service.storage_server import running


def main() -> None:
    """Serve until the parent lets go."""
    postgres_url, folder = sys.argv[1:]
    with running(postgres_url, Path(folder)) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Path(folder, "peak").write_text(str(peak if sys.platform == "darwin" else peak * 1024))


if __name__ == "__main__":
    main()
