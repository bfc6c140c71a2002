"""A real Chromium on the built site, served beside the whole service; axe; pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    Route,
    expect,
    sync_playwright,
)

from local.stack import Stack
from tests.rigs.browser.filled import Filled, fill
from tests.rigs.browser.visitors import PATIENCE, ROOT, WIDTHS, Visitor, picture
from tests.rigs.people import fresh_address

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or what CHROMIUM names."""
    result = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if result is None:
        pytest.fail("There is no Chromium: apt-get install chromium, or set CHROMIUM to its path.")
    if not (ROOT / "public" / "index.html").is_file():
        pytest.fail("The site is not built: make site")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=result, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def filled(stack: Stack, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """An account with something to see everywhere."""
    return fill(stack, clip, tmp_path_factory.mktemp("filled"))


@pytest.fixture
def visitors() -> Iterator[list[Visitor]]:
    """Those of the test; it fails when a browser complained of anything unexpected."""
    result: list[Visitor] = []
    yield result
    for each in result:
        each.context.close()
    assert [each.unexpected() for each in result if each.unexpected()] == []


@pytest.fixture
def visit(stack: Stack, browser: Browser, visitors: list[Visitor]) -> Callable[..., Visitor]:
    """Makes visitors."""

    def visitor(width: int = WIDTHS["desk"], **options: Any) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale="en-GB",
            timezone_id="UTC",
            **options,
        )
        address = fresh_address()  # limits by address are a visitor's own

        def from_there(route: Route) -> None:
            route.continue_(headers=route.request.headers | {"x-real-ip": address})

        context.route(f"{stack.url}/**", from_there)
        context.set_default_timeout(PATIENCE)
        visitors.append(Visitor(stack, context))
        return visitors[-1]

    return visitor


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """One at a desk."""
    return visit()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Of a failed test, keep what each of its visitors saw last."""
    report = yield
    if report.when == "call" and report.failed:
        for index, visitor in enumerate(getattr(item, "funcargs", {}).get("visitors", ())):
            picture(visitor.page, f"failed-{item.name}-{index}")
    return report
