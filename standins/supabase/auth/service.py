"""What all of Auth's routes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from flask import Response, request

from standins.mail import MailSink
from standins.supabase.auth import mails, redirects, users
from standins.supabase.auth.callers import Callers
from standins.supabase.auth.database import Connection, Database
from standins.supabase.auth.hooks import BeforeUserCreated
from standins.supabase.auth.mails import LinkType
from standins.supabase.auth.requests import client_ip
from standins.supabase.auth.tokens import one_time, pkce, sessions
from standins.supabase.auth.tokens.access_tokens import AccessTokens
from standins.supabase.auth.tokens.sessions import Grant
from standins.supabase.auth.users import User


@dataclass(frozen=True)
class ProjectSettings:
    """The project's settings, as on hosted Supabase's page."""

    public_url: str
    site_url: str
    redirect_allow: Sequence[str]
    autoconfirm: bool
    mail_interval: timedelta
    reuse_interval: timedelta
    min_password_length: int


@dataclass(frozen=True)
class AuthService:
    """The parts that answer requests."""

    policy: ProjectSettings
    database: Database
    tokens: AccessTokens
    callers: Callers
    mail: MailSink
    hook: BeforeUserCreated | None
    clock: Callable[[], datetime]

    def redirect_to(self, target: str | None = None) -> str:
        """Where a link of this request may lead: as asked, else the page it came from."""
        candidates = [
            target,
            request.args.get("redirect_to") or request.headers.get("redirect_to"),
            request.headers.get("Referer"),
        ]
        return redirects.choose(candidates, self.policy.site_url, self.policy.redirect_allow)

    def open_session(self, connection: Connection, user: User, method: str) -> Grant:
        """Sign a user in."""
        agent = request.headers.get("User-Agent", "")
        return sessions.open_session(connection, user, method, self.clock(), agent, client_ip())

    def session_json(self, connection: Connection, grant: Grant) -> dict[str, Any]:
        """A session as clients get it."""
        claims = sessions.claims(connection, grant, self.policy.public_url, self.clock())
        return {
            "access_token": self.tokens.sign(claims),
            "token_type": "bearer",
            "expires_in": sessions.TOKEN_SECONDS,
            "expires_at": claims["exp"],
            "refresh_token": grant.refresh_token,
            "user": users.user_json(connection, grant.user),
        }

    def new_link(
        self,
        connection: Connection,
        user: User,
        link_type: LinkType,
        challenge: pkce.Challenge | None,
    ) -> tuple[User, str, str]:
        """Make a one-time token for a link; the user as noted then, the code, and its hash.

        The hash carries the mark of PKCE when there is a challenge.
        """
        now = self.clock()
        code = one_time.new_code()
        hashed = one_time.token_hash(user.email, code)
        if challenge:
            pkce.start(connection, user.id, link_type, challenge, now)
            hashed = f"{one_time.PKCE_PREFIX}{hashed}"
        confirms = link_type in ("signup", "invite")
        one_time.store(
            connection,
            user.id,
            "confirmation_token" if confirms else "recovery_token",
            hashed,
            user.email,
            now,
        )
        times = {"confirmation_sent_at" if confirms else "recovery_sent_at": now}
        if link_type == "invite":
            times["invited_at"] = now
        return users.change(connection, user, now, **times), code, hashed

    def mail_link(
        self,
        connection: Connection,
        user: User,
        link_type: LinkType,
        challenge: pkce.Challenge | None = None,
    ) -> User:
        """Send a link to the user's address. Raises AuthError (429) when the last is too recent."""
        now = self.clock()
        last = user.confirmation_sent_at if link_type == "signup" else user.recovery_sent_at
        if link_type != "invite":
            mails.check_spacing(last, now, self.policy.mail_interval)
        times, _, token_hash = self.new_link(connection, user, link_type, challenge)
        link = mails.action_link(self.policy.public_url, link_type, token_hash, self.redirect_to())
        mails.send_link(self.mail, link_type, user.email, link, now, self.policy.site_url)
        return times

    def mail_email_change(
        self,
        connection: Connection,
        user: User,
        new_email: str,
        challenge: pkce.Challenge | None,
    ) -> User:
        """Send a link to the old and one to the new address: both must be followed."""
        now = self.clock()
        mails.check_spacing(user.email_change_sent_at, now, self.policy.mail_interval)
        if challenge:
            pkce.start(connection, user.id, "email_change", challenge, now)
        changed = users.change(
            connection,
            user,
            now,
            email_change=new_email,
            email_change_sent_at=now,
            email_change_confirm_status=0,
        )
        mails_to_send: list[tuple[str, one_time.Kind]] = [
            (new_email, "email_change_token_new"),
            (user.email, "email_change_token_current"),
        ]
        for address, kind in mails_to_send:
            hashed = one_time.token_hash(address, one_time.new_code())
            hashed = f"{one_time.PKCE_PREFIX}{hashed}" if challenge else hashed
            one_time.store(connection, user.id, kind, hashed, address, now)
            link = mails.action_link(
                self.policy.public_url, "email_change", hashed, self.redirect_to()
            )
            mails.send_link(
                self.mail, "email_change", address, link, now, self.policy.site_url, new_email
            )
        return changed

    def check_new_user(self, row: users.Row) -> None:
        """Ask the project's hook, if it has one. Raises AuthError."""
        if self.hook:
            self.hook.check(row, client_ip(), self.clock())


def answer(body: object, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status, content_type="application/json")


def bodiless(status: int) -> Response:
    """A response of a status and headers only."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def with_session(response: Response, grant: Grant) -> Response:
    """Name the session in the response's headers."""
    response.headers.update(session_headers(grant.user.id, grant.session_id))
    response.headers["Sb-Auth-Refresh-Token-Prefix"] = grant.refresh_token[:5]
    return response


def session_headers(user_id: UUID, session_id: UUID) -> dict[str, str]:
    """The headers that tell whose session a request was about."""
    return {"Sb-Auth-User-Id": str(user_id), "Sb-Auth-Session-Id": str(session_id)}
