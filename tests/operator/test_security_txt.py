"""Where to report a vulnerability (RFC 9116), and that the site leads there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from local.stack import Stack

ROOT = Path(__file__).parents[2]


def test_security_txt_names_a_contact_and_an_end(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/.well-known/security.txt", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("\n")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:support@localhost.localdomain"
    assert fields["Canonical"] == f"{stack.url}/.well-known/security.txt"
    assert fields["Policy"] == f"{stack.url}/docs/security"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=150) < left < timedelta(days=365)


def test_security_md_and_the_site_lead_there() -> None:
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text()
    for file in ("SECURITY.md", "web/docs/security.md"):
        assert "/.well-known/security.txt" in (ROOT / file).read_text()
    assert 'href="/docs/security"' in (ROOT / "web" / "src" / "ui" / "layout.tsx").read_text()
