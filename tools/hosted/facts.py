"""What `make doctor` knows of a deployment. Gathered at one place, judged at another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Plan:
    """A plan's promise of file sizes, in bytes."""

    name: str
    most_bytes: int


@dataclass(frozen=True)
class Database:
    """What the database says."""

    migrated: bool
    """Whether the schema `app` is there."""
    missing_migrations: tuple[str, ...] | None
    """Names of files that are not applied; None where no record of them is kept."""
    buckets: Mapping[str, bool]
    """The buckets, and whether each is public."""
    plans: tuple[Plan, ...]
    can_schedule: bool
    """Whether pg_cron and pg_net are available."""
    scheduled: Mapping[str, str]
    """Our jobs of pg_cron, and the statement of each."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `status` 0 when there was none, and then `text` says why."""

    status: int
    text: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stripe:
    """What Stripe says with the key that is set."""

    status: int
    webhooks: Mapping[str, bool]
    """Addresses that events are sent to, and whether each is enabled."""
    prices: frozenset[str]
    """The plans that have an active price."""


@dataclass(frozen=True)
class Facts:
    """A deployment, as far as it could be looked at."""

    environ: Mapping[str, str]
    database: Database | str | None
    """Its answer; a sentence when it gave none; None when its address is not known."""
    key_set: Literal["ready", "empty", "away"] | None
    site_redirect: Answer | None
    """The answer to a link of Auth that is not valid: its `text` is where that leads."""
    health: Answer | None
    site: Answer | None
    """The answer of /v1/site, which browsers begin with."""
    takes_bytes: bool | None
    """Whether Storage takes a file as large as the service promises; None when it did not say."""
    auth: Mapping[str, Any] | None
    """Auth's settings by the Management API; None without a token for it."""
    storage: Mapping[str, Any] | None
    management_error: str | None
    stripe: Stripe | None
    """None without a key of Stripe."""
