"""storage.buckets and storage.objects, read and written as the caller's role, so policies decide."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from local.supabase.storage import errors
from local.supabase.storage.files import Stored
from local.supabase.tokens import Caller

Row = dict[str, Any]
OBJECT = "id, bucket_id, name, owner_id, version, metadata, user_metadata, created_at, updated_at"


class Tables:
    """The two tables."""

    def __init__(self, postgres_url: str) -> None:
        self._pool = ConnectionPool[psycopg.Connection[DictRow]](
            postgres_url,
            connection_class=psycopg.Connection[DictRow],
            kwargs={"autocommit": True, "row_factory": dict_row},
            min_size=1,
            max_size=16,
            open=True,
        )

    @contextmanager
    def acting(self, caller: Caller) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection on which the caller's policies hold. Raises StorageProblem for refusals."""
        try:
            with self._pool.connection() as connection:
                if caller.service:
                    yield connection
                    return
                with connection.transaction():
                    role = caller.role if caller.role in ("anon", "authenticated") else "anon"
                    connection.execute(f"set local role {role}")
                    connection.execute(
                        "select set_config('request.jwt.claims', %s, true)",
                        (json.dumps(caller.claims),),
                    )
                    yield connection
        except psycopg.errors.InsufficientPrivilege:
            raise errors.denied() from None

    def rows(self, caller: Caller, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows of one statement."""
        with self.acting(caller) as connection:
            cursor = connection.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def row(self, caller: Caller, sql: str, values: Mapping[str, Any]) -> Row | None:
        """The first row of one statement."""
        found = self.rows(caller, sql, values)
        return found[0] if found else None

    def bucket(self, bucket: str, caller: Caller | None = None) -> Row:
        """A bucket's row. Raises StorageProblem when there is none."""
        found = self.row(
            caller or SERVICE, "select * from storage.buckets where id = %(id)s", {"id": bucket}
        )
        if found is None:
            raise errors.no_bucket()
        return found

    def find(self, caller: Caller, bucket: str, name: str) -> Row:
        """An object's row. Raises StorageProblem when there is none, or none for this caller."""
        found = self.row(
            caller,
            f"select {OBJECT} from storage.objects"
            " where bucket_id = %(bucket)s and name = %(name)s",
            {"bucket": bucket, "name": name},
        )
        if found is None:
            raise errors.no_object()
        return found

    def exists(self, bucket: str, name: str) -> bool:
        """Whether an object is there, for whomever."""
        return bool(
            self.row(
                SERVICE,
                "select 1 as one from storage.objects"
                " where bucket_id = %(bucket)s and name = %(name)s",
                {"bucket": bucket, "name": name},
            )
        )

    def may_insert(self, caller: Caller, bucket: str, name: str) -> None:
        """Raises StorageProblem unless the policies let the caller store this object."""
        if caller.service:
            return
        with self.acting(caller) as connection:
            connection.execute("savepoint try_it")
            connection.execute(
                "insert into storage.objects (bucket_id, name, owner_id) values (%s, %s, %s)"
                " on conflict (bucket_id, name) do nothing",
                (bucket, name, caller.claims.get("sub")),
            )
            connection.execute("rollback to savepoint try_it")

    def save(
        self,
        caller: Caller,
        bucket: str,
        name: str,
        stored: Stored,
        *,
        mime: str,
        cache: str,
        user_metadata: Row | None,
        upsert: bool,
    ) -> tuple[str, str | None]:
        """Store an object's row; its id, and the version it replaced.

        Raises StorageProblem when the name is taken and `upsert` is not said.
        """
        metadata = {
            "eTag": stored.etag,
            "size": stored.size,
            "mimetype": mime,
            "cacheControl": cache,
            "contentLength": stored.size,
            "httpStatusCode": 200,
        }
        saved = self.row(
            caller,
            """
            with old as (
              select version from storage.objects
               where bucket_id = %(bucket)s and name = %(name)s
            )
            insert into storage.objects as o
              (bucket_id, name, owner_id, owner, metadata, user_metadata, version)
            values (%(bucket)s, %(name)s, %(owner)s, %(owner)s::uuid,
                    %(metadata)s || jsonb_build_object('lastModified',
                      to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
                    %(user)s, %(version)s)
            on conflict (bucket_id, name) do update
               set metadata = excluded.metadata, user_metadata = excluded.user_metadata,
                   version = excluded.version, updated_at = now(), owner_id = excluded.owner_id
             where %(upsert)s
            returning id, (select version from old) as replaced
            """,
            {
                "bucket": bucket,
                "name": name,
                "owner": caller.claims.get("sub"),
                "metadata": Jsonb(metadata),
                "user": Jsonb(user_metadata) if user_metadata is not None else None,
                "version": stored.version,
                "upsert": upsert,
            },
        )
        if saved is None:
            raise errors.duplicate()
        return str(saved["id"]), saved["replaced"]


SERVICE = Caller("service_role", {"role": "service_role"})
