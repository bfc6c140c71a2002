"""The list of an account's jobs: by pages, by cursors, and what changed since a moment."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lib.jobs import cursor as cursors
from lib.jobs.api_models import STATUSES, TranscodeList, transcode
from lib.jobs.cursor import ORDERS, Cursor
from lib.jobs.read import FILES, SHORT
from lib.platform import postgres
from lib.platform.errors import Problem

TOTAL_CAP = 2_000
"""The `total` of a filtered list is counted up to here; the unfiltered one is exact. Counting a
thousand jobs takes 0.1 ms, as long as reading a page of them."""
SEARCHED = 10_000
"""The newest jobs that a search looks through."""
MAX_SEARCH = 200
MOST_TIES = 1_000
"""Jobs that change in one transaction at most, and so share their `updated_at`."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs a list shows. `since` and `until` bound `updated_at`, both inclusive."""

    page: int = 1
    limit: int = 20
    order: str | None = None
    """By default the cursor's; else `updated_at.asc` with `since`, so that a caller that follows
    the changes with a `limit` misses none; else `created_at.desc`."""
    status: str | None = None
    job_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None
    """The beginning of an id, or part of the name or address of an input."""
    cursor: str | None = None

    @property
    def follows(self) -> bool:
        """Whether the caller names the last change it saw and leaves the order to us."""
        return self.since is not None and self.order is None and self.cursor is None


def page(account_id: UUID, query: Query) -> TranscodeList:
    """A page of the account's jobs. An unknown status is an empty list
    (docs/contract.md, section 5).

    Raises Problem 400 for an unknown order, a cursor that is none or does not fit, and a search of
    more than MAX_SEARCH characters.
    """
    after = cursors.parse(query.cursor) if query.cursor else None
    order = _order(query, after)
    if query.job_type not in (None, "transcode", "transcribe"):
        raise Problem("invalid_request", "`job_type` must be transcode or transcribe.")
    if query.search is not None and len(query.search) > MAX_SEARCH:
        raise Problem("invalid_request", f"`q` may have at most {MAX_SEARCH} characters.")
    if query.status is not None and query.status not in STATUSES:
        return TranscodeList([], query.page, query.limit, 0, end_cursor=query.cursor)
    conditions = _conditions(query)
    rows = postgres.rows(
        f"""
        with total as ({_total(conditions)}), items as ({_items(conditions, query, order, after)})
        select total.count as total, items.*, {FILES}
          from total left join items on true left join lateral app.outputs_of(items.id) on true
        """,  # noqa: S608 -- the texts are ours; values go as parameters
        {
            "account": account_id,
            "status": query.status,
            "job_type": query.job_type,
            "since": query.since,
            "until": query.until,
            "begins": f"{_literal(query.search)}%" if query.search else None,
            "holds": f"%{_literal(query.search)}%" if query.search else None,
            "most": query.limit + 1,
            "offset": (query.page - 1) * query.limit,
            "at": after and after.at,
            "after": after and after.id,
        },
    )
    matches = [row for row in rows if row["id"] is not None]
    items = _page_of(matches, query)
    end = query.cursor
    if items:
        end = Cursor(order, items[-1][order.partition(".")[0]], items[-1]["id"]).text()
    return TranscodeList(
        items=[transcode(row) for row in items],
        page=query.page,
        limit=query.limit,
        total=rows[0]["total"],
        next_cursor=end if len(matches) > len(items) else None,
        end_cursor=end,
    )


def _order(query: Query, after: Cursor | None) -> str:
    """The order of the list. Raises Problem 400 for an unknown one, or not the cursor's."""
    order = query.order
    if order is not None and order not in ORDERS:
        raise Problem("invalid_request", f"`order` must be one of {', '.join(ORDERS)}.")
    if after is None:
        return order or ("updated_at.asc" if query.follows else "created_at.desc")
    if order not in (None, after.order):
        raise Problem(
            "invalid_cursor",
            f"`cursor` belongs to a list in the order {after.order}. Leave `order` out, or ask for"
            " the first page of the other order without a cursor.",
        )
    if query.page != 1:
        raise Problem("invalid_cursor", "Send `cursor` or `page`, not both.")
    return after.order


def _conditions(query: Query) -> list[str]:
    conditions = ["account_id = %(account)s"]
    conditions += [_MATCHES_SEARCH] if query.search else []
    conditions += ["status = %(status)s"] if query.status else []
    conditions += ["job_type = %(job_type)s"] if query.job_type else []
    conditions += ["updated_at >= %(since)s"] if query.since else []
    conditions += ["updated_at <= %(until)s"] if query.until else []
    return conditions


def _total(conditions: list[str]) -> str:
    if len(conditions) == 1:
        return "select jobs_total as count from app.accounts where id = %(account)s"
    where = " and ".join(conditions)
    return f"select count(*) from (select from app.jobs where {where} limit {TOTAL_CAP}) counted"  # noqa: S608


def _items(conditions: list[str], query: Query, order: str, after: Cursor | None) -> str:
    """The statement of the page's jobs, and of one more where there is one.

    A caller that follows changes gets the jobs at its very `since` again. They are added to the
    page: were there `limit` of them, it would never see another.
    """
    column, direction = order.split(".")
    items = f"select {SHORT} from app.jobs where {' and '.join(conditions)}"  # noqa: S608
    rest = f"order by {column} {direction}, id {direction} limit %(most)s offset %(offset)s"
    if after is not None:
        sign = "<" if direction == "desc" else ">"
        return f"{items} and ({column}, id) {sign} (%(at)s::timestamptz, %(after)s::uuid) {rest}"
    if query.follows and query.page == 1:
        return (
            f"({items} and updated_at = %(since)s order by id limit {MOST_TIES}) union all"
            f" ({items} and updated_at > %(since)s {rest})"
        )
    return f"{items} {rest}"


def _page_of(rows: list[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """The rows that the page has: `limit`, or as many as lead beyond `since`."""
    if not query.follows:
        return rows[: query.limit]
    ties = sum(row["updated_at"] == query.since for row in rows)
    rows.sort(key=lambda row: (row["updated_at"], row["id"]))
    return rows[: max(query.limit, ties + 1)]


_MATCHES_SEARCH = f"""
    id in (
      select recent.id
        from (select j.id, j.inputs from app.jobs j where j.account_id = %(account)s
               order by j.created_at desc, j.id desc limit {SEARCHED}) recent
       where recent.id::text ilike %(begins)s
          or exists (select from jsonb_array_elements(recent.inputs) i
                      where i ->> 'filename' ilike %(holds)s or i ->> 'url' ilike %(holds)s))
"""  # noqa: S608 -- SEARCHED is a constant


def _literal(text: str) -> str:
    """Text as `like` takes it, without wildcards, composed as labels are."""
    return re.sub(r"([\\%_])", r"\\\1", unicodedata.normalize("NFC", text))
