"""What we ask of Supabase Auth, in a person's name or as the server; people sign in there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from lib.platform.errors import LOGIN_UNAVAILABLE, Problem
from lib.platform.settings import settings
from lib.platform.supabase.http_client import http

if TYPE_CHECKING:
    import httpx

SECONDS = 8
"""For one answer, which may come after Auth has sent a mail."""


TOO_MANY = "Supabase Auth is limiting requests. Wait a minute and try again."
TOO_MANY_SECONDS = 60
UNCHECKED = {
    "email_not_confirmed": "Your email address is not confirmed, so your password can't be checked."
    " Follow the link in the mail that you got, then try again.",
    "user_banned": "This login is blocked, so your password can't be checked. Contact support.",
}
"""What a person can do where Auth does not say whether the password is right, by Auth's code."""
UNCHECKED_OTHERWISE = (
    "Your password can't be checked here. Sign in again, and send the request without it within ten"
    " minutes."
)


class AuthRefused(Exception):
    """Auth refused; the text is Auth's own sentence, `code` its name for the reason."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


def change_email(token: str, email: str) -> None:
    """Request a new address on behalf of the access token's user. Raises AuthRefused."""
    back = urlencode({"redirect_to": f"{settings().site_url}/confirm"})
    _call("PUT", f"/user?{back}", token, json={"email": email})


def sign_out_everywhere(token: str) -> None:
    """End all sessions of the access token's user. Raises AuthRefused."""
    _call("POST", "/logout?scope=global", token)


def right_password(email: str, password: str) -> bool:
    """Whether the password belongs to the account with this address.

    Raises Problem 403 when Auth does not say, 429, 503.
    """
    try:
        _call(
            "POST",
            "/token?grant_type=password",
            settings().supabase_secret_key,
            json={"email": email, "password": password},
        )
    except AuthRefused as error:
        if error.code == "invalid_credentials":
            return False
        raise Problem(
            "recent_login_required", UNCHECKED.get(error.code, UNCHECKED_OTHERWISE)
        ) from error
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
    """Raises AuthRefused; Problem 429, and 503 when Auth does not answer."""
    import httpx

    headers = {"apikey": settings().supabase_secret_key, "Authorization": f"Bearer {token}"}
    url = f"{settings().supabase_url}/auth/v1{path}"
    try:
        response = http().request(method, url, headers=headers, json=json, timeout=SECONDS)
    except httpx.HTTPError as error:
        raise Problem("login_unavailable", LOGIN_UNAVAILABLE) from error
    if response.status_code >= 500:
        raise Problem("login_unavailable", LOGIN_UNAVAILABLE)
    if response.status_code == 429:
        raise Problem("login_busy", TOO_MANY, headers={"Retry-After": str(TOO_MANY_SECONDS)})
    if response.is_error:
        raise _refusal(response)


def _refusal(response: httpx.Response) -> AuthRefused:
    """Auth's refusal, which has the names of either version of its API."""
    try:
        body = response.json()
    except ValueError:
        body = None
    fields = body if isinstance(body, dict) else {}
    sentence = str(fields.get("msg") or fields.get("message") or response.text[:200])
    code = str(fields.get("error_code") or fields.get("code") or "unknown")
    return AuthRefused(sentence, response.status_code, code)
