"""The service's own mails (promise P10: the important ones only). Auth sends its own by itself.

A mail is a task: its id is the message's, and its key keeps it from being queued twice. The words
stand in `mails/`, one file a mail: the first line is the subject, an address on a line of its own
becomes a button.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lib.accounts import tasks
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
    payload = {"template": template, "values": dict(values or {})}
    payload |= {"to": to} if to else {}
    payload |= {"reply_to": reply_to} if reply_to else {}
    tasks.add("mail", key=key, account_id=account_id, payload=payload)


def deliver(task: tasks.Task) -> None:
    """Send a queued mail. Raises tasks.GiveUp, mail.MailError."""
    if task.payload.get("sending") and not mail.repeatable():
        raise tasks.GiveUp("it may have left already: its sender was stopped in the act")
    message = _message(task)
    if not tasks.note(task, {"sending": True}):
        return  # ours no more
    try:
        mail.send(message)
    except mail.MailError:
        tasks.note(task, {"sending": False})
        raise
    except (mail.MailRefused, mail.MailUncertain) as error:
        raise tasks.GiveUp(str(error)) from error


def render(template: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail."""
    known = {
        "site_url": settings().site_url,
        "support_email": settings().support_email,
        "operator_name": settings().operator_name,
    }
    source = _templates().get_template(f"{template}.txt").render(known | dict(values))
    subject, _, words = source.partition("\n")
    paragraphs = [each.strip() for each in words.strip().split("\n\n")]
    text = "\n\n".join(paragraphs) + f"\n\n-- \n{known['operator_name']}, {known['site_url']}\n"
    html = _html().get_template("layout.html").render(
        known, subject=subject.strip(), paragraphs=paragraphs
    )  # fmt: skip
    return subject.strip(), text, html


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
def _templates() -> Environment:
    """Of the words: plain text, where nothing is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- plain text; the HTML is made by _html
    )


@once
def _html() -> Environment:
    """Of the HTML around the words, which are escaped there."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, autoescape=True
    )
