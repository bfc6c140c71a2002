"""The keys of one Supabase project, as its stand-ins need them."""

from __future__ import annotations

import msgspec


class ProjectKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What hosted Supabase hands out for a project, and what it keeps to itself."""

    publishable: str
    """The client-side key, role `anon`."""
    secret: str
    """The server-side key, role `service_role`."""
    user_token_key: str
    """PEM of the P-256 private key that signs users' access tokens (ES256)."""
    user_token_kid: str
    storage_secret: str
    """Signs Storage's upload and download links (HS256)."""
