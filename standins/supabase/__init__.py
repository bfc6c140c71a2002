"""The one-machine stand-ins for Supabase: Auth, Storage, and the SQL of a new project."""

from __future__ import annotations

from pathlib import Path

BOOTSTRAP = tuple(
    Path(__file__).parent / name
    for name in ("bootstrap.sql", "auth/schema.sql", "storage/schema.sql")
)
"""What a database needs before the first migration, in this order; safe to run at every start."""
