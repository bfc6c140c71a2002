"""The service's own mails (promise P10: the important ones only). Auth sends its own by itself.

A mail is a task: its id is the message's, and its key keeps it from being queued twice. The words
stand in `mails/`, one file a mail: the first line is the subject, an address alone in its
paragraph becomes a button.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from lib.outbox import tasks
from lib.platform import mail, postgres
from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "mails"


def queue(
    template: str,
    *,
    account_id: UUID | None = None,
    to: str | None = None,
    key: str | None = None,
    values: Mapping[str, Any] | None = None,
    reply_to: str | None = None,
) -> None:
    """Queue the mail `mails/<template>.txt`, filled with `values`, once for each `key`.

    It goes to the account's address as it is when the mail leaves, or to `to`.
    """
    payload = of(template, to=to, values=values, reply_to=reply_to)
    tasks.add("mail", key=key, account_id=account_id, payload=payload)


def of(
    template: str,
    *,
    to: str | None = None,
    values: Mapping[str, Any] | None = None,
    reply_to: str | None = None,
) -> dict[str, Any]:
    """The payload of a task `mail`, for statements that queue it together with what it tells."""
    payload: dict[str, Any] = {"template": template, "values": dict(values or {})}
    payload |= {"to": to} if to else {}
    payload |= {"reply_to": reply_to} if reply_to else {}
    return payload


def deliver(task: tasks.Task) -> None:
    """Send a queued mail. Raises tasks.GiveUp, mail.MailError, mail.MailUncertain.

    From the moment it may have left, which is noted before, it is only sent again where the
    transport knows it by its id.
    """
    since = task.payload.get("may_have_left")
    if since and not mail.repeatable(datetime.fromisoformat(since)):
        raise tasks.GiveUp("uncertain: its sender was stopped in the act, it may have left")
    message = _message(task)
    noted = since or datetime.now(UTC).isoformat()
    if not tasks.note(task, {"may_have_left": noted}):
        return  # the lease was lost
    try:
        mail.send(message)
    except mail.MailError:
        tasks.note(task, {"may_have_left": since})
        raise
    except mail.MailUncertain as error:
        if mail.repeatable(datetime.fromisoformat(noted)):
            raise
        raise tasks.GiveUp(f"uncertain: {error}") from error
    except mail.MailRefused as error:
        raise tasks.GiveUp(str(error)) from error


def names() -> list[str]:
    """The mails there are."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def preview(template: str) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail with the sample values of `mails/samples.json`."""
    samples = msgspec.json.decode((FOLDER / "samples.json").read_bytes())
    return render(template, {"name": samples["name"]} | samples.get(template, {}))


def render(template: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail."""
    known = {
        "site_url": settings().site_url,
        "support_email": settings().support_email,
        "operator_name": settings().operator_name,
    }
    filled = known | {name: _one_paragraph(value) for name, value in values.items()}
    filled["name"] = _harmless_name(values.get("name"))
    # Taken apart before it is filled: no value reaches from one into the other.
    source = (FOLDER / f"{template}.txt").read_text()
    first, _, rest = source.partition("\n")
    subject = " ".join(_text_templates().from_string(first).render(filled).split())
    words = _text_templates().from_string(rest).render(filled)
    paragraphs = [each.strip() for each in re.split(r"\n\s*\n", words) if each.strip()]
    text = "\n\n".join(paragraphs) + f"\n\n-- \n{known['operator_name']}, {known['site_url']}\n"
    return subject, text, html(subject, paragraphs, **known)


def html(
    subject: str,
    paragraphs: list[str],
    *,
    site_url: str,
    operator_name: str | None = None,
    support_email: str | None = None,
) -> str:
    """The HTML of a mail; a paragraph that is an address alone becomes a button."""
    return _html_templates().get_template("layout.html").render(
        subject=subject,
        paragraphs=paragraphs,
        links=[each for each in paragraphs if _ADDRESS.fullmatch(each)],
        site_url=site_url,
        operator_name=operator_name,
        support_email=support_email,
    )  # fmt: skip


def _one_paragraph(value: Any) -> Any:
    """A value that stays within its paragraph: no blank lines, no control characters."""
    if not isinstance(value, str):
        return value
    lines = ("".join(filter(str.isprintable, line)).strip() for line in value.splitlines())
    return "\n".join(line for line in lines if line)


def _harmless_name(name: str | None) -> str | None:
    """A name to greet with. Anybody may sign up anybody, so it must carry no message or link."""
    printable = " ".join(
        "".join(each if each.isprintable() else " " for each in name or "").split()
    )
    return printable if 0 < len(printable) <= 80 and not _LINK.search(printable) else None


_ADDRESS = re.compile(r"https?://\S+|\{\{ \.ConfirmationURL \}\}")
"""An address, or where Supabase Auth puts one into its own mails (tools/auth_mails.py)."""
_LINK = re.compile(r"://|www\.|\w\.\w+/", re.IGNORECASE)


def _message(task: tasks.Task) -> mail.Message:
    payload = task.payload
    name, to = None, payload.get("to")
    if task.account_id is not None:
        row = postgres.row(
            "select email, name from app.accounts where id = %(id)s", {"id": task.account_id}
        )
        if row is not None:
            name, to = row["name"], to or row["email"]
    if not to:
        raise tasks.GiveUp("there is nobody to send it to any more")
    subject, text, html = render(payload["template"], {"name": name} | payload["values"])
    return mail.Message(str(task.id), to, subject, text, html, payload.get("reply_to"))


@once
def _text_templates() -> Environment:
    """For plain text, where nothing is escaped."""
    import jinja2

    return jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- plain text; the HTML is made by _html_templates
    )


@once
def _html_templates() -> Environment:
    """For the HTML around the text, which is escaped there."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, autoescape=True
    )
