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
from standins.stripe.service import StripeService
from standins.stripe.state import State
from standins.stripe.webhooks import Sender


def main() -> None:
    """Serve until the parent ends."""
    folder, port, api_url = sys.argv[1:]
    stack_keys = keys.load(Path(folder, "keys.json"))
    state = State(Path(folder, "stripe.sqlite"))
    with state.transaction():  # links that were given out lead to the port of then
        last_port = int(port) or state.note("port") or 0
    try:
        http = server.Server(port=last_port, threads=16)
    except OSError:  # another stack has it; any will do
        http = server.Server(threads=16)
    service = StripeService(state, http.url, stack_keys.stripe_secret, time.time)
    with state.transaction():
        state.take_note("port", http.port)
        endpoints.make_own(service, f"{api_url}/hooks/stripe", stack_keys.stripe_webhook_secret)
    sender = Sender(state, time.time).start()
    stop = threading.Event()
    when_parent_ends(stop.set)
    clock.start(service, sender, stop)
    http.serve(create_app(service, sender))
    print(http.url, flush=True)
    stop.wait()
    http.stop()
    sender.stop()


if __name__ == "__main__":
    main()
