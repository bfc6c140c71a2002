"""The mails Auth sends: a link (or a code) each, from the project's templates."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

from standins.mail import MailSink
from standins.supabase.auth.errors import over_mail_rate
from standins.supabase.auth.redirects import in_link

SENDER = "Auth <no-reply@localhost.localdomain>"

LinkType = Literal["signup", "recovery", "magiclink", "email_change", "invite"]


ROOT = Path(__file__).parent.parent.parent.parent
TEMPLATES: dict[LinkType, str] = {
    "signup": "confirmation",
    "recovery": "recovery",
    "magiclink": "magic_link",
    "email_change": "email_change",
    "invite": "invite",
}
VARIABLE = re.compile(r"\{\{ \.(\w+) \}\}")


def check_spacing(sent_at: datetime | None, now: datetime, interval: timedelta) -> None:
    """Raise AuthError (429) when the last mail of this kind is too recent."""
    if sent_at and now < sent_at + interval:
        raise over_mail_rate(int((sent_at + interval - now).total_seconds()))


def action_link(public_url: str, link_type: LinkType, token_hash: str, redirect_to: str) -> str:
    """The address that a mail leads to."""
    query = f"token={token_hash}&type={link_type}&redirect_to={in_link(redirect_to)}"
    return f"{public_url}/verify?{query}"


def send_link(
    sink: MailSink,
    link_type: LinkType,
    to: str,
    link: str,
    now: datetime,
    site_url: str,
    new_email: str = "",
) -> None:
    """Send the mail of this type with its link."""
    values = {"ConfirmationURL": link, "SiteURL": site_url, "NewEmail": new_email}
    _send(sink, to, TEMPLATES[link_type], values, now)


def send_code(sink: MailSink, to: str, code: str, now: datetime, site_url: str) -> None:
    """Send the code that proves a signed-in user again."""
    _send(sink, to, "reauthentication", {"Token": code, "SiteURL": site_url}, now)


def _send(sink: MailSink, to: str, template: str, values: Mapping[str, str], now: datetime) -> None:
    subject, content = _template(template)
    html = VARIABLE.sub(lambda name: escape(values[name[1]]), content)
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = to
    message["Subject"] = VARIABLE.sub(lambda name: values[name[1]], subject)
    message["Date"] = format_datetime(now)
    # Unencoded, so that the link can be read in the kept file.
    message.set_content(_text(html), cte="8bit")
    message.add_alternative(html, subtype="html", cte="8bit")
    sink.deliver(message)


@cache
def _template(name: str) -> tuple[str, str]:
    """Subject and content of a mail, as supabase/config.toml names them."""
    config = tomllib.loads((ROOT / "supabase" / "config.toml").read_text())
    template = config["auth"]["email"]["template"][name]
    return template["subject"], (ROOT / template["content_path"]).read_text()


def _text(html: str) -> str:
    """The paragraphs of a mail as text; its addresses stand there beside the buttons."""
    reader = _Paragraphs()
    reader.feed(html)
    return "\n\n".join(" ".join(each.split()) for each in reader.paragraphs if each.strip()) + "\n"


class _Paragraphs(HTMLParser):
    """Collects what stands in paragraphs, buttons left out."""

    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[str] = []
        self._inside = False
        self._button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "p":
            self.paragraphs.append("")
            self._inside = True
        self._button = tag == "a" and "background" in (dict(attrs).get("style") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "p"
        self._button = False

    def handle_data(self, data: str) -> None:
        if self._inside and not self._button:
            self.paragraphs[-1] += data
