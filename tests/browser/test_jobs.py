"""The list of jobs: names in any script, and a walk to older jobs that new ones don't move."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from local.stack import Stack
from tests.rigs.accounts import Person
from tests.rigs.browser.visitors import PASSWORD, Visitor
from tests.rigs.files import rows


def add(stack: Stack, person: Person, name: str) -> None:
    display = {"url": "https://example.com/a.mp4", "filename": name, "duration": 0,
             "format": "unknown", "size_bytes": "0"}  # fmt: skip
    rows(
        stack,
        "insert into app.jobs (account_id, status, request, output_format, inputs, period)"
        " values (%s, 'failed', '{}', 'mp4', %s::jsonb, '2026-11-01')",
        person.id,
        json.dumps([display]),
    )


def test_older_jobs_are_found_while_new_ones_come(
    stack: Stack, visitor: Visitor, person: Person
) -> None:
    names = [f"клип {number}.mp4" for number in range(24)] + ["עברית.mp4"]
    for name in names:
        add(stack, person, name)
    visitor.sign_in(person.email, PASSWORD)
    page = visitor.go("/jobs")
    links = page.locator("tbody th a")
    expect(links).to_have_count(20)
    expect(links.first).to_have_text("עברית.mp4 → mp4")
    add(stack, person, "new.mp4")
    page.get_by_role("link", name="Older").click()
    expect(links).to_have_text([f"{name} → mp4" for name in names[4::-1]])
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.get_by_role("link", name="Newest").click()
    expect(links.first).to_have_text("new.mp4 → mp4")
