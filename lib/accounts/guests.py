"""Visitors who try the service: an account without a person, for an hour, on the plan `try`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from lib.accounts import keys
from lib.accounts.rates import Network
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.times import stamp
from lib.usage.plan_limits import within_storage
from lib.usage.price import SIGN_UP

SECONDS = 3600
"""How long the key works and files are kept."""
MOST_A_MINUTE = 2
MOST_A_DAY = 10
"""Accounts of one network."""
MOST_IN_ALL = 2000
"""Accounts of all networks within a day."""
_BEYOND = {
    "minute": "You have just started a trial. Wait a minute, or sign up: it's free, no card"
    " required.",
    "day": f"You have used all trials for today. {SIGN_UP}",
    "all": f"Too many people are trying the service right now. {SIGN_UP}",
}


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A body that asks for nothing in particular."""


class Guest(msgspec.Struct):
    """What a visitor may work with."""

    key: str
    """For the routes of jobs and uploads, until `expires_at`."""
    expires_at: str
    """When the key and all its files are deleted, ISO 8601."""
    max_bytes: int
    """Of one file."""
    minutes: int
    """Of input, in all."""


def open_account(networks: Sequence[Network], most_in_all: int = MOST_IN_ALL) -> Guest:
    """An account for a visitor from an address in `networks`: its own, and a wider one if any.

    Raises Problem 429 past the limits, which are `share` times as high for the wider network.
    """
    own, wide = networks[0], networks[1] if len(networks) > 1 else None
    key = keys.PREFIX + secrets.token_urlsafe(32)
    row = postgres.row(
        """
        select o.expires_at, o.beyond, o.wait, p.max_input_bytes, p.minutes_per_month
          from app.open_guest(%(network)s, %(wide)s, %(share)s, %(a_minute)s, %(a_day)s, %(in_all)s,
                              %(seconds)s, %(hash)s, %(starts)s) o, app.plans p
         where p.id = 'try'
        """,
        {
            "network": own.name,
            "wide": wide.name if wide else None,
            "share": wide.share if wide else 1,
            "a_minute": MOST_A_MINUTE,
            "a_day": MOST_A_DAY,
            "in_all": most_in_all,
            "seconds": SECONDS,
            "hash": keys.digest(key),
            "starts": keys.first_letters(key),
        },
    )
    assert row is not None  # noqa: S101 -- the plan comes with the migrations
    if row["beyond"]:
        raise Problem(
            "trial_limit", _BEYOND[row["beyond"]], headers={"Retry-After": str(row["wait"])}
        )
    most = within_storage(row["max_input_bytes"])
    return Guest(key, stamp(row["expires_at"]), most, row["minutes_per_month"])


def leave(batch: int) -> int:
    """Queue the erasure of expired guest accounts, at most a batch; return how many.

    Who came before yesterday is forgotten.
    """
    rows = postgres.rows(
        """
        with forgotten as (
          delete from app.guests where created_at < now() - interval '1 day'
        ),
        over as (
          select id from app.accounts
           where guest_until <= now() and closed_at is null
           order by guest_until limit %(batch)s for update skip locked
        ),
        closed as (
          update app.accounts a set closed_at = now() from over where a.id = over.id
        )
        select app.add_task('erase', 'erase:' || id, id, '{}') as queued from over
        """,
        {"batch": batch},
    )
    return sum(row["queued"] for row in rows)
