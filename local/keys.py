"""The keys of one machine's stack: made once, kept in a file only its owner reads."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

import msgspec


class Keys(msgspec.Struct, frozen=True):
    """What hosted Supabase and Stripe would hand out, plus what Supabase keeps to itself."""

    publishable: str
    """The client-side key, role `anon`."""
    secret: str
    """The server-side key, role `service_role`."""
    user_token_key: str
    """PEM of the P-256 private key that signs users' access tokens (ES256)."""
    user_token_kid: str
    storage_secret: str
    """Signs Storage's upload and download links (HS256)."""
    worker_secret: str
    """Authenticates calls to the worker function."""
    cron_secret: str
    """Authenticates cron calls, as Vercel's CRON_SECRET does."""
    stripe_secret: str = ""
    """The stand-in's secret key, `sk_test_…`."""
    stripe_webhook_secret: str = ""
    """Signs the stand-in's webhooks, `whsec_…`."""


def load(path: Path) -> Keys:
    """Read the keys kept at `path`, making those first that there are none of."""
    kept = msgspec.json.decode(path.read_bytes(), type=Keys) if path.exists() else None
    if kept and kept.stripe_secret:
        return kept
    keys = msgspec.structs.replace(
        kept or _make(),
        stripe_secret=f"sk_test_{secrets.token_urlsafe(24)}",
        stripe_webhook_secret=f"whsec_{secrets.token_urlsafe(24)}",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(keys))
    return keys


def _make() -> Keys:
    # Imported where it is used: reading the keys is part of every start, making them of one.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Keys(
        publishable=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret=f"sb_secret_{secrets.token_urlsafe(24)}",
        user_token_key=pem.decode(),
        user_token_kid=str(uuid.uuid4()),
        storage_secret=secrets.token_urlsafe(32),
        worker_secret=secrets.token_urlsafe(32),
        cron_secret=secrets.token_urlsafe(32),
    )
