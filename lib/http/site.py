"""What the website asks of the service before anybody has signed in."""

from __future__ import annotations

import msgspec

from lib.platform import stripe
from lib.platform.errors import Problem
from lib.platform.settings import settings


class Site(msgspec.Struct):
    """Addresses and limits; nothing here is secret."""

    supabase_url: str
    publishable_key: str
    """What browsers show to the login; it opens nothing by itself."""
    can_buy: bool
    max_upload_bytes: int
    input_hours: int
    """How long uploads are kept at most; outputs likewise."""
    output_hours: int


def site() -> Site:
    """What the website needs. Raises Problem 503 where the publishable key is not set."""
    key = settings().supabase_publishable_key
    if key is None:
        raise Problem(503, "The site's login is not set up: SUPABASE_PUBLISHABLE_KEY is missing.")
    return Site(
        settings().supabase_url,
        key,
        stripe.enabled(),
        settings().storage_max_bytes,
        settings().input_hours,
        settings().output_hours,
    )
