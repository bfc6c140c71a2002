"""The hook before a user is created, as a function of the database.

The event and the answer are those of Supabase's documentation ("Before User Created Hook").
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from standins.supabase.auth.database import Database
from standins.supabase.auth.errors import AuthError, unexpected
from standins.supabase.auth.timestamps import rfc3339
from standins.supabase.auth.users import Row

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")
TIMEOUT_MS = 2000


class BeforeUserCreated:
    """Calls `schema.function(event jsonb) returns jsonb`. Raises ValueError for a bad name."""

    def __init__(self, database: Database, function: str) -> None:
        if not NAME.fullmatch(function):
            raise ValueError(f"{function!r} is not the name of a function: give schema.function")
        self._database = database
        self._uri = f"pg-functions://postgres/{function.replace('.', '/')}"
        self._call = sql.SQL("select {}(%s)").format(sql.Identifier(*function.split(".")))

    def check(self, row: Row, ip: str | None, now: datetime) -> None:
        """Ask whether this user may be created; raises AuthError when not.

        It runs in a transaction of its own, before the one that inserts the user.
        """
        event = {
            "metadata": {
                "uuid": str(uuid4()),
                "time": rfc3339(now),
                "name": "before-user-created",
                "ip_address": ip or "",
            },
            "user": _candidate_json(row),
        }
        try:
            with self._database.transaction() as connection:
                connection.execute(f"set local statement_timeout to {TIMEOUT_MS}".encode())
                answered = connection.execute(self._call, (Jsonb(event),)).fetchone()
        except psycopg.Error as error:
            raise unexpected(f"Error running hook URI: {self._uri}") from error
        _refuse(answered[0] if answered else None)


def _candidate_json(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "aud": row["aud"],
        "role": row["role"],
        "email": row["email"],
        "phone": "",
        "app_metadata": row["raw_app_meta_data"],
        "user_metadata": row["raw_user_meta_data"],
        "identities": [],
        # The row is not inserted yet: the times are Go's zero.
        "created_at": "0001-01-01T00:00:00Z",
        "updated_at": "0001-01-01T00:00:00Z",
        "is_anonymous": False,
    }


def _refuse(answer: Any) -> None:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or not error.get("message"):
        return
    status = int(error.get("http_code") or 500)
    refusal = AuthError(
        status, "unexpected_failure" if status == 500 else "unknown", str(error["message"])
    )
    refusal.headers = {}  # the code is only in the body
    raise refusal
