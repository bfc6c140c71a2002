"""What we ask of Supabase Auth, in a person's name or as the server; people sign in there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lib.platform.settings import settings
from lib.platform.storage_http import http


class AuthRefused(Exception):
    """Auth said no; the text is Auth's own sentence."""


class AuthError(Exception):
    """Auth does not answer as it should; the text is for logs."""


def change_email(token: str, email: str) -> None:
    """Ask for a new address in the name of who holds the access token. Raises AuthRefused."""
    _call("PUT", "/user", token, json={"email": email})


def sign_out_everywhere(token: str) -> None:
    """End all sessions of who holds the access token. Raises AuthRefused."""
    _call("POST", "/logout?scope=global", token)


def check_password(email: str, password: str) -> bool:
    """Whether it is the person's password."""
    try:
        _call(
            "POST", "/token?grant_type=password", settings().supabase_secret_key,
            json={"email": email, "password": password},
        )  # fmt: skip
    except AuthRefused:
        return False
    return True


def delete_user(person: UUID) -> None:
    """Delete the login; nothing when there is none. Raises AuthRefused."""
    key = settings().supabase_secret_key
    _call("DELETE", f"/admin/users/{person}", key, fine=(404,))


def _call(
    method: str, path: str, token: str, *, json: Any = None, fine: tuple[int, ...] = ()
) -> None:
    import httpx

    headers = {"apikey": settings().supabase_secret_key, "Authorization": f"Bearer {token}"}
    url = f"{settings().supabase_url}/auth/v1{path}"
    try:
        response = http().request(method, url, headers=headers, json=json)
    except httpx.HTTPError as error:
        raise AuthError(f"{type(error).__name__}: {error}") from error
    if response.status_code >= 500:
        raise AuthError(f"{response.status_code} {response.text[:300]}")
    if response.is_error and response.status_code not in fine:
        told = response.json() if "json" in response.headers.get("content-type", "") else {}
        raise AuthRefused(str(told.get("msg") or told.get("message") or response.text[:200]))
