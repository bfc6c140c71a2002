"""The stand-in as a process: `python -m local.stripe FOLDER PORT API_URL`; its keys are in the
environment.

Prints its address when it is ready.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from local import server
from local.children import when_parent_ends
from local.stripe.app import create_app


def main() -> None:
    """Serve until the parent ends."""
    folder, port, api_url = sys.argv[1:]
    try:
        served = server.Server(port=int(port))
    except OSError:  # another stack has it; any will do
        served = server.Server()
    app = create_app(
        Path(folder, "stripe"),
        url=served.url,
        secret_key=os.environ["STRIPE_SECRET_KEY"],
        webhook_url=f"{api_url}/hooks/stripe",
        webhook_secret=os.environ["STRIPE_WEBHOOK_SECRET"],
    )
    stopped = threading.Event()
    when_parent_ends(stopped.set)
    served.serve(app)
    print(served.url, flush=True)
    stopped.wait()
    served.stop()


main()
