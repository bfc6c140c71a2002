"""Every setting of the product, read from the environment once. `.env.example` explains each."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, urlencode

from lib.platform.hkdf import derive

SECRET_CHARACTERS = 32
"""The shortest secret that is accepted: one signature by a weak secret is enough to guess it."""
MOST_FILE_BYTES = 2_040_109_465
"""The largest upload (docs/contract.md, section 6); no plan and no project takes more."""
MAIL_FROM = "FFmpeg Micro <no-reply@localhost.localdomain>"
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """A setting is missing or malformed; the sentence says which."""


POSTGRES_URL = ("POSTGRES_URL",)
SUPABASE_URL = ("SUPABASE_URL",)
SECRET_KEY = ("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY")
PUBLISHABLE_KEY = (
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_ANON_KEY",
    "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY",
)
"""The names that a project's address and keys have: ours first, then those that Vercel's Supabase
integration sets. No other module reads them."""


@dataclass(frozen=True)
class Project:
    """A Supabase project: its database, its address and its keys."""

    postgres_url: str
    """As libpq takes it."""
    url: str
    secret_key: str
    publishable_key: str | None
    """What browsers may hold; the site's login needs it."""

    def environment(self) -> dict[str, str]:
        """The same as settings, under their first names."""
        values = {
            POSTGRES_URL[0]: self.postgres_url,
            SUPABASE_URL[0]: self.url,
            SECRET_KEY[0]: self.secret_key,
        }
        return values | ({PUBLISHABLE_KEY[0]: self.publishable_key} if self.publishable_key else {})


@dataclass(frozen=True)
class Settings:
    """The product's settings; addresses have no trailing slash."""

    postgres_url: str
    supabase_url: str
    supabase_secret_key: str
    supabase_publishable_key: str | None
    """What browsers may hold; the site's login needs it."""
    legacy_keys: tuple[str, ...]
    """Settings that hold a legacy JWT API key."""
    auth_issuer: str
    """What the project's access tokens name as their issuer."""
    storage_max_bytes: int
    """The largest file that the project's Storage takes."""
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


@cache
def project() -> Project:
    """The Supabase project of this process. Raises SettingsError naming what is missing.

    Code that only needs the database works without the other settings.
    """
    return read_project(os.environ)


def read_project(environ: Mapping[str, str]) -> Project:
    """The Supabase project that `environ` names. Raises SettingsError naming what is missing."""
    return Project(
        postgres_url=_libpq_url(_required(environ, POSTGRES_URL)),
        url=read_supabase_url(environ),
        secret_key=_required(environ, SECRET_KEY),
        publishable_key=_first(environ, PUBLISHABLE_KEY),
    )


def read_supabase_url(environ: Mapping[str, str]) -> str:
    """The project's base address. Raises SettingsError when it is missing."""
    return _required(environ, SUPABASE_URL).rstrip("/")


def read_api_url(environ: Mapping[str, str]) -> str:
    """The API's public base address. Raises SettingsError when it is missing."""
    return (environ.get("API_URL") or _vercel_url(environ)).rstrip("/")


def read_site_url(environ: Mapping[str, str]) -> str:
    """The website's public base address: the API's, unless another one is set."""
    return (environ.get("SITE_URL") or read_api_url(environ)).rstrip("/")


def read_storage_max_bytes(environ: Mapping[str, str]) -> int:
    """The largest file that the project's Storage takes. Raises SettingsError."""
    return min(_number(environ, "STORAGE_MAX_BYTES", MOST_FILE_BYTES), MOST_FILE_BYTES)


def names_project(environ: Mapping[str, str]) -> bool:
    """Whether `environ` names a project, other than the stand-ins of this machine's own stack."""
    return _first(environ, POSTGRES_URL + SUPABASE_URL) is not None


def legacy_keys(environ: Mapping[str, str]) -> list[str]:
    """The settings in use that hold a legacy JWT API key, which Supabase is about to end."""
    used = (_name_of_first(environ, names) for names in (SECRET_KEY, PUBLISHABLE_KEY))
    return [name for name in used if name and environ[name].startswith("eyJ")]


def read(environ: dict[str, str]) -> Settings:
    """Settings from `environ`. Raises SettingsError naming what is missing or malformed."""

    def number(name: str, default: int) -> int:
        return _number(environ, name, default)

    supabase = read_project(environ)
    worker_secret, cron_secret, link_secret = _secrets(environ)
    api_url = read_api_url(environ)
    return Settings(
        postgres_url=supabase.postgres_url,
        supabase_url=supabase.url,
        supabase_publishable_key=supabase.publishable_key,
        supabase_secret_key=supabase.secret_key,
        legacy_keys=tuple(legacy_keys(environ)),
        auth_issuer=(environ.get("SUPABASE_AUTH_ISSUER") or f"{supabase.url}/auth/v1").rstrip("/"),
        storage_max_bytes=read_storage_max_bytes(environ),
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
        site_url=read_site_url(environ),
        mail_transport=read_transport(environ),
        smtp_url=environ.get("SMTP_URL") or None,
        resend_api_key=environ.get("RESEND_API_KEY") or None,
        resend_url=(environ.get("RESEND_URL") or "https://api.resend.com").rstrip("/"),
        mail_from=environ.get("MAIL_FROM") or MAIL_FROM,
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


def _required(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    value = _first(environ, names)
    if value is None:
        raise SettingsError(f"The setting {names[0]} is missing. .env.example says what it is.")
    return value


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise SettingsError(f"The setting {name} must be a whole number of 1 or more.")
    return int(text)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The value of the first of these names that has one."""
    name = _name_of_first(environ, names)
    return environ[name].strip() if name else None


def _name_of_first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if environ.get(name, "").strip()), None)


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


def read_transport(environ: Mapping[str, str]) -> str | None:
    """How mails leave: smtp, resend or None. Raises SettingsError."""
    name = environ.get("MAIL_TRANSPORT") or None
    setting = {"smtp": "SMTP_URL", "resend": "RESEND_API_KEY"}
    if name is not None and name not in setting:
        raise SettingsError("The setting MAIL_TRANSPORT must be smtp or resend.")
    if name is not None and not environ.get(setting[name]):
        raise SettingsError(f"MAIL_TRANSPORT={name} needs the setting {setting[name]}.")
    return name


def _networks(text: str) -> tuple[IPNetwork, ...]:
    """Comma-separated addresses and CIDR blocks. Raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise SettingsError(
            "The setting TRUSTED_PROXIES must hold addresses or CIDR blocks, separated by commas."
        ) from error


def _vercel_url(environ: Mapping[str, str]) -> str:
    """The deployment's own address, from Vercel's system variables."""
    host = environ.get("VERCEL_PROJECT_PRODUCTION_URL")
    if environ.get("VERCEL_ENV") != "production":
        host = environ.get("VERCEL_URL") or host
    if not host:
        raise SettingsError("The setting API_URL is missing. .env.example says what it is.")
    return f"https://{host}"


def _libpq_url(url: str) -> str:
    """`url` without the parameters that Vercel's integration adds for other drivers."""
    base, mark, text = url.partition("?")
    query = [(key, value) for key, value in parse_qsl(text) if key not in _NOT_LIBPQ]
    return base + (mark + urlencode(query) if query else "")


_MAKE_ONE = "Make one with `openssl rand -hex 32`."
_NOT_LIBPQ = frozenset({"supa", "pgbouncer", "workaround"})
