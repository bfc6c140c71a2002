"""/internal/cron: what the platform's clock calls, with CRON_SECRET."""

from flask import Response

from lib import background
from lib.http.app import answer, create_app
from lib.http.auth import require_secret
from lib.jobs.repair import heal
from lib.platform import limits
from lib.platform.settings import settings

app = create_app(__name__, limits.BACKGROUND)

SECONDS = 45
"""Less than the function's maxDuration in vercel.json by the longest of its steps."""


@app.get("/internal/cron/heal")
def heal_queue() -> Response:
    require_secret(settings().cron_secret)
    return answer(heal())


@app.get("/internal/cron/sweep")
def sweep_files() -> Response:
    require_secret(settings().cron_secret)
    return answer(background.sweep(SECONDS))


@app.route("/internal/cron/tasks", methods=["GET", "POST"])
def do_tasks() -> Response:
    require_secret(settings().cron_secret)
    return answer(background.run(SECONDS))
