"""What the Auth and Storage settings of a Supabase project must be, and where they differ. Pure.

The names are those of the Management API: https://supabase.com/docs/reference/api.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.hosted.environment import Hosting, Smtp

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "supabase" / "config.toml"
FREE_BYTES = 50 * 2**20
"""The largest file of a Free project."""
SECRETS = frozenset({"smtp_pass"})
NO_SMTP = (
    "The project has no custom SMTP. Supabase then sends 2 mails an hour, and only to members of"
    " your team: nobody else can sign up. Set MAIL_TRANSPORT, MAIL_FROM and SMTP_URL or"
    " RESEND_API_KEY, and run this again."
)
LOCKED = (
    "The project does not take our mail templates: a new Free project without custom SMTP keeps"
    " Supabase's own. Links and sign-up work with these as well. Set up SMTP or a paid plan, then"
    " run this again."
)
_HASH = re.compile(r"[0-9a-f]{64}")
_WHERE = {
    "site_url": "Authentication → URL Configuration → Site URL",
    "uri_allow_list": "Authentication → URL Configuration → Redirect URLs",
    "hook_": "Authentication → Auth Hooks → Before User Created",
    "smtp_": "Authentication → Emails → SMTP Settings",
    "mailer_subjects_": "Authentication → Emails → Templates",
    "mailer_templates_": "Authentication → Emails → Templates",
    "password_min_length": "Authentication → Sign In / Providers → Email",
    "mailer_": "Authentication → Sign In / Providers → Email",
    "external_email_enabled": "Authentication → Sign In / Providers → Email",
    "disable_signup": "Authentication → Sign In / Providers",
    "fileSizeLimit": "Storage → Settings → Upload file size limit",
}
"""Where the dashboard has a setting; the first prefix that fits counts."""


@dataclass(frozen=True)
class Difference:
    """A setting that is not as it must be; the values are fit to be shown."""

    name: str
    current: str
    required: str

    @property
    def fix(self) -> str:
        """Where a person can change it."""
        return next(where for prefix, where in _WHERE.items() if self.name.startswith(prefix))


Group = dict[str, Any]


def urls_and_rules(hosting: Hosting, current: Mapping[str, Any]) -> Group:
    """Addresses, the hook and the rules of sign-up. Addresses that the list has already stay."""
    config = _config()
    allowed = [each for each in str(current.get("uri_allow_list") or "").split(",") if each]
    ours = [hosting.site_url, f"{hosting.site_url}/**"]
    email, hook = config["email"], config["hook"]["before_user_created"]
    return {
        "site_url": hosting.site_url,
        "uri_allow_list": ",".join([*allowed, *(each for each in ours if each not in allowed)]),
        "hook_before_user_created_enabled": hook["enabled"],
        "hook_before_user_created_uri": hook["uri"],
        "disable_signup": False,
        "external_email_enabled": email["enable_signup"],
        "mailer_autoconfirm": not email["enable_confirmations"],
        "mailer_secure_email_change_enabled": True,
        "password_min_length": config["minimum_password_length"],
    }


def smtp(server: Smtp | None) -> Group:
    """The SMTP settings of Supabase Auth; empty when no SMTP server is configured."""
    if server is None:
        return {}
    return {
        "smtp_host": server.host,
        "smtp_port": str(server.port),
        "smtp_user": server.user,
        "smtp_pass": server.password,
        "smtp_admin_email": server.sender,
        "smtp_sender_name": server.sender_name,
    }


def templates() -> Group:
    """Subjects and texts of Auth's mails."""
    group: Group = {}
    for name, template in _config()["email"]["template"].items():
        group[f"mailer_subjects_{name}"] = template["subject"]
        group[f"mailer_templates_{name}_content"] = (ROOT / template["content_path"]).read_text()
    return group


def differences(group: Group, current: Mapping[str, Any], ref: str) -> list[Difference]:
    """The settings of the group that the project has otherwise."""
    return [
        Difference(name, _display(name, current.get(name)), _display(name, value))
        for name, value in group.items()
        if not _same(name, value, current.get(name), ref)
    ]


def storage_difference(limit: int, current: int) -> Difference | None:
    """A file size limit below what the service promises; a higher one does no harm."""
    if current >= limit:
        return None
    return Difference("fileSizeLimit", f"{current} bytes", f"{limit} bytes")


def too_low(limit: int, current: int) -> str:
    """What to do when the project can't take files of `limit` bytes."""
    why = "a Free project takes no larger ones" if current <= FREE_BYTES else "its plan's limit"
    return (
        f"The project takes files of at most {current} bytes ({why}), but the service promises"
        f" {limit}. Set STORAGE_MAX_BYTES={current} in the deployment, or upgrade the project."
    )


def _same(name: str, required: Any, current: Any, ref: str) -> bool:
    if name in SECRETS:
        return _same_secret(str(required), current, ref)
    if name == "site_url":
        return str(current or "").rstrip("/") == str(required)
    if isinstance(required, str):
        return str(current or "") == required
    return bool(current == required)


def _same_secret(required: str, current: Any, ref: str) -> bool:
    """Whether a secret is the one that is stored, as far as the API says.

    The API answers a hash: HMAC-SHA256 with the project's reference as the key. Where it answers
    neither that nor the value, the two can't be compared and count as the same.
    """
    if not isinstance(current, str) or not current:
        return True
    if not _HASH.fullmatch(current):
        return current == required or not current.strip("*•")
    keyed = hmac.new(ref.encode(), required.encode(), hashlib.sha256).hexdigest()
    return current in (keyed, hashlib.sha256(required.encode()).hexdigest(), required)


def _display(name: str, value: Any) -> str:
    """A value for the terminal: secrets are never shown, texts only by their length."""
    if value in (None, ""):
        return "nothing"
    if name in SECRETS:
        return "(not shown)"
    if name.endswith("_content"):
        return f"a text of {len(str(value))} characters"
    text = "".join(each if each.isprintable() else "?" for each in str(value))
    return text if len(text) <= 200 else f"{text[:200]}…"


def _config() -> dict[str, Any]:
    """The section `auth` of supabase/config.toml, where the rules and mails are named once."""
    section: dict[str, Any] = tomllib.loads(CONFIG.read_text())["auth"]
    return section
