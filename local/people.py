"""Making people of this machine, by Supabase Auth's admin call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


def add(
    settings: Mapping[str, str], email: str, password: str | None = None, name: str | None = None
) -> None:
    """Somebody whose address counts as confirmed, and whose age the operator vouches for.

    Works against whatever `settings` point at; the database's own trigger makes the account.
    Without a password nobody signs in. Raises httpx.HTTPError.
    """
    secret = settings["SUPABASE_SECRET_KEY"]
    told: dict[str, Any] = {"over_13": True} | ({"name": name} if name else {})
    httpx.post(
        f"{settings['SUPABASE_URL']}/auth/v1/admin/users",
        headers={"apikey": secret, "Authorization": f"Bearer {secret}"},
        json={"email": email, "email_confirm": True, "user_metadata": told}
        | ({"password": password} if password else {}),
        timeout=30,
        trust_env=False,
    ).raise_for_status()
