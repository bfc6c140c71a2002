"""Routes that list objects, the old way (one folder's level) and the new (by prefix and cursor)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

import msgspec
from flask import Blueprint, Response, request
from psycopg.rows import DictRow

from standins.supabase.storage.bodies import read_json
from standins.supabase.storage.errors import invalid_request
from standins.supabase.storage.service import StorageService, answer, iso

Order = Literal["asc", "desc"]
FACTS = "id, updated_at, created_at, last_accessed_at, metadata"
NO_FACTS = """null::uuid as id, null::timestamptz as updated_at, null::timestamptz as created_at,
  null::timestamptz as last_accessed_at, null::jsonb as metadata"""


class SortBy(msgspec.Struct):
    """The order of a folder's files."""

    column: Literal["name", "updated_at", "created_at", "last_accessed_at"] = "name"
    order: Order = "asc"


class ListBody(msgspec.Struct):
    """What to list of one folder."""

    prefix: str
    limit: Annotated[int, msgspec.Meta(ge=1)] = 100
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    sortBy: SortBy = msgspec.field(default_factory=SortBy)  # noqa: N815 -- the wire's name
    search: str = ""

    def pattern(self) -> str:
        """What the names that are meant start with."""
        folder = self.prefix.strip("/")
        return (f"{folder}/" if folder else "") + self.search


class NameOrder(msgspec.Struct):
    """The order of the new listing."""

    column: Literal["name"] = "name"
    order: Order = "asc"


class ListV2Body(msgspec.Struct):
    """What to list, and where to go on."""

    prefix: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1000
    cursor: str | None = None
    with_delimiter: bool = False
    sortBy: NameOrder = msgspec.field(default_factory=NameOrder)  # noqa: N815 -- the wire's name


def routes(service: StorageService) -> Blueprint:
    """The routes that list."""
    blueprint = Blueprint("listing", __name__)

    @blueprint.post("/object/list/<bucket>")
    def list_(bucket: str) -> Response:
        caller = service.caller()
        body = read_json(request, ListBody)
        pattern = body.pattern()
        with service.database.transaction(caller) as connection:
            rows = connection.execute(
                _level_sql(body.sortBy).encode(),
                {
                    "bucket": bucket,
                    "pattern": pattern,
                    "level": pattern.count("/") + 1,
                    "limit": body.limit,
                    "offset": body.offset,
                },
            ).fetchall()
        return answer([_entry(row) for row in rows])

    @blueprint.post("/object/list-v2/<bucket>")
    def list_v2(bucket: str) -> Response:
        caller = service.caller()
        body = read_json(request, ListV2Body)
        statement = _delimited_sql if body.with_delimiter else _prefix_sql
        with service.database.transaction(caller) as connection:
            rows = connection.execute(
                statement(body.sortBy.order).encode(),
                {
                    "bucket": bucket,
                    "prefix": body.prefix,
                    "after": _read_cursor(body.cursor),
                    "more": body.limit + 1,
                },
            ).fetchall()
        page = rows[: body.limit]
        paging: dict[str, Any] = {"hasNext": len(rows) > len(page)}
        if paging["hasNext"]:
            last = page[-1]["name"]
            paging |= {"nextCursor": _write_cursor(last), "nextCursorKey": last}
        return answer(
            paging
            | {
                "folders": [_keyed(row, body) for row in page if row["id"] is None],
                "objects": [_keyed(row, body) for row in page if row["id"] is not None],
            }
        )

    return blueprint


def _level_sql(sort: SortBy) -> str:
    """One level's folders by name, then its files in the order asked for."""
    column = 'name collate "C"' if sort.column == "name" else sort.column
    return f"""
        with named as (
          select {FACTS}, path_tokens[%(level)s] as part,
            cardinality(path_tokens) > %(level)s as is_folder
          from storage.objects
          where bucket_id = %(bucket)s and starts_with(lower(name), lower(%(pattern)s))
        ), level as (
          select distinct part as name, {NO_FACTS}, is_folder from named where is_folder
          union all
          select part, {FACTS}, is_folder from named where not is_folder
        )
        select * from level
        order by is_folder desc, {column} {sort.order}, name collate "C" {sort.order}
        limit %(limit)s offset %(offset)s
        """  # noqa: S608 -- the column and order are of a closed set


def _prefix_sql(order: Order) -> str:
    """Objects by name, from a name on."""
    beyond = ">" if order == "asc" else "<"
    return f"""
        select name, {FACTS} from storage.objects
        where bucket_id = %(bucket)s and starts_with(name, %(prefix)s)
          and name collate "C" >= %(prefix)s
          and (%(after)s::text is null or name collate "C" {beyond} %(after)s)
        order by name collate "C" {order} limit %(more)s
        """  # noqa: S608 -- the order is of a closed set


def _delimited_sql(order: Order) -> str:
    """The same, with a folder in the place of all that it holds."""
    beyond = ">" if order == "asc" else "<"
    return f"""
        with named as (
          select name, {FACTS}, strpos(substr(name, length(%(prefix)s) + 1), '/') as slash
          from storage.objects
          where bucket_id = %(bucket)s and starts_with(name, %(prefix)s)
            and name collate "C" >= %(prefix)s
        ), entries as (
          select name, {FACTS} from named where slash = 0
          union all
          select distinct left(name, length(%(prefix)s) + slash), {NO_FACTS}
          from named where slash > 0
        )
        select * from entries
        where %(after)s::text is null or name collate "C" {beyond} %(after)s
        order by name collate "C" {order} limit %(more)s
        """  # noqa: S608 -- the order is of a closed set


def _entry(row: DictRow) -> dict[str, Any]:
    """A row on the wire; of a folder only the name is known."""
    return {
        "name": row["name"],
        "id": row["id"] and str(row["id"]),
        "updated_at": row["updated_at"] and iso(row["updated_at"]),
        "created_at": row["created_at"] and iso(row["created_at"]),
        "last_accessed_at": row["last_accessed_at"] and iso(row["last_accessed_at"]),
        "metadata": row["metadata"],
    }


def _keyed(row: DictRow, body: ListV2Body) -> dict[str, Any]:
    """An entry of the new listing; with a delimiter it also says its name below the prefix."""
    key = {"key": row["name"].rstrip("/").rpartition("/")[2]} if body.with_delimiter else {}
    return key | _entry(row)


def _write_cursor(name: str) -> str:
    return base64.b64encode(f"l:{name}".encode()).decode()


def _read_cursor(cursor: str | None) -> str | None:
    """The name to go on from. Raises StorageError (400)."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if not text.startswith("l:"):
        raise invalid_request("Invalid cursor")
    return text[2:]
