"""The stack with a short time limit, as a process: `python -m tests.rigs.processes.impatient …`.

Prints its address, a key and the database as one line of JSON, and works until its input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from local import keys_command
from local.stack import Stack


def main(folder: str, source_allow: str, seconds: str) -> None:
    """Run until the parent closes our standard input."""
    overrides = {
        "SOURCE_ALLOW": source_allow,
        "JOB_SECONDS": seconds,
        "FETCH_SECONDS": "4",
        "LEASE_SECONDS": "5",
        "WORKER_SLOTS": "4",
    }
    with Stack(Path(folder), overrides=overrides) as stack:
        key = keys_command.create(stack.settings, "hostile@example.com", "test", "pro")
        answer = {"url": stack.url, "key": key, "postgres": stack.settings["POSTGRES_URL"]}
        print(json.dumps(answer), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
