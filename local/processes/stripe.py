"""The stand-in for Stripe as a process: `python -m local.processes.stripe FOLDER PORT API_URL`.

Prints its address when it is ready. Webhooks go to API_URL/hooks/stripe.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from local import keys
from local.processes.children import when_parent_ends
from standins.http import server
from standins.stripe import clock
from standins.stripe.app import create_app
from standins.stripe.objects import endpoints
from standins.stripe.service import Service
from standins.stripe.state import State
from standins.stripe.webhooks import Sender


def main() -> None:
    """Serve until the parent ends."""
    folder, port, api_url = sys.argv[1:]
    made = keys.load(Path(folder, "keys.json"))
    state = State(Path(folder, "stripe.sqlite"))
    with state.transaction():  # links that were given out lead to the port of then
        wanted = int(port) or state.note("port") or 0
    try:
        served = server.Server(port=wanted, threads=16)
    except OSError:  # another stack has it; any will do
        served = server.Server(threads=16)
    service = Service(state, served.url, made.stripe_secret, time.time)
    with state.transaction():
        state.take_note("port", served.port)
        endpoints.make_own(service, f"{api_url}/hooks/stripe", made.stripe_webhook_secret)
    sender = Sender(state, time.time).start()
    stopped = threading.Event()
    when_parent_ends(stopped.set)
    clock.start(service, sender, stopped)
    served.serve(create_app(service, sender))
    print(served.url, flush=True)
    stopped.wait()
    served.stop()
    sender.stop()


if __name__ == "__main__":
    main()
