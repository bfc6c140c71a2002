"""Who may call a route: what each kind checks before the body is read, and the errors it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lib.accounts.callers import Caller
from lib.accounts.keys import Scope
from lib.http import auth
from lib.platform.settings import settings


@dataclass(frozen=True)
class Open:
    """Anyone, with so many calls a minute of one address; without a window nothing is counted."""

    window: str | None = None
    per_minute: int = 0
    signed: bool = False
    """Whether the address itself carries the right, as a signature in its query."""

    def admit(self) -> None:
        """Raises Problem 429."""
        if self.window:
            auth.limit_address(self.window, self.per_minute)

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes that `admit` raises."""
        return ("rate_limited",) if self.window else ()


@dataclass(frozen=True)
class Credential:
    """The holder of an API key or of a session.

    `scope` is what a key must be allowed. `only` narrows it to accounts (no visitors) or to people
    (sessions, no keys). `window` and `per_minute` limit the calls of one account. A suspended
    account may only read and delete, unless `suspended_too`.
    """

    scope: Scope
    only: Literal["anyone", "account", "person"] = "anyone"
    window: str | None = None
    per_minute: int = 0
    suspended_too: bool = False

    def admit(self) -> Caller:
        """The caller. Raises Problem 401, 403, 429."""
        caller = auth.authenticate(
            scope=self.scope,
            window=self.window,
            per_minute=self.per_minute,
            suspended_too=self.suspended_too,
        )
        if self.only == "person":
            auth.require_person(caller)
        if self.only == "account":
            auth.require_account(caller)
        return caller

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes that `admit` raises."""
        narrowed = {"anyone": (), "account": ("account_required",), "person": ("session_required",)}
        return (
            *("unauthorized", "account_closed", "rate_limited", "too_many_unauthorized"),
            *("insufficient_scope", "login_unavailable"),
            *(() if self.suspended_too else ("account_suspended",)),
            *narrowed[self.only],
        )


@dataclass(frozen=True)
class OptionalCredential:
    """Anyone, and with a credential its holder; so many calls a minute of an address."""

    credential: Credential
    window: str
    per_minute: int

    def admit(self) -> Caller | None:
        """The caller, if there is a credential. Raises Problem 401, 403, 429."""
        auth.limit_address(self.window, self.per_minute)
        return self.credential.admit() if auth.has_credential() else None

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes that `admit` raises."""
        return self.credential.errors


@dataclass(frozen=True)
class Secret:
    """Our own calls, and the operator's: the bearer is one of the service's secrets."""

    name: Literal["cron_secret", "worker_secret"]

    def admit(self) -> None:
        """Raises Problem 401, 429."""
        auth.require_secret(getattr(settings(), self.name))

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes that `admit` raises."""
        return ("unauthorized", "too_many_unauthorized")


Access = Open | Credential | OptionalCredential | Secret

READ = Credential("read")
JOBS = Credential("jobs")
