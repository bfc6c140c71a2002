"""`make pictures`: the README's pictures of the site, from a real browser on the whole service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from lib.media.run.ffmpeg import binary
from lib.platform.settings import read_project
from local import people
from local.stack import Stack

ROOT = Path(__file__).parent.parent
WIDTH = 1180
IMAGE_WIDTH = 760
"""Pixels that a picture is wide in the README."""
PASSWORD = "a picture is taken 1"  # noqa: S105 -- of an account that lives as long as this runs


def main() -> None:
    """Write docs/home.webp, docs/playground.webp and docs/job.webp."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None or not (ROOT / "public" / "index.html").is_file():
        sys.exit("This needs chromium and the site: make site")
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder)) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, locale="en-GB")
        _home(page, stack, Path(folder))
        _sign_in(page, stack)
        _playground(page, stack, Path(folder))
        _job(page, Path(folder))
        browser.close()


def _home(page: Page, stack: Stack, folder: Path) -> None:
    page.goto(stack.url)
    page.get_by_role("button", name="Use our sample").click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    _keep(page, "home", folder, 1100)


def _sign_in(page: Page, stack: Stack) -> None:
    email = f"{uuid.uuid4()}@example.com"
    people.add(read_project(stack.settings), email, PASSWORD, "Ann")
    page.goto(f"{stack.url}/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/dashboard")


def _playground(page: Page, stack: Stack, folder: Path) -> None:
    page.goto(f"{stack.url}/playground")
    page.get_by_label("A video, a sound or a picture", exact=True).set_input_files(
        ROOT / "web" / "static" / "sample.mp4"
    )
    page.locator(".kinds").get_by_text("Text", exact=True).click()
    page.get_by_label("Words").fill("Grüße, привет")
    page.get_by_label("Where").select_option("Middle")
    page.locator(".verdict").get_by_text("It costs").wait_for()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    _keep(page, "playground", folder, 1500)


def _job(page: Page, folder: Path) -> None:
    page.get_by_role("link", name="All about this job").click()
    page.get_by_role("heading", name="Receipt").wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    _keep(page, "job", folder, 1300)


def _keep(page: Page, name: str, folder: Path, height: int) -> None:
    """The upper part of the page, made small."""
    screenshot = folder / f"{name}.png"
    page.screenshot(path=screenshot, full_page=True, animations="disabled")
    subprocess.run(
        [str(binary()), "-loglevel", "error", "-nostdin", "-y", "-i", str(screenshot),
         "-vf", f"crop=iw:min(ih\\,{height}):0:0,scale={IMAGE_WIDTH}:-2",
         "-c:v", "libwebp", "-quality", "75", "-compression_level", "6",
         str(ROOT / "docs" / f"{name}.webp")],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
