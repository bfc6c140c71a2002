"""Who is calling: one of the project's two keys, or a user's access token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization

from standins.supabase.keys import ProjectKeys
from standins.supabase.storage.errors import access_denied

ROLES = frozenset({"anon", "authenticated", "service_role"})


@dataclass(frozen=True)
class Caller:
    """A role of the database, and the claims that its policies read (JSON)."""

    role: str
    claims: str
    owner: str | None = None
    """The user's id."""


class Callers:
    """Tells callers apart by their headers."""

    def __init__(self, keys: ProjectKeys) -> None:
        self._by_key = {
            keys.secret: Caller("service_role", '{"role":"service_role"}'),
            keys.publishable: Caller("anon", '{"role":"anon"}'),
        }
        private = serialization.load_pem_private_key(keys.user_token_key.encode(), None)
        self._public: Any = private.public_key()
        self._kid = keys.user_token_kid

    def identify(self, authorization: str | None, apikey: str | None) -> Caller | None:
        """The caller; None when no credential was sent.

        A bare `apikey` counts, as behind the hosted gateway. Raises StorageError (403).
        """
        if authorization is None:
            return self._by_key.get(apikey) if apikey else None
        token = authorization.removeprefix("Bearer ")
        return self._by_key.get(token) or self._user(token)

    def _user(self, token: str) -> Caller:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            if kid not in (None, self._kid):
                raise access_denied("no applicable key found in the JSON Web Key Set")
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["ES256"],
                options={"verify_aud": False, "verify_iat": False, "require": ["exp"]},
            )
        except jwt.PyJWTError as error:
            raise access_denied(token_fault(token, error)) from None
        role = claims.get("role", "anon")
        if role not in ROLES:
            raise access_denied(f'role "{role}" does not exist')
        return Caller(role, msgspec.json.encode(claims).decode(), claims.get("sub"))


def token_fault(token: str, error: jwt.PyJWTError) -> str:
    """What the real server says of a token that `error` was raised for."""
    if isinstance(error, jwt.ExpiredSignatureError):
        return '"exp" claim timestamp check failed'
    if isinstance(error, jwt.InvalidSignatureError):
        return "signature verification failed"
    if isinstance(error, jwt.InvalidAlgorithmError):
        return '"alg" (Algorithm) Header Parameter value not allowed'
    if isinstance(error, jwt.DecodeError):
        whole = token.count(".") == 2
        return "JWS Protected Header is invalid" if whole else "Invalid Compact JWS"
    return str(error)
