"""Does the tasks of one kind, as mails, once: `python -m tests.rigs.processes.mail_sender KIND`.

A process of its own, so that its transport is what the test chose, and so that it can be killed.
"""

from __future__ import annotations

import json
import sys

from lib.outbox import mail, tasks

if __name__ == "__main__":
    print(json.dumps(tasks.run({sys.argv[1]: mail.deliver}, 0.01)), flush=True)
