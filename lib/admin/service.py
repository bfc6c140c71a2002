"""The service as a whole: whether it works, what waits, and what was done to it."""

from __future__ import annotations

from uuid import UUID

import httpx

from lib.admin.output import Row
from lib.platform import postgres
from lib.platform.settings import settings
from lib.telemetry import counters

MOST = 200


def health() -> tuple[bool, list[Row]]:
    """Whether the deployment says that it works, and what it says, with what waits."""
    rows: list[Row] = []
    ok = False
    try:
        response = httpx.get(
            f"{settings().api_url}/health-check",
            headers={"Authorization": f"Bearer {settings().cron_secret}"},
            timeout=15,
            trust_env=False,
        )
        ok = response.status_code == 200
        rows += [
            {"what": name, "value": value}
            for name, value in (response.json() if "json" in _type(response) else {}).items()
        ]
    except httpx.HTTPError as error:
        rows.append({"what": "error", "value": f"{settings().api_url}: {type(error).__name__}"})
    figures = counters.waiting() | counters.workers()
    return ok, [*rows, *({"what": name, "value": value} for name, value in figures.items())]


def log(account_id: UUID | None) -> list[Row]:
    """The newest acts, of one account or of all."""
    return postgres.rows(
        """
        select at, who, act, account_id as account, job_id as job, reason, detail
          from app.operator_log
         where %(account)s::uuid is null or account_id = %(account)s
         order by id desc limit %(most)s
        """,
        {"account": account_id, "most": MOST},
    )


def _type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type"))
