"""People: rows of `auth.users` and `auth.identities`, and the JSON that shows them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from standins.supabase.auth.database import Connection, insert, update
from standins.supabase.auth.timestamps import rfc3339

AUDIENCE = "authenticated"
EMAIL = "email"
"""The one provider."""

Row = dict[str, Any]
"""Columns of `auth.users` and their values."""


@dataclass(frozen=True)
class User:
    """A row of `auth.users`, without its password and its columns for phones."""

    id: UUID
    role: str
    email: str
    email_confirmed_at: datetime | None
    invited_at: datetime | None
    confirmation_sent_at: datetime | None
    confirmed_at: datetime | None
    recovery_sent_at: datetime | None
    email_change: str
    email_change_sent_at: datetime | None
    email_change_confirm_status: int
    reauthentication_sent_at: datetime | None
    last_sign_in_at: datetime | None
    raw_app_meta_data: dict[str, Any]
    raw_user_meta_data: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    banned_until: datetime | None
    deleted_at: datetime | None
    is_anonymous: bool

    def is_banned(self, now: datetime) -> bool:
        """Whether the user may not sign in at `now`."""
        return self.banned_until is not None and now < self.banned_until


COLUMNS = ", ".join(
    f"coalesce({name}, '') as {name}"
    if name in ("role", "email", "email_change")
    else f"coalesce({name}, '{{}}') as {name}"
    if name.startswith("raw_")
    else name
    for name in (field.name for field in fields(User))
)


def _find(connection: Connection, condition: str, value: object) -> User | None:
    statement = f"select {COLUMNS} from auth.users where {condition} = %s"  # noqa: S608 - ours
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(statement.encode(), (value,)).fetchone()


def by_id(connection: Connection, user_id: UUID) -> User | None:
    """The user with this id."""
    return _find(connection, "id", user_id)


def by_email(connection: Connection, address: str) -> User | None:
    """The user with this address, which must be lower case."""
    return _find(connection, "is_sso_user = false and email", address)


def reload(connection: Connection, user: User) -> User:
    """The user as the row is now; triggers may have changed it."""
    row = by_id(connection, user.id)
    if row is None:
        raise LookupError("the user is gone")
    return row


def page(
    connection: Connection, limit: int, offset: int, containing: str
) -> tuple[list[User], int]:
    """Users, newest first, whose address or id contains a text; and how many there are in all."""
    values = {"limit": limit, "offset": offset, "containing": f"%{_literal(containing)}%"}
    condition = "(email ilike %(containing)s or id::text ilike %(containing)s)"
    with connection.cursor(row_factory=class_row(User)) as cursor:
        listed = cursor.execute(
            f"select {COLUMNS} from auth.users where {condition} "  # noqa: S608 - ours
            "order by created_at desc limit %(limit)s offset %(offset)s".encode(),
            values,
        ).fetchall()
    total = connection.execute(
        f"select count(*) from auth.users where {condition}".encode(),  # noqa: S608 - ours
        values,
    ).fetchone()
    return listed, total[0] if total else 0


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def candidate(user_id: UUID, address: str, metadata: dict[str, Any], now: datetime) -> Row:
    """The row of a user about to be made, as its insertion and the hook before it see it."""
    return {
        "instance_id": UUID(int=0),
        "id": user_id,
        "aud": AUDIENCE,
        "role": "",
        "email": address,
        "raw_app_meta_data": {"provider": EMAIL, "providers": [EMAIL]},
        "raw_user_meta_data": metadata,
        "created_at": now,
        "updated_at": now,
        "is_anonymous": False,
    }


def create(connection: Connection, row: Row, password_hash: str, role: str = AUDIENCE) -> User:
    """Insert a user. As on hosted Supabase a trigger on insert sees no role yet."""
    insert(connection, "users", row | {"encrypted_password": password_hash})
    update(connection, "users", row["id"], {"role": role})
    created = by_id(connection, row["id"])
    if created is None:
        raise LookupError("a trigger has removed the new user")
    return created


def change(connection: Connection, user: User, now: datetime, **columns: Any) -> User:
    """Update columns of a user's row; the user as it is then."""
    update(connection, "users", user.id, columns | {"updated_at": now})
    return reload(connection, user)


