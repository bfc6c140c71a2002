"""The outgoing mail port: SMTP, or Resend's HTTP API (https://resend.com/docs/api-reference)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from urllib.parse import unquote, urlsplit

from lib.platform.settings import settings

SECONDS = 30


class MailError(Exception):
    """The mail certainly did not leave: it may be tried again. The text holds no address."""


class MailUncertain(Exception):
    """Whether the mail left is not known, and trying again might send it twice."""


class MailRefused(Exception):
    """The mail was refused for good, such as for an address that can't be."""


@dataclass(frozen=True)
class Message:
    """A mail: `id` names it for good, so that no transport or reader takes it for two."""

    id: str
    to: str
    subject: str
    text: str
    html: str
    reply_to: str | None = None


def repeatable() -> bool:
    """Whether sending again what may have left already is harmless: Resend knows the id."""
    return settings().mail_transport == "resend"


def send(message: Message) -> None:
    """Send it. Raises MailError, MailUncertain, MailRefused."""
    match settings().mail_transport:
        case "smtp":
            _smtp(message)
        case "resend":
            _resend(message)
        case _:
            raise MailError("no transport is set: see MAIL_TRANSPORT in .env.example")


def mime(message: Message) -> EmailMessage:
    """The mail as its readers get it: text, and the same as HTML."""
    made = EmailMessage()
    domain = parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
    made["Message-ID"] = f"<{message.id}@{domain}>"
    made["Date"] = formatdate(usegmt=True)
    made["From"] = settings().mail_from
    made["To"] = message.to
    made["Subject"] = message.subject
    if message.reply_to:
        made["Reply-To"] = message.reply_to
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notices back
    made.set_content(message.text)
    made.add_alternative(message.html, subtype="html")
    return made


def _smtp(message: Message) -> None:
    url = urlsplit(settings().smtp_url or "")
    host = url.hostname or ""
    local = host in ("127.0.0.1", "localhost", "::1")
    server: smtplib.SMTP | None = None
    try:
        try:
            if url.scheme == "smtps":
                context = ssl.create_default_context()
                server = smtplib.SMTP_SSL(host, url.port or 465, timeout=SECONDS, context=context)
            else:
                server = smtplib.SMTP(host, url.port or 587, timeout=SECONDS)
                if not local:  # never in the clear over a network
                    server.starttls(context=ssl.create_default_context())
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"the mail server can't be reached: {type(error).__name__}") from error
        try:
            server.send_message(mime(message))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            kind = MailRefused if all(code >= 500 for code in codes) else MailError
            raise kind(f"the mail server refused the address: {codes}") from error
        except smtplib.SMTPServerDisconnected as error:
            raise MailUncertain("the mail server went away while it took the mail") from error
        except smtplib.SMTPResponseException as error:
            kind = MailRefused if error.smtp_code >= 500 else MailError
            raise kind(f"the mail server answered {error.smtp_code}") from error
        except OSError as error:
            raise MailUncertain(f"the connection broke: {type(error).__name__}") from error
    finally:
        if server is not None:
            server.close()


def _resend(message: Message) -> None:
    import httpx

    body: dict[str, object] = {
        "from": settings().mail_from,
        "to": [message.to],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": {"Auto-Submitted": "auto-generated"},
    }
    if message.reply_to:
        body["reply_to"] = message.reply_to
    try:
        response = httpx.post(
            f"{settings().resend_url}/emails",
            headers={
                "Authorization": f"Bearer {settings().resend_api_key}",
                "Idempotency-Key": message.id,
            },
            json=body,
            timeout=SECONDS,
        )
    except httpx.HTTPError as error:  # safe to repeat: the id makes it one mail
        raise MailError(f"Resend can't be reached: {type(error).__name__}") from error
    if response.status_code in (400, 422):
        raise MailRefused(f"Resend refused the mail: {response.status_code}")
    if response.status_code == 409:  # the same mail is under way, or was sent with other words
        name = response.json().get("name", "") if "json" in response.headers["content-type"] else ""
        if name == "invalid_idempotent_request":
            return
        raise MailError("Resend is at this mail")
    if response.is_error:
        raise MailError(f"Resend answered {response.status_code}")
