"""The settings of a deployment, from the environment and from files of `vercel env pull`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lib.platform import settings
from lib.platform.settings import SettingsError

MANAGEMENT_URL = "https://api.supabase.com"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 -- refused
HOSTED = re.compile(r"([a-z0-9]+)\.supabase\.(co|in)")
LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")


@dataclass(frozen=True)
class Smtp:
    """Where Supabase Auth sends its mails through."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    sender: str
    sender_name: str


@dataclass(frozen=True)
class Hosting:
    """What `make supabase-setup` works with."""

    ref: str
    """The project's reference, the first part of its address."""
    token: str = field(repr=False)
    management_url: str
    site_url: str
    smtp: Smtp | None
    storage_max_bytes: int


def load(path: Path) -> dict[str, str]:
    """The settings in a file of NAME=value lines; quotes around a value are not part of it.

    Raises SettingsError when the file can't be read.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {type(error).__name__}.") from error
    matches = (LINE.fullmatch(line) for line in lines if not line.lstrip().startswith("#"))
    return {match[1]: _unquoted(match[2]) for match in matches if match}


def joined(file: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by the settings of a file. Raises SettingsError."""
    return (load(file) if file else {}) | {name: value for name, value in environ.items() if value}


def read(environ: Mapping[str, str]) -> Hosting:
    """What the setup needs. Raises SettingsError naming what is missing or malformed."""
    return Hosting(
        ref=project_ref(environ),
        token=access_token(environ),
        management_url=management_url(environ),
        site_url=public_site_url(environ),
        smtp=smtp(environ),
        storage_max_bytes=settings.read_storage_max_bytes(environ),
    )


def management_url(environ: Mapping[str, str]) -> str:
    """The base address of Supabase's Management API."""
    return (environ.get("SUPABASE_MANAGEMENT_URL") or MANAGEMENT_URL).rstrip("/")


def access_token(environ: Mapping[str, str]) -> str:
    """The operator's own token for the Management API. Raises SettingsError when it is missing."""
    token = environ.get("SUPABASE_ACCESS_TOKEN", "").strip()
    if not token:
        raise SettingsError(
            "The setting SUPABASE_ACCESS_TOKEN is missing. Create a token at"
            " https://supabase.com/dashboard/account/tokens. It is yours: do not set it in Vercel."
        )
    return token


def project_ref(environ: Mapping[str, str]) -> str:
    """The project's reference. Raises SettingsError where its address does not show it."""
    reference = environ.get("SUPABASE_PROJECT_REF", "").strip()
    if reference:
        return reference
    match = HOSTED.fullmatch(urlsplit(settings.read_supabase_url(environ)).hostname or "")
    if match is None:
        raise SettingsError(
            "SUPABASE_URL is not of the form https://REF.supabase.co. Set SUPABASE_PROJECT_REF to"
            " the project's reference (Settings → General)."
        )
    return match[1]


def public_site_url(environ: Mapping[str, str]) -> str:
    """The site's address, which mails link to. Raises SettingsError unless it is a public one."""
    url = settings.read_site_url(environ)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "*" in url:
        raise SettingsError(f"SITE_URL must be an address such as https://example.com, not {url}.")
    if parts.hostname in LOCAL_HOSTS or parts.hostname.endswith(".localhost"):
        raise SettingsError(
            f"SITE_URL is {url}, which leads every reader of a mail to their own machine. Set it to"
            " the public address of the site."
        )
    return url


def smtp(environ: Mapping[str, str]) -> Smtp | None:
    """How Auth sends mails: through what sends ours. None without; raises SettingsError."""
    transport = settings.read_transport(environ)
    if transport is None:
        return None
    name, address = parseaddr(environ.get("MAIL_FROM") or "")
    if "@" not in address:
        raise SettingsError("The setting MAIL_FROM must name an address, which mails come from.")
    if transport == "resend":
        key = environ["RESEND_API_KEY"]
        return Smtp("smtp.resend.com", 465, "resend", key, address, name or address)
    url = urlsplit(environ["SMTP_URL"])
    try:
        port = url.port or (465 if url.scheme == "smtps" else 587)
    except ValueError as error:
        raise SettingsError("The port in SMTP_URL is not a number.") from error
    if url.scheme not in ("smtp", "smtps") or not url.hostname:
        raise SettingsError("SMTP_URL must look like smtp://user:password@host:587.")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return Smtp(url.hostname, port, user, password, address, name or address)


def _unquoted(value: str) -> str:
    for quote in ('"', "'"):
        if len(value) >= 2 and value[0] == value[-1] == quote:
            inner = value[1:-1]
            return inner.replace('\\"', '"').replace("\\n", "\n") if quote == '"' else inner
    return value
