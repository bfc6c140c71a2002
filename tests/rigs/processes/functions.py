"""The functions in a process of their own, on the settings of its environment.

`python -m tests.rigs.processes.functions NAME…` prints the address; it ends with its parent. It
listens on FUNCTIONS_PORT, or on any free port.
"""

from __future__ import annotations

import os
import sys
import threading

from local.processes.children import when_parent_ends
from local.vercel import functions
from local.vercel.front import Front


def main() -> None:
    """Serve the named functions until the parent lets go."""
    stopped = threading.Event()
    when_parent_ends(stopped.set)
    port = int(os.environ.get("FUNCTIONS_PORT", "0"))
    with Front(functions.dispatcher(sys.argv[1:]), port) as server:
        print(server.url, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
