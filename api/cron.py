"""/internal/cron: what the platform's clock calls, with CRON_SECRET."""

from typing import Any

from lib import background
from lib.http.app import create_app
from lib.http.routes.access import Secret
from lib.http.routes.declaration import Routes
from lib.jobs.repair import repair
from lib.platform import limits

app = create_app(__name__, limits.BACKGROUND)
route = Routes(app, "Internal")

CLOCK = Secret("cron_secret")
SECONDS = 45
"""Less than the function's maxDuration in vercel.json by the longest of its steps."""


@route("GET", "/internal/cron/heal", access=CLOCK, answer=dict)
def heal_queue() -> Any:
    """Put lost and overdue jobs back into the queue"""
    return repair()


@route("GET", "/internal/cron/sweep", access=CLOCK, answer=dict)
def sweep_files() -> Any:
    """Delete expired files and rows"""
    return background.sweep(SECONDS)


@route("GET", "/internal/cron/tasks", access=CLOCK, answer=dict)
@route("POST", "/internal/cron/tasks", access=CLOCK, answer=dict)
def do_tasks() -> Any:
    """Run the tasks that are due"""
    return background.run(SECONDS)