def merged(metadata: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Metadata with changes; what is set to null is removed."""
    return {name: value for name, value in (metadata | changes).items() if value is not None}


def confirm(connection: Connection, user: User, now: datetime) -> User:
    """Mark the address as the user's own."""
    return change(
        connection,
        user,
        now,
        email_confirmed_at=user.email_confirmed_at or now,
        raw_user_meta_data=merged(user.raw_user_meta_data, {"email_verified": True}),
    )


def soft_delete(connection: Connection, user: User, now: datetime) -> None:
    """Keep the row, with nothing in it that tells who it was."""
    change(
        connection,
        user,
        now,
        email=_obscured(user.id, user.email),
        encrypted_password="",
        raw_app_meta_data={},
        raw_user_meta_data={},
        email_change="",
        deleted_at=now,
    )
    connection.execute(
        "update auth.identities set identity_data = '{}', provider_id = %s, updated_at = %s"
        " where user_id = %s",
        (_obscured(user.id, str(user.id)), now, user.id),
    )


def _obscured(user_id: UUID, text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{user_id}{text}".encode()).digest()).decode()


def add_identity(
    connection: Connection, user: User, now: datetime, extra: dict[str, Any]
) -> dict[str, Any]:
    """Give the user its identity of provider `email`; what it says of the user."""
    data = extra | {
        "sub": str(user.id),
        "email": user.email,
        "email_verified": False,
        "phone_verified": False,
    }
    insert(
        connection,
        "identities",
        {
            "id": uuid4(),
            "provider_id": str(user.id),
            "user_id": user.id,
            "identity_data": data,
            "provider": EMAIL,
            "last_sign_in_at": now,
            "created_at": now,
            "updated_at": now,
        },
    )
    return data


def change_identity(connection: Connection, user: User, now: datetime, **data: Any) -> None:
    """Change what the user's identity says."""
    connection.execute(
        "update auth.identities set identity_data = identity_data || %s, updated_at = %s"
        " where user_id = %s and provider = %s",
        (Jsonb(data), now, user.id, EMAIL),
    )


def user_json(connection: Connection, user: User) -> dict[str, Any]:
    """What clients get to see of a user."""
    rows = connection.execute(
        "select id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at,"
        " updated_at, email from auth.identities where user_id = %s order by created_at",
        (user.id,),
    ).fetchall()
    return _json(user, [_identity_json(row) for row in rows])


def listed_json(user: User) -> dict[str, Any]:
    """What a list shows of a user: no identities."""
    return _json(user, None)


def _identity_json(row: tuple[Any, ...]) -> dict[str, Any]:
    identity_id, provider_id, user_id, data, provider, signed_in, created, updated, address = row
    return {
        "identity_id": str(identity_id),
        "id": provider_id,
        "user_id": str(user_id),
        "identity_data": data,
        "provider": provider,
        "last_sign_in_at": rfc3339(signed_in),
        "created_at": rfc3339(created),
        "updated_at": rfc3339(updated),
        "email": address,
    }


def _json(user: User, identities: list[dict[str, Any]] | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(user.id),
        "aud": AUDIENCE,
        "role": user.role,
        "email": user.email,
        "email_confirmed_at": user.email_confirmed_at,
        "invited_at": user.invited_at,
        "phone": "",
        "confirmation_sent_at": user.confirmation_sent_at,
        "confirmed_at": user.confirmed_at,
        "recovery_sent_at": user.recovery_sent_at,
        "new_email": user.email_change or None,
        "email_change_sent_at": user.email_change_sent_at,
        "reauthentication_sent_at": user.reauthentication_sent_at,
        "last_sign_in_at": user.last_sign_in_at,
        "app_metadata": user.raw_app_meta_data,
        "user_metadata": user.raw_user_meta_data,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "banned_until": user.banned_until,
        "deleted_at": user.deleted_at,
        "is_anonymous": user.is_anonymous,
    }
    present = {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in body.items()
        if value is not None
    }
    return present | {"identities": identities}
