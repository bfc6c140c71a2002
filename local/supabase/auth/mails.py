"""The mails Auth sends: a link (or a code) each, in the default wording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Literal

from local.mail import MailSink
from local.supabase.auth.errors import over_mail_rate
from local.supabase.auth.redirects import in_link

SENDER = "Auth <no-reply@localhost.localdomain>"

LinkType = Literal["signup", "recovery", "magiclink", "email_change", "invite"]


@dataclass(frozen=True)
class Wording:
    """A mail's subject (which is its heading too), its sentence, and the text of its link."""

    subject: str
    sentence: str
    link: str


WORDINGS: dict[LinkType, Wording] = {
    "signup": Wording(
        "Confirm your email address",
        "Follow this link to confirm your address and to complete your account:",
        "Confirm email address",
    ),
    "recovery": Wording(
        "Reset your password",
        "Someone, hopefully you, asked to reset your password. Follow this link to choose another:",
        "Reset password",
    ),
    "magiclink": Wording(
        "Your sign-in link",
        "Follow this link to sign in. It works once, and not for long:",
        "Sign in",
    ),
    "email_change": Wording(
        "Confirm your new email address",
        "Follow this link to confirm the change of your address to {new_email}:",
        "Confirm new email address",
    ),
    "invite": Wording(
        "You've been invited",
        "You have been invited to open an account. Follow this link to accept:",
        "Accept invitation",
    ),
}


def check_spacing(sent_at: datetime | None, now: datetime, interval: timedelta) -> None:
    """Raise AuthError (429) when the last mail of this kind is too recent."""
    if sent_at and now < sent_at + interval:
        raise over_mail_rate(int((sent_at + interval - now).total_seconds()))


def action_link(public_url: str, link_type: LinkType, hashed: str, redirect_to: str) -> str:
    """The address that a mail leads to."""
    return f"{public_url}/verify?token={hashed}&type={link_type}&redirect_to={in_link(redirect_to)}"


def send_link(
    sink: MailSink, link_type: LinkType, to: str, link: str, now: datetime, new_email: str = ""
) -> None:
    """Send the mail of this type with its link."""
    wording = WORDINGS[link_type]
    sentence = wording.sentence.format(new_email=new_email)
    _send(
        sink,
        to,
        wording.subject,
        f"{sentence}\n\n{link}\n",
        f"<h2>{escape(wording.subject, quote=False)}</h2>\n\n<p>{escape(sentence)}</p>\n"
        f'<p><a href="{escape(link)}">{wording.link}</a></p>\n',
        now,
    )


def send_code(sink: MailSink, to: str, code: str, now: datetime) -> None:
    """Send the code that proves a signed-in user once more."""
    _send(
        sink,
        to,
        f"{code} is your verification code",
        f"Enter this code to prove that it is you: {code}\n",
        f"<h2>Your verification code</h2>\n\n<p>Enter this code: {code}</p>\n",
        now,
    )


def _send(sink: MailSink, to: str, subject: str, text: str, html: str, now: datetime) -> None:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    # Unencoded, so that the link can be read in the kept file.
    message.set_content(text, cte="8bit")
    message.add_alternative(html, subtype="html", cte="8bit")
    sink.deliver(message)
