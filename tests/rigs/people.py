"""What the tests of policies, support, reports and staff access share."""

from __future__ import annotations

import re
import secrets
import time
from email.message import EmailMessage
from html import unescape

import httpx

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account


def fresh_address() -> str:
    """An IPv6 address of a line that nobody else has: limits by address are a test's own."""
    # Not of `random`, which hypothesis seeds.
    line = [0x1000 + secrets.randbelow(0xF000) for _ in range(2)]
    return f"2001:db8:{line[0]:x}:{line[1]:x}::1"


def stranger(stack: Stack, address: str | None = None) -> httpx.Client:
    """A client without a credential, at an address of its own."""
    return httpx.Client(
        base_url=stack.url,
        headers={"x-real-ip": address or fresh_address()},
        trust_env=False,
        timeout=30,
    )


def account_id(account: Account) -> str:
    row = postgres.row("select id from app.accounts where email = %(it)s", {"it": account.email})
    assert row
    return str(row["id"])


def mails_with(stack: Stack, text: str, count: int = 1) -> list[EmailMessage]:
    """The mails that hold the text, once there are `count`."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        result = [each.message for each in stack.mails.list() if text in plain(each.message)]
        if len(result) >= count:
            return result
        time.sleep(0.1)
    raise AssertionError(f"no mail with {text!r}")


def plain(message: EmailMessage) -> str:
    """The text of a mail, or of its HTML with the links: the real Auth sends no text."""
    body = message.get_body(("plain",))
    if body is not None:
        return str(body.get_content())
    display = re.sub(r'<a [^>]*href="([^"]*)"[^>]*>', r" \1 ", html(message))
    return unescape(re.sub(r"<[^>]+>", " ", display))


def html(message: EmailMessage) -> str:
    """The same as HTML."""
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())
