"""Every setting of the product, read from the environment once. `.env.example` explains each."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lib.platform.hkdf import derive

SECRET_CHARACTERS = 32
"""The shortest secret that is accepted: one signature by a weak secret is enough to guess it."""
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """A setting is missing or malformed; the sentence says which."""


@dataclass(frozen=True)
class Settings:
    """The product's settings; addresses have no trailing slash."""

    postgres_url: str
    supabase_url: str
    supabase_secret_key: str
    supabase_publishable_key: str | None
    """What browsers may hold; the site's login needs it."""
    worker_secret: str
    cron_secret: str
    link_secret: str
    """Signs links to files; callers see its signatures, so it opens nothing else."""
    api_url: str
    """Public base address of the API; links in answers start with it."""
    worker_url: str
    """Where the worker function is called."""
    source_allow: tuple[str, ...]
    """host:port entries that URL inputs may reach although they are not public."""
    lease_seconds: int
    """How long a worker that fell silent keeps its job."""
    max_attempts: int
    worker_slots: int
    """Jobs that one process runs at the same time."""
    job_seconds: int
    """Most seconds of one attempt at a job, from its first byte to its stored output."""
    function_seconds: int
    """How long a call of the worker function may work: its maxDuration, less a margin."""
    fetch_seconds: int
    """Most seconds of waiting for the server of one URL input."""
    fetch_grace: int
    """Seconds of waiting after which, and over which, a server's pace is judged."""
    fetch_bytes_per_second: int
    """The least a server must send on average over `fetch_grace` seconds."""
    input_hours: int
    """How long uploads are kept."""
    output_hours: int
    """How long outputs are kept."""
    site_url: str
    """Public base address of the website; links in mails start with it."""
    mail_transport: str | None
    """smtp or resend; without one, mails wait."""
    smtp_url: str | None
    resend_api_key: str | None
    resend_url: str
    mail_from: str
    support_email: str
    """Where people reach the operator; told in mails and on the site."""
    operator_name: str
    operator_place: str
    log_file: str | None
    """Where the log's lines are appended; stderr without one."""
    stripe_secret_key: str | None
    """Without one, nothing can be bought."""
    stripe_webhook_secret: str | None
    stripe_url: str
    on_vercel: bool
    """Whether Vercel runs this, which sets X-Real-IP itself."""
    trusted_proxies: tuple[IPNetwork, ...]
    """Addresses of proxies whose X-Real-IP is believed."""
    version: str
    """Which code runs, for the heartbeats of workers."""
    protection_bypass: str | None
    """Vercel's VERCEL_AUTOMATION_BYPASS_SECRET, for calls to our own deployment."""


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError naming what is missing."""
    return read(dict(os.environ))


def read(environ: dict[str, str]) -> Settings:
    """Settings from `environ`. Raises SettingsError naming what is missing or malformed."""

    def required(*names: str) -> str:
        for name in names:
            if environ.get(name):
                return environ[name].rstrip("/")
        raise SettingsError(f"The setting {names[0]} is missing. .env.example says what it is.")

    def number(name: str, default: int) -> int:
        text = environ.get(name) or str(default)
        if not text.isdigit() or int(text) < 1:
            raise SettingsError(f"The setting {name} must be a whole number of 1 or more.")
        return int(text)

    worker_secret, cron_secret, link_secret = _secrets(environ)
    api_url = (environ.get("API_URL") or _vercel_url(environ)).rstrip("/")
    return Settings(
        postgres_url=_libpq_url(required("POSTGRES_URL")),
        supabase_url=required("SUPABASE_URL"),
        supabase_publishable_key=environ.get("SUPABASE_PUBLISHABLE_KEY")
        or environ.get("NEXT_PUBLIC_SUPABASE_ANON_KEY")
        or None,
        supabase_secret_key=required("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
        worker_secret=worker_secret,
        cron_secret=cron_secret,
        link_secret=link_secret,
        api_url=api_url,
        worker_url=(environ.get("WORKER_URL") or f"{api_url}/internal/worker"),
        source_allow=tuple(
            entry.strip() for entry in environ.get("SOURCE_ALLOW", "").split(",") if entry.strip()
        ),
        lease_seconds=number("LEASE_SECONDS", 30),
        max_attempts=number("MAX_ATTEMPTS", 3),
        worker_slots=number("WORKER_SLOTS", os.cpu_count() or 1),
        job_seconds=number("JOB_SECONDS", 780),
        function_seconds=number("FUNCTION_SECONDS", 285),
        fetch_seconds=number("FETCH_SECONDS", 300),
        fetch_grace=number("FETCH_GRACE_SECONDS", 30),
        fetch_bytes_per_second=number("FETCH_BYTES_PER_SECOND", 4096),
        input_hours=number("INPUT_HOURS", 3 * 24),
        output_hours=number("OUTPUT_HOURS", 7 * 24),
        site_url=(environ.get("SITE_URL") or api_url).rstrip("/"),
        mail_transport=_transport(environ),
        smtp_url=environ.get("SMTP_URL") or None,
        resend_api_key=environ.get("RESEND_API_KEY") or None,
        resend_url=(environ.get("RESEND_URL") or "https://api.resend.com").rstrip("/"),
        mail_from=environ.get("MAIL_FROM") or "FFmpeg Micro <no-reply@localhost.localdomain>",
        support_email=environ.get("SUPPORT_EMAIL") or "support@localhost.localdomain",
        operator_name=environ.get("OPERATOR_NAME") or "the operator of this service",
        operator_place=environ.get("OPERATOR_PLACE") or "",
        log_file=environ.get("LOG_FILE") or None,
        stripe_secret_key=environ.get("STRIPE_SECRET_KEY") or None,
        stripe_webhook_secret=_secret(environ, "STRIPE_WEBHOOK_SECRET"),
        stripe_url=(environ.get("STRIPE_URL") or "https://api.stripe.com").rstrip("/"),
        on_vercel=environ.get("VERCEL") == "1",
        trusted_proxies=_networks(environ.get("TRUSTED_PROXIES", "")),
        version=(environ.get("VERCEL_GIT_COMMIT_SHA") or "local")[:12],
        protection_bypass=environ.get("VERCEL_AUTOMATION_BYPASS_SECRET") or None,
    )


def _secrets(environ: dict[str, str]) -> tuple[str, str, str]:
    """WORKER_SECRET, CRON_SECRET and LINK_SECRET; a missing one is derived from the one before it.

    Only CRON_SECRET must be set. No two of them may be equal.
    """
    names = ("WORKER_SECRET", "CRON_SECRET", "LINK_SECRET")
    worker, cron, link = (_secret(environ, name) for name in names)
    if cron is None:
        raise SettingsError(f"The setting CRON_SECRET is missing. {_MAKE_ONE}")
    chosen = [each for each in (worker, cron, link) if each]
    if len(set(chosen)) < len(chosen):
        raise SettingsError(f"The settings {', '.join(names)} must differ. {_MAKE_ONE}")
    worker = worker or derive(cron, "ffmpeg-micro worker")
    return worker, cron, link or derive(worker, "ffmpeg-micro links")


def _secret(environ: dict[str, str], name: str) -> str | None:
    value = environ.get(name)
    if value and len(value) < SECRET_CHARACTERS:
        raise SettingsError(
            f"The setting {name} must have {SECRET_CHARACTERS} characters or more. {_MAKE_ONE}"
        )
    return value or None


def _transport(environ: dict[str, str]) -> str | None:
    """How mails leave: as MAIL_TRANSPORT says."""
    name = environ.get("MAIL_TRANSPORT") or None
    needed = {"smtp": "SMTP_URL", "resend": "RESEND_API_KEY"}
    if name is not None and name not in needed:
        raise SettingsError("The setting MAIL_TRANSPORT must be smtp or resend.")
    if name is not None and not environ.get(needed[name]):
        raise SettingsError(f"MAIL_TRANSPORT={name} needs the setting {needed[name]}.")
    return name


def _networks(text: str) -> tuple[IPNetwork, ...]:
    """Comma-separated addresses and CIDR blocks. Raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise SettingsError(
            "The setting TRUSTED_PROXIES must hold addresses or CIDR blocks, separated by commas."
        ) from error


def _vercel_url(environ: dict[str, str]) -> str:
    """The deployment's own address, from Vercel's system variables."""
    host = environ.get("VERCEL_PROJECT_PRODUCTION_URL")
    if environ.get("VERCEL_ENV") != "production":
        host = environ.get("VERCEL_URL") or host
    if not host:
        raise SettingsError("The setting API_URL is missing. .env.example says what it is.")
    return f"https://{host}"


def _libpq_url(url: str) -> str:
    """`url` without the parameters that Vercel's integration adds for other drivers."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in _NOT_LIBPQ]
    return urlunsplit(parts._replace(query=urlencode(query)))


_MAKE_ONE = "Make one with `openssl rand -hex 32`."
_NOT_LIBPQ = frozenset({"supa", "pgbouncer", "workaround"})
