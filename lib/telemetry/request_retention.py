"""Retention of the call record: addresses for IP_DAYS, rows for LOG_DAYS, then daily counts."""

from __future__ import annotations

from lib.platform import postgres

IP_DAYS = 30
LOG_DAYS = 90


def drop_addresses(batch: int) -> int:
    """Remove the addresses of calls older than IP_DAYS from at most `batch` rows; how many."""
    rows = postgres.rows(
        """
        update app.request_log set ip = null
         where id in (select id from app.request_log
                       where ip is not null and at < now() - make_interval(days => %(days)s)
                       order by at limit %(batch)s)
        returning id
        """,
        {"days": IP_DAYS, "batch": batch},
    )
    return len(rows)


def roll_up(batch: int) -> int:
    """Replace at most `batch` calls older than LOG_DAYS by counts per day; how many."""
    row = postgres.row(
        """
        with old as (
          delete from app.request_log
           where id in (select id from app.request_log
                         where at < now() - make_interval(days => %(days)s)
                           and id <= (select last_id from app.counted
                                       where source = 'request_log')
                         order by at limit %(batch)s for update skip locked)
          returning (at at time zone 'utc')::date as day, account_id, route, status, milliseconds
        ),
        counted as (
          select day, account_id, route, status, count(*) as calls, sum(milliseconds) as ms
            from old group by 1, 2, 3, 4
        ),
        kept as (
          insert into app.request_days as d
          select * from counted
          on conflict (day, account_id, route, status) do update
             set calls = d.calls + excluded.calls,
                 milliseconds = d.milliseconds + excluded.milliseconds
        )
        select count(*) as number from old
        """,
        {"days": LOG_DAYS, "batch": batch},
    )
    return int(row["number"]) if row else 0
