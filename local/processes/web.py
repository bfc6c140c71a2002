"""The functions and the website as a child process: `python -m local.processes.web DESCRIPTOR`.

The descriptor is a listening socket of the parent. The parent keeps it too: while this process is
started again, calls wait instead of being refused.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

from local.processes.children import when_parent_ends
from local.vercel import functions, site
from local.vercel.front import Front

THREADS = 32


def main() -> None:
    """Serve until the parent ends."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    stop = threading.Event()
    when_parent_ends(stop.set)
    app = functions.dispatcher(sorted({route.function for route in functions.routes()}))
    public = functions.ROOT / "public"
    whole = site.serve(functions.configuration(), public, os.environ["SUPABASE_URL"], app)
    with Front(whole, threads=THREADS, listening=listening):
        print(os.environ["API_URL"], flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
