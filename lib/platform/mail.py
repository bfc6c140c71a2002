"""The outgoing mail port: SMTP, or Resend's HTTP API (https://resend.com/docs/api-reference)."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lib.platform.settings import settings

if TYPE_CHECKING:
    import httpx

SECONDS = 30
REPEATABLE_HOURS = 23
"""One less than Resend remembers an idempotency key."""


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


def repeatable(since: datetime) -> bool:
    """Whether sending again what may have left at `since` makes no second mail.

    Resend knows a mail by its idempotency key, for 24 hours; SMTP knows nothing.
    """
    known = settings().mail_transport == "resend"
    return known and datetime.now(UTC) - since < timedelta(hours=REPEATABLE_HOURS)


def send(message: Message) -> None:
    """Send it. Raises MailError, MailUncertain, MailRefused."""
    match settings().mail_transport:
        case "smtp":
            _smtp(message)
        case "resend":
            _resend(message)
        case _:
            raise MailError("no transport is set: see MAIL_TRANSPORT in .env.example")


def possible(address: str) -> bool:
    """Whether mail can be sent to the text at all: one address, and nothing else."""
    try:
        _one_address(address)
    except MailRefused:
        return False
    return True


def mime(message: Message) -> EmailMessage:
    """The mail as its readers get it: text, and the same as HTML."""
    email_message = EmailMessage(policy=SMTP)
    domain = parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
    email_message["Message-ID"] = f"<{message.id}@{domain}>"
    email_message["Date"] = formatdate(usegmt=True)
    email_message["From"] = settings().mail_from
    email_message["To"] = _one_address(message.to)
    email_message["Subject"] = message.subject
    if message.reply_to:
        email_message["Reply-To"] = _one_address(message.reply_to)
    email_message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notices back
    email_message.set_content(message.text)
    email_message.add_alternative(message.html, subtype="html")
    return email_message


def _one_address(text: str) -> Address:
    """An address as headers and servers take it. Raises MailRefused for none, several, or more."""
    try:
        parsed = Address(addr_spec=text)
        return Address(username=parsed.username, domain=parsed.domain.encode("idna").decode())
    except (ValueError, HeaderParseError, IndexError) as error:
        raise MailRefused("mail can't be sent to this address") from error


def _smtp(message: Message) -> None:
    email_message = mime(message)
    try:
        server = _connected()
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(f"the mail server can't be reached: {_kind_of(error)}") from error
    try:
        try:
            _envelope(server, _one_address(message.to).addr_spec)
        except (OSError, smtplib.SMTPServerDisconnected) as error:  # nothing of it was given yet
            raise MailError(f"the mail server went away: {_kind_of(error)}") from error
        try:
            code, _ = server.data(email_message.as_bytes())
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailUncertain(
                f"the mail server went away in the act: {_kind_of(error)}"
            ) from error
        if code != 250:
            raise _refusal(code)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def _connected() -> smtplib.SMTP:
    """A session with the mail server, encrypted unless it is on this machine."""
    url = urlsplit(settings().smtp_url or "")
    host = url.hostname or ""
    server: smtplib.SMTP
    if url.scheme == "smtps":
        context = ssl.create_default_context()
        server = smtplib.SMTP_SSL(host, url.port or 465, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=SECONDS)
    try:
        if url.scheme != "smtps" and host not in ("127.0.0.1", "localhost", "::1"):
            server.starttls(context=ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _envelope(server: smtplib.SMTP, to: str) -> None:
    """Say who the mail is from and for. Raises smtplib's errors, MailError, MailRefused."""
    code, _ = server.mail(parseaddr(settings().mail_from)[1])
    if code != 250:  # of the sender, which is the operator's to mend
        raise MailError(f"the mail server does not take MAIL_FROM: {code}")
    code, _ = server.rcpt(to)
    if code not in (250, 251):
        raise _refusal(code)


def _refusal(code: int) -> MailError | MailRefused:
    """What an answer of the mail server means: 5xx is for good (RFC 5321, 4.2.1)."""
    kind = MailRefused if code >= 500 else MailError
    return kind(f"the mail server answered {code}")


def _kind_of(error: Exception) -> str:
    """An error's kind: its text may hold an address."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _resend(message: Message) -> None:
    import httpx

    body: dict[str, object] = {
        "from": settings().mail_from,
        "to": [_one_address(message.to).addr_spec],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": {"Auto-Submitted": "auto-generated"},
    }
    if message.reply_to:
        body["reply_to"] = _one_address(message.reply_to).addr_spec
    try:
        response = httpx.post(
            f"{settings().resend_url}/emails",
            headers={
                "Authorization": f"Bearer {settings().resend_api_key}",
                "Idempotency-Key": message.id,
            },
            json=body,
            timeout=SECONDS,
            trust_env=False,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise MailError(f"Resend can't be reached: {type(error).__name__}") from error
    except httpx.HTTPError as error:
        raise MailUncertain(f"Resend went away in the act: {type(error).__name__}") from error
    if response.is_success:
        return
    name = _error_name(response)
    failure = f"Resend answered {response.status_code} {name}".strip()
    if response.status_code == 409:
        if name == "invalid_idempotent_request":  # this mail was sent, in other words
            return
        raise MailUncertain(failure)  # concurrent_idempotent_requests: it is being sent
    if response.status_code in (400, 422):
        raise MailRefused(failure)
    if response.status_code >= 500:
        raise MailUncertain(failure)
    raise MailError(failure)  # 401 and 403 are ours to mend, 429 passes


def _error_name(response: httpx.Response) -> str:
    """Resend's name of an error; nothing for an answer that is not Resend's."""
    try:
        name = response.json()["name"]
    except (ValueError, TypeError, KeyError):
        return ""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


_NAME = re.compile(r"[a-z_]{1,60}")
