"""The functions and the website as a child process: `python -m local.web DESCRIPTOR`.

The descriptor is a listening socket of the parent. The parent keeps it too: while this process is
started again, calls wait instead of being refused.
"""

from __future__ import annotations

import os
import sys
import threading

from local import functions, server, site
from local.children import when_parent_ends

ADOPTED = 3
"""The descriptor that cheroot takes a socket from (systemd's protocol for socket activation)."""
THREADS = 32


def main() -> None:
    """Serve until the parent ends."""
    os.dup2(int(sys.argv[1]), ADOPTED)
    os.environ["LISTEN_PID"] = str(os.getpid())
    served = server.Server(threads=THREADS)
    del os.environ["LISTEN_PID"]
    stopped = threading.Event()
    when_parent_ends(stopped.set)
    app = functions.dispatcher(sorted({route.function for route in functions.routes()}))
    public = functions.ROOT / "public"
    served.serve(site.serve(functions.configuration(), public, os.environ["SUPABASE_URL"], app))
    print(os.environ["API_URL"], flush=True)
    stopped.wait()
    served.stop()


if __name__ == "__main__":
    main()
