"""The tokens inside signed links: which object, what for, until when."""

from __future__ import annotations

import time
from typing import Literal

import jwt
import msgspec

from standins import models
from standins.supabase.storage.callers import token_fault
from standins.supabase.storage.errors import invalid_link_token, invalid_signature

UPLOAD_SECONDS = 2 * 3600
"""How long an upload link lives at the real server."""

Scope = Literal["upload", "download"]


class Link(msgspec.Struct, frozen=True):
    """What a link's token says."""

    url: str
    """`bucket/key`."""
    scope: Scope
    exp: int
    """Seconds since the epoch."""
    iat: int
    upsert: bool = False
    owner: str | None = None


class Links:
    """Signs and verifies links with HS256."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def sign_download(self, bucket: str, key: str, seconds: int) -> str:
        """A token that serves the object for `seconds`."""
        now = int(time.time())
        return self._sign(Link(f"{bucket}/{key}", "download", now + seconds, now))

    def sign_upload(self, bucket: str, key: str, *, upsert: bool, owner: str | None) -> str:
        """A token that takes the object's bytes, over what is there only with `upsert`."""
        now = int(time.time())
        link = Link(f"{bucket}/{key}", "upload", now + UPLOAD_SECONDS, now, upsert, owner)
        return self._sign(link)

    def verify(self, token: str, bucket: str, key: str, scope: Scope) -> Link:
        """The link, when it is for this object and purpose. Raises StorageError (400)."""
        try:
            claims = jwt.decode(
                token, self._secret, algorithms=["HS256"], options={"verify_iat": False}
            )
            link = models.convert(claims, Link)
        except jwt.PyJWTError as error:
            raise invalid_link_token(token_fault(token, error)) from None
        except msgspec.ValidationError:
            raise invalid_signature() from None
        if link.url != f"{bucket}/{key}":
            raise invalid_signature()
        if link.scope != scope:
            raise invalid_signature(f"Token is not scoped for {scope}")
        return link

    def _sign(self, link: Link) -> str:
        return jwt.encode(msgspec.to_builtins(link), self._secret, algorithm="HS256")
