"""The record of each call (promise P3): time, account, route, status, milliseconds, address."""

from __future__ import annotations

from typing import Any

from flask import g, request

from lib.http.client import client_ip
from lib.platform import log, postgres
from lib.telemetry import counters

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Any other is a caller's own word, and is not kept."""
SECONDS = 2.0
"""How long writing a record may take: without the database, no thread may hang on it."""
FAILED_SECONDS = 1.0
"""The same for the record of a call that failed: it may have failed for want of the database."""


def entry(status: int, milliseconds: float) -> dict[str, Any]:
    """The row for the request under way."""
    caller = g.get("caller")
    return {
        "request_id": g.request_id,
        "account": caller.account_id if caller else None,
        "key": caller.key_id if caller else None,
        "method": request.method if request.method in METHODS else "other",
        "route": str(request.url_rule) if request.url_rule else "(none)",
        "status": status,
        "ms": milliseconds,
        "ip": client_ip(),
    }


def record(row: dict[str, Any]) -> None:
    """Write the row and a line of the log, and note the key's use.

    Called when the answer is already out: never raises. Without the database the call is counted in
    memory; the next call that is recorded writes such counts too.
    """
    log.info(
        "request",
        request_id=row["request_id"],
        method=row["method"],
        route=row["route"],
        status=row["status"],
        ms=round(row["ms"], 1),
        account_id=row["account"],
        key_id=row["key"],
    )
    wait = FAILED_SECONDS if row["status"] >= 500 else SECONDS
    try:
        with counters.unsaved() as counts:
            more = ", app.add_counts(%(counts)s)" if counts else ""
            postgres.rows(_RECORD + more, row | {"counts": counts}, wait=wait)
    except postgres.PostgresError as error:
        counters.count_request(row["method"], row["route"], row["status"], row["ms"])
        log.error("request not recorded", error, request_id=row["request_id"])


_RECORD = """
    with used as (
      update app.api_keys set last_used_at = now()
       where id = %(key)s
         and (last_used_at is null or last_used_at < now() - interval '1 minute')
    ),
    noted as (
      insert into app.request_log
        (request_id, account_id, key_id, method, route, status, milliseconds, ip)
      -- An account that was deleted meanwhile has left nothing here, and does not now.
      select %(request_id)s, a.id, case when a.id is not null then %(key)s::uuid end,
             %(method)s, %(route)s, %(status)s, %(ms)s,
             case when a.id is not null or %(account)s::uuid is null then %(ip)s::inet end
        from (select) one left join app.accounts a on a.id = %(account)s
    )
    -- Nobody waits for the disk: should the server crash, the last half second is missing.
    select set_config('synchronous_commit', 'off', true)
"""
