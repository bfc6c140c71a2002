"""How long is kept what people wrote to us."""

from __future__ import annotations

from lib.platform import postgres

DAYS = 365
BATCH = 500


def forget_old() -> bool:
    """Delete a batch of the messages and reports that are older than DAYS; whether more is left."""
    row = postgres.row(
        """
        with messages as (
          delete from app.support_messages where id in (
            select id from app.support_messages
             where at < now() - make_interval(days => %(days)s) order by at limit %(batch)s)
          returning id
        ),
        reports as (
          delete from app.reports where id in (
            select id from app.reports
             where at < now() - make_interval(days => %(days)s) order by at limit %(batch)s)
          returning id
        )
        select greatest((select count(*) from messages), (select count(*) from reports)) as number
        """,
        {"days": DAYS, "batch": BATCH},
    )
    return row is not None and row["number"] == BATCH
