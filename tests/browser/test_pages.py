"""Every page: at two widths, light and dark, by axe, without complaints, shifts or overflow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rigs.browser.filled import Filled
from tests.rigs.browser.visitors import ROOT, WIDTHS, Visitor, picture, violations

OPEN = [
    "/", "/pricing", "/privacy", "/privacy/1", "/terms", "/support", "/status",
    "/sign-up", "/sign-in", "/reset", "/confirm", "/404", "/500",
]  # fmt: skip
DOCS = sorted(
    "/docs/" + page.stem for page in (ROOT / "public" / "docs").glob("*.html")
)  # fmt: skip
SIGNED_IN = [
    "/dashboard",
    "/jobs",
    "/jobs/{completed}",
    "/jobs/{failed}",
    "/jobs/{canceled}",
    "/jobs/{blocked}",
    "/jobs/11111111-1111-4111-8111-111111111111",
    "/playground",
    "/keys",
    "/usage",
    "/billing",
    "/billing?job={blocked}",
    "/settings",
    "/reports",
    "/access-log",
]
SHIFTS = """
  window.shifted = 0;
  window.moved = [];
  new PerformanceObserver((seen) => {
    for (const entry of seen.getEntries()) {
      if (entry.hadRecentInput) continue;
      window.shifted += entry.value;
      window.moved.push(...entry.sources.map((each) => each.node?.outerHTML?.slice(0, 80)));
    }
  }).observe({ type: "layout-shift", buffered: true });
"""
"""Sums what moved by itself, as the Layout Instability API tells it."""
MOST_SHIFT = 0.1
"""What counts as good (web.dev/cls)."""


def look(visitor: Visitor, path: str, name: str) -> None:
    """Open a page and hold it to all that every page keeps."""
    page = visitor.go(path)
    page.get_by_text("Loading…", exact=True).first.wait_for(state="hidden")
    picture(page, name)
    assert violations(page) == [], name
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{name} is {wide} px wider than the screen"
    moved = page.evaluate("window.moved")
    assert page.evaluate("window.shifted") <= MOST_SHIFT, f"{name} moves while it loads: {moved}"
    assert page.locator("h1").count() == 1, name
    assert page.title().endswith("FFmpeg Micro") or path == "/", name


def name_of(path: str) -> str:
    return path.strip("/").split("?")[0].replace("/", "-") or "home"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_open_page(visit: Callable[..., Visitor], width: str, scheme: str) -> None:
    visitor = visit(WIDTHS[width], color_scheme=scheme, reduced_motion="reduce")
    visitor.context.add_init_script(SHIFTS)
    for path in OPEN:
        look(visitor, path, f"{name_of(path)}-{width}-{scheme}")


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_the_docs(visit: Callable[..., Visitor], width: str) -> None:
    visitor = visit(WIDTHS[width])
    visitor.context.add_init_script(SHIFTS)
    assert len(DOCS) > 10
    for path in ["/docs", *DOCS]:
        look(visitor, path, f"{name_of(path)}-{width}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_the_dashboard(
    visit: Callable[..., Visitor], filled: Filled, width: str, scheme: str
) -> None:
    visitor = visit(WIDTHS[width], color_scheme=scheme)
    visitor.context.add_init_script(SHIFTS)
    visitor.expected.append("11111111-1111-4111-8111-111111111111")
    visitor.sign_in(filled.email)
    for path in SIGNED_IN:
        name = name_of(path).replace("{", "").replace("}", "")
        look(visitor, path.format(**filled.jobs), f"{name}-{width}-{scheme}")
