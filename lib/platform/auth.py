"""What we ask of Supabase Auth, in a person's name or as the server; people sign in there."""

from __future__ import annotations

from typing import Any

from lib.platform.errors import Problem
from lib.platform.settings import settings
from lib.platform.storage_http import http


class AuthRefused(Exception):
    """Auth said no; the text is Auth's own sentence."""


def change_email(token: str, email: str) -> None:
    """Ask for a new address in the name of who holds the access token. Raises AuthRefused."""
    _call("PUT", "/user", token, json={"email": email})


def sign_out_everywhere(token: str) -> None:
    """End all sessions of who holds the access token. Raises AuthRefused."""
    _call("POST", "/logout?scope=global", token)


def _call(method: str, path: str, token: str, *, json: Any = None) -> None:
    """Raises AuthRefused; Problem 503 when Auth does not answer."""
    import httpx

    headers = {"apikey": settings().supabase_secret_key, "Authorization": f"Bearer {token}"}
    url = f"{settings().supabase_url}/auth/v1{path}"
    try:
        response = http().request(method, url, headers=headers, json=json)
    except httpx.HTTPError as error:
        raise Problem(503, _AWAY) from error
    if response.status_code >= 500:
        raise Problem(503, _AWAY)
    if response.is_error:
        told = response.json() if "json" in response.headers.get("content-type", "") else {}
        raise AuthRefused(str(told.get("msg") or told.get("message") or response.text[:200]))


_AWAY = "The login does not answer just now. Try again in a moment."
