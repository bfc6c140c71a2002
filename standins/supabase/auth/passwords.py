"""Passwords: what is accepted, and how they are kept (scrypt)."""

from __future__ import annotations

import secrets

from werkzeug.security import check_password_hash, generate_password_hash

from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import WeakPasswordError, validation_failed
from standins.supabase.auth.users import User

MAX_BYTES = 72


def check_strength(password: str, min_length: int) -> None:
    """Raise AuthError for a password that may not be chosen."""
    if len(password.encode()) > MAX_BYTES:
        raise validation_failed(f"Password cannot be longer than {MAX_BYTES} characters")
    if len(password) < min_length:
        raise WeakPasswordError(f"Password should be at least {min_length} characters.", ["length"])


def hashed(password: str) -> str:
    """What is stored for a password."""
    return generate_password_hash(password)


def unguessable() -> str:
    """A password nobody knows."""
    return secrets.token_urlsafe(48)


def matches(connection: Connection, user: User, password: str) -> bool:
    """Whether this is the user's password."""
    row = connection.execute(
        "select encrypted_password from auth.users where id = %s", (user.id,)
    ).fetchone()
    stored = str(row[0] or "") if row else ""
    return bool(stored) and check_password_hash(stored, password)
