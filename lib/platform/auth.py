"""What we ask of Supabase Auth, in a person's name or as the server; people sign in there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from lib.platform.errors import LOGIN_UNAVAILABLE, Problem
from lib.platform.settings import settings
from lib.platform.storage_http import http

SECONDS = 8
"""For one answer, which may come after Auth has sent a mail."""


class AuthRefused(Exception):
    """Auth said no; the text is Auth's own sentence."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def change_email(token: str, email: str) -> None:
    """Ask for a new address in the name of who holds the access token. Raises AuthRefused."""
    back = urlencode({"redirect_to": f"{settings().site_url}/confirm"})
    _call("PUT", f"/user?{back}", token, json={"email": email})


def sign_out_everywhere(token: str) -> None:
    """End all sessions of who holds the access token. Raises AuthRefused."""
    _call("POST", "/logout?scope=global", token)


def right_password(email: str, password: str) -> bool:
    """Whether the password is the one of who signs in with this address. Raises Problem 503."""
    try:
        _call(
            "POST",
            "/token?grant_type=password",
            settings().supabase_secret_key,
            json={"email": email, "password": password},
        )
    except AuthRefused:
        return False
    return True


def delete_user(user_id: UUID) -> None:
    """Delete a login, with its sessions; one that is gone already does not matter.

    Raises AuthRefused, Problem 503.
    """
    try:
        _call("DELETE", f"/admin/users/{user_id}", settings().supabase_secret_key)
    except AuthRefused as error:
        if error.status != 404:
            raise


def _call(method: str, path: str, token: str, *, json: Any = None) -> None:
    """Raises AuthRefused; Problem 503 when Auth does not answer."""
    import httpx

    headers = {"apikey": settings().supabase_secret_key, "Authorization": f"Bearer {token}"}
    url = f"{settings().supabase_url}/auth/v1{path}"
    try:
        response = http().request(method, url, headers=headers, json=json, timeout=SECONDS)
    except httpx.HTTPError as error:
        raise Problem(503, LOGIN_UNAVAILABLE) from error
    if response.status_code >= 500:
        raise Problem(503, LOGIN_UNAVAILABLE)
    if response.is_error:
        told = response.json() if "json" in response.headers.get("content-type", "") else {}
        sentence = str(told.get("msg") or told.get("message") or response.text[:200])
        raise AuthRefused(sentence, response.status_code)
