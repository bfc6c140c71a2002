"""What the website asks of the service before anybody has signed in."""

from __future__ import annotations

import msgspec

from lib.platform import stripe
from lib.platform.errors import Problem
from lib.platform.settings import settings


class Site(msgspec.Struct):
    """Addresses and limits; nothing here is secret."""

    supabase_url: str
    """Where people sign in."""
    publishable_key: str
    """What browsers show to the login; it opens nothing by itself."""
    can_buy: bool
    """Whether plans can be bought."""
    max_upload_bytes: int
    """The largest upload, in bytes."""
    input_hours: int
    """How long uploads are kept at most; outputs likewise."""
    output_hours: int
    """How long outputs are kept at most, in hours."""


def site() -> Site:
    """What the website needs. Raises Problem 503 where the publishable key is not set."""
    key = settings().supabase_publishable_key
    if key is None:
        raise Problem(
            "site_unavailable",
            "The site's login is not set up: SUPABASE_PUBLISHABLE_KEY is missing.",
        )
    return Site(
        settings().supabase_url,
        key,
        stripe.enabled(),
        settings().storage_max_bytes,
        settings().input_hours,
        settings().output_hours,
    )
