"""What callers send, typed. As in Go, null and a missing field are the empty value."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from flask import request

from standins import models
from standins.supabase.auth.errors import AuthError, validation_failed

EMAIL_FORMAT = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@"
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
MAX_EMAIL = 255


class Challenged(msgspec.Struct, kw_only=True):
    """What may carry a PKCE challenge."""

    code_challenge: str = ""
    code_challenge_method: str = ""


class SignUp(Challenged, kw_only=True):
    """POST /signup."""

    email: str = ""
    phone: str = ""
    password: str = ""
    data: dict[str, Any] = {}


class PasswordGrant(msgspec.Struct, kw_only=True):
    """POST /token?grant_type=password."""

    email: str = ""
    phone: str = ""
    password: str = ""


class RefreshGrant(msgspec.Struct, kw_only=True):
    """POST /token?grant_type=refresh_token."""

    refresh_token: str = ""


class PkceGrant(msgspec.Struct, kw_only=True):
    """POST /token?grant_type=pkce."""

    auth_code: str = ""
    code_verifier: str = ""


class Verify(msgspec.Struct, kw_only=True):
    """POST /verify."""

    type: str = ""
    token: str = ""
    token_hash: str = ""
    email: str = ""
    phone: str = ""


class Recover(Challenged, kw_only=True):
    """POST /recover."""

    email: str = ""


class Otp(Challenged, kw_only=True):
    """POST /otp and /magiclink."""

    email: str = ""
    phone: str = ""
    create_user: bool = True
    data: dict[str, Any] = {}


class Resend(Challenged, kw_only=True):
    """POST /resend."""

    type: str = ""
    email: str = ""
    phone: str = ""


class UserUpdate(Challenged, kw_only=True):
    """PUT /user."""

    email: str = ""
    phone: str = ""
    password: str | None = None
    data: dict[str, Any] = {}
    app_metadata: dict[str, Any] = {}


class AdminUser(msgspec.Struct, kw_only=True):
    """POST and PUT below /admin/users."""

    id: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""
    password: str = ""
    email_confirm: bool = False
    user_metadata: dict[str, Any] = {}
    app_metadata: dict[str, Any] = {}
    ban_duration: str = ""


class AdminDelete(msgspec.Struct, kw_only=True):
    """DELETE below /admin/users."""

    should_soft_delete: bool = False


class GenerateLink(msgspec.Struct, kw_only=True):
    """POST /admin/generate_link."""

    type: str = ""
    email: str = ""
    new_email: str = ""
    password: str = ""
    data: dict[str, Any] = {}
    redirect_to: str = ""


class Invite(msgspec.Struct, kw_only=True):
    """POST /invite."""

    email: str = ""
    data: dict[str, Any] = {}


Body = TypeVar("Body", bound=msgspec.Struct)


def read(body_type: type[Body], empty: bytes = b"") -> Body:
    """The request's JSON; `empty` replaces a missing body. Raises AuthError (400 bad_json)."""
    try:
        fields = msgspec.json.decode(request.get_data() or empty)
        if isinstance(fields, dict):
            fields = {name: value for name, value in fields.items() if value is not None}
        return models.convert(fields, body_type)
    except UnicodeDecodeError:
        raise _bad_json("invalid character in string") from None
    except msgspec.DecodeError as error:
        text = str(error)
        raise _bad_json("unexpected end of JSON input" if "truncated" in text else text) from None


def _bad_json(message: str) -> AuthError:
    return AuthError(400, "bad_json", f"Could not parse request body as JSON: {message}")


def email_address(text: str) -> str:
    """An address as it is stored, in lower case. Raises AuthError (400)."""
    if not text:
        raise validation_failed("An email address is required")
    if len(text) > MAX_EMAIL:
        raise validation_failed("An email address is too long")
    if not EMAIL_FORMAT.fullmatch(text):
        raise validation_failed("Unable to validate email address: invalid format")
    return text.lower()


def client_ip() -> str | None:
    """The caller's address, as the gateway in front tells it."""
    forwarded = request.headers.get("X-Forwarded-For", "").partition(",")[0].strip()
    return forwarded or request.remote_addr
