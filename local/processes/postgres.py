"""The embedded Postgres as a child process: `python -m local.processes.postgres FOLDER`.

Prints the database's address when it is ready. Postgres itself is a daemon and would outlive a
stack that is killed; this process stops it when its parent ends, and ends when Postgres does.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from local import postgres
from local.processes.children import when_parent_ends

LOOK_SECONDS = 0.2


def main() -> None:
    """Run Postgres until the parent ends, or until Postgres does (exit 1)."""
    stop = threading.Event()
    when_parent_ends(stop.set)
    running = postgres.start(Path(sys.argv[1]))
    print(running.url, flush=True)
    while not stop.wait(LOOK_SECONDS):
        if not running.alive():
            os._exit(1)  # the package's cleanup would wait a minute for the dead server to stop
    running.stop()


if __name__ == "__main__":
    main()
