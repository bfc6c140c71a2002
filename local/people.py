"""Creates people with Supabase Auth's admin call."""

from __future__ import annotations

from typing import Any

import httpx

from lib.platform.settings import Project


def add(project: Project, email: str, password: str | None = None, name: str | None = None) -> None:
    """Create somebody whose address counts as confirmed, and whose age the operator vouches for.

    The database's own trigger creates the account.
    Without a password nobody signs in. Raises httpx.HTTPError.
    """
    secret = project.secret_key
    metadata: dict[str, Any] = {"over_13": True} | ({"name": name} if name else {})
    httpx.post(
        f"{project.url}/auth/v1/admin/users",
        headers={"apikey": secret, "Authorization": f"Bearer {secret}"},
        json={"email": email, "email_confirm": True, "user_metadata": metadata}
        | ({"password": password} if password else {}),
        timeout=30,
        trust_env=False,
    ).raise_for_status()
