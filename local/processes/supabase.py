"""The Supabase stand-ins as a process.

`python -m local.processes.supabase FOLDER POSTGRES_URL PORT SITE` prints its address when it is
ready.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from local import keys
from local.processes.children import when_parent_ends
from standins import mail
from standins.http import server
from standins.supabase import auth, gateway, storage


def main() -> None:
    """Serve Auth and Storage until the parent ends."""
    folder, postgres_url, port, site_url = sys.argv[1:]
    stack_keys = keys.load(Path(folder, "keys.json"))
    try:
        http = server.Server(port=int(port), threads=32)
    except OSError:  # another stack has it; any will do
        http = server.Server(threads=32)
    sink = mail.MailSink(Path(folder, "mail"))
    auth_app = auth.create_app(
        postgres_url=postgres_url,
        keys=stack_keys,
        public_url=f"{http.url}/auth/v1",
        site_url=site_url,
        mail=sink,
        before_user_created_hook="app.before_user_created",
    )
    storage_app = storage.create_app(
        postgres_url=postgres_url,
        root=Path(folder, "storage"),
        keys=stack_keys,
        public_url=f"{http.url}/storage/v1",
    )
    stop = threading.Event()
    when_parent_ends(stop.set)
    http.serve(gateway.create_gateway(auth_app, storage_app, sink.app()))
    print(http.url, flush=True)
    stop.wait()
    http.stop()


if __name__ == "__main__":
    main()
