"""Visitors with a browser of their own; axe; screenshots."""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
)

from local.stack import Stack
from tests.rigs.people import plain

ROOT = Path(__file__).parents[3]


AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


PICTURES = ROOT / "screenshots"
"""What `make test-browser` leaves to be looked at; not in the repository."""


WIDTHS = {"phone": 360, "desk": 1280}


PASSWORD = "correct horse 1"


PATIENCE = 60_000
"""Milliseconds that a busy machine may take for what a quiet one does at once."""


class Visitor:
    """Somebody with a browser of their own, at a network address of their own."""

    def __init__(self, stack: Stack, context: BrowserContext) -> None:
        self.stack = stack
        self.context = context
        self.complaints: list[str] = []
        self.expected: list[str] = []
        """Parts of complaints that a test provokes."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"thrown: {error.error}"))
        self.page = context.new_page()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location['url']}")

    def go(self, path: str) -> Page:
        """Open a page and wait until nothing is loaded any more."""
        self.page.goto(self.stack.url + path, wait_until="networkidle")
        return self.page

    def sign_up(self, email: str | None = None, name: str = "Ann") -> str:
        """Make an account by the form and the link in the mail; the address."""
        email = email or f"{uuid.uuid4()}@example.com"
        page = self.go("/sign-up")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("I am 13 or older").check()
        page.get_by_label("I agree to").check()
        page.get_by_role("button", name="Sign up").click()
        page.get_by_text("We have sent a mail to").wait_for()
        page.goto(link_to(self.stack, email))
        page.get_by_role("link", name="Go to the dashboard").click()
        page.get_by_role("heading", level=1).filter(has_text=name).wait_for()
        return email

    def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        """By the form."""
        page = self.go("/sign-in")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard")
        return page

    def unexpected(self) -> list[str]:
        """What the browser complained of and no test provoked."""
        return [each for each in self.complaints if not any(part in each for part in self.expected)]


def mail_to(stack: Stack, email: str, text: str) -> str:
    """The text of the mail to an address that holds `text`, once it is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for each in stack.mails.list():
            if each.message["to"] == email and text in plain(each.message):
                return plain(each.message)
        time.sleep(0.1)
    raise AssertionError(f"no mail to {email} with {text!r}")


def link_to(stack: Stack, email: str, kind: str = "signup") -> str:
    """The link in the mail to an address, as Auth makes it."""
    mail = mail_to(stack, email, f"type={kind}")
    match = re.search(rf"https?://\S+/auth/v1/verify\S+type={kind}\S+", mail)
    assert match is not None
    return match[0]


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and its own best practices."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


def picture(page: Page, name: str, *, full: bool = True) -> None:
    """Keep what the page looks like, to be looked at."""
    PICTURES.mkdir(exist_ok=True)
    if full:
        page.evaluate("scrollTo(0, 0)")  # the header sticks to where one has scrolled to
    page.screenshot(
        path=PICTURES / f"{name}.png", full_page=full, animations="disabled", timeout=PATIENCE
    )
