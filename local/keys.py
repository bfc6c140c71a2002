"""The keys of one machine's stack: created once, stored in a file that only its owner can read."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

import msgspec

from standins.supabase.keys import ProjectKeys


class StackKeys(ProjectKeys, frozen=True, kw_only=True):
    """The Supabase project's keys, and the secrets that the service and Stripe's stand-in share."""

    worker_secret: str
    """Authenticates calls to the worker function."""
    cron_secret: str
    """Authenticates cron calls, as Vercel's CRON_SECRET does."""
    stripe_secret: str = ""
    """The stand-in's secret key, `sk_test_…`."""
    stripe_webhook_secret: str = ""
    """Signs the stand-in's webhooks, `whsec_…`."""


def load(path: Path) -> StackKeys:
    """Read the keys stored at `path`; missing ones are created first."""
    stored = msgspec.json.decode(path.read_bytes(), type=StackKeys) if path.exists() else None
    if stored and stored.stripe_secret:
        return stored
    keys = msgspec.structs.replace(
        stored or _create(),
        stripe_secret=f"sk_test_{secrets.token_urlsafe(24)}",
        stripe_webhook_secret=f"whsec_{secrets.token_urlsafe(24)}",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(keys))
    return keys


def _create() -> StackKeys:
    # Imported where it is used: reading the keys is part of every start, creating them of one.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return StackKeys(
        publishable=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret=f"sb_secret_{secrets.token_urlsafe(24)}",
        user_token_key=pem.decode(),
        user_token_kid=str(uuid.uuid4()),
        storage_secret=secrets.token_urlsafe(32),
        worker_secret=secrets.token_urlsafe(32),
        cron_secret=secrets.token_urlsafe(32),
    )
