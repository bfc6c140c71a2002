"""What holds for the site as a whole: its weight, its twins for programs, words from strangers."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Dialog, Page, expect

from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.browser.filled import HOSTILE, Filled
from tests.rigs.browser.visitors import ROOT, Visitor, picture
from tools import openapi

PUBLIC = ROOT / "public"
KB = 1024


def weight(files: set[str]) -> int:
    """Bytes of scripts and styles as they travel."""
    return sum(len(gzip.compress((PUBLIC / name.lstrip("/")).read_bytes())) for name in files)


def loaded(visitor: Visitor, path: str) -> set[str]:
    """The scripts and styles that a page fetches until it rests."""
    seen: set[str] = set()

    def note(address: str) -> None:
        path = httpx.URL(address).path
        if path.endswith((".js", ".css")):
            seen.add(path)

    visitor.page.on("request", lambda request: note(request.url))
    visitor.go(path)
    return seen


def test_the_home_page_is_light(visitor: Visitor) -> None:
    files = loaded(visitor, "/")
    assert len(files) >= 2
    assert weight(files) < 100 * KB, files


@pytest.mark.parametrize("path", ["/dashboard", "/playground", "/jobs/{completed}", "/usage"])
def test_the_dashboard_is_light(visitor: Visitor, filled: Filled, path: str) -> None:
    visitor.sign_in(filled.email)
    files = loaded(visitor, path.format(**filled.jobs))
    assert weight(files) < 250 * KB, files


def test_nothing_comes_from_elsewhere(visitor: Visitor, stack: Stack, filled: Filled) -> None:
    own = {httpx.URL(stack.url).netloc, httpx.URL(stack.settings["SUPABASE_URL"]).netloc}
    seen: set[bytes] = set()
    visitor.page.on("request", lambda request: seen.add(httpx.URL(request.url).netloc))
    for path in ("/", "/docs", "/pricing", "/status", "/support"):
        visitor.go(path)
    visitor.sign_in(filled.email)
    visitor.go(f"/jobs/{filled.jobs['completed']}")
    assert {each for each in seen if each} <= own
    assert visitor.context.cookies() == []


def test_no_page_has_a_script_or_style_of_its_own() -> None:
    for page in PUBLIC.rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page
        assert not re.search(r"<style|\sstyle=|\son\w+=", text), page
        assert not re.search(r'(?:src|href)="https?://(?!github)[^"]*\.(?:js|css|woff)', text), page


def test_every_link_within_the_site_leads_somewhere(stack: Stack) -> None:
    links: set[str] = set()
    anchors: dict[str, set[str]] = {}
    for page in PUBLIC.rglob("*.html"):
        text = page.read_text()
        path = "/" + str(page.relative_to(PUBLIC).with_suffix("")).replace("index", "")
        anchors[path] = set(re.findall(r'\sid="([^"]+)"', text))
        for link in re.findall(r'href="((?:/|#)[^"]*)"', text):
            links.add(path + link if link.startswith("#") else link)
    with httpx.Client(base_url=stack.url, trust_env=False) as client:
        for link in sorted(links):
            path, _, anchor = link.partition("#")
            assert client.get(path or "/").status_code == 200, link
            assert not anchor or anchor in anchors[path], link


def test_what_strangers_wrote_is_text_everywhere(
    visitor: Visitor, filled: Filled, clip: Path
) -> None:
    requests: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        requests.append(dialog.message)
        dialog.dismiss()

    visitor.page.on("dialog", dismiss)
    visitor.sign_in(filled.email)
    for path in ("/dashboard", "/jobs", "/keys", "/settings", "/reports", "/access-log",
                 f"/jobs/{filled.jobs['completed']}", f"/billing?job={filled.jobs['blocked']}",
                 "/jobs?q=%3Cimg%20src%3Dx%20onerror%3Dalert(3)%3E"):  # fmt: skip
        page = visitor.go(path)
        assert page.locator("[onerror], [onload], img[src=x], b").count() == 0, path
    page = visitor.go("/keys")
    expect(page.get_by_role("row").filter(has_text="<img src=x")).to_have_count(1)
    page = visitor.go("/")
    name = "<img src=x onerror=alert(4)>.mp4"
    page.get_by_label("A video, a sound or a picture").set_input_files(
        {"name": name, "mimeType": "video/mp4", "buffer": clip.read_bytes()}
    )
    page.get_by_text(name).first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert requests == []
    assert HOSTILE.startswith("<img")


def test_the_address_of_a_sign_in_leads_nowhere_else(visitor: Visitor, filled: Filled) -> None:
    visitor.expected.append("404")  # a path of this site that does not exist
    for target in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/.//evil.example/login",
        "/..//evil.example/login",
        "/.\\evil.example",
        f"{visitor.stack.url}//evil.example",
        "javascript:alert(5)",
    ):
        visitor.context.clear_cookies()
        visitor.go("/")
        visitor.page.evaluate("localStorage.clear()")
        page = visitor.go(f"/sign-in?next={target}")
        page.get_by_label("Email").fill(filled.email)
        page.get_by_label("Password", exact=True).fill("correct horse 1")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "sign-in" not in url)
        assert page.url.startswith(visitor.stack.url), target


def test_the_docs_are_searched_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.go("/docs")
    page.keyboard.press("/")
    page.keyboard.type("watermark opacity")
    page.locator(".found a").first.wait_for()
    picture(page, "docs-search", full=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/docs/text-and-subtitles#watermark", wait_until="networkidle")
    page.keyboard.press("/")
    page.keyboard.type("nothing-like-this")
    page.get_by_text("Nothing has all of these words").wait_for()


def test_the_try_is_done_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.go("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Use our sample":
            break
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Run it").wait_for()
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run it")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Done").wait_for()
    expect(page.get_by_role("heading", name="Done")).to_be_focused()
    page.get_by_role("img", name="The result").wait_for()  # a GIF: the second choice


def test_every_day_has_its_tries(visitor: Visitor) -> None:
    visitor.expected.append("429")
    page = visitor.go("/")
    for _ in range(3):
        page.evaluate("sessionStorage.clear()")
        page.reload(wait_until="networkidle")
        page.get_by_role("button", name="Use our sample").click()
        page.get_by_role("button", name=re.compile("Run it|Resume")).wait_for()
    page.get_by_text("Wait").first.wait_for()
    picture(page, "home-refused")


def code(page: Page, language: str) -> str:
    """The program that the page shows."""
    page.get_by_role("tab", name=language).click()
    return page.get_by_role("tabpanel").inner_text()


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
def test_the_code_works_when_pasted(
    visitor: Visitor, account: Account, clip: Path, tmp_path: Path, language: str
) -> None:
    page = visitor.go("/")
    (tmp_path / "it's video.mp4").write_bytes(clip.read_bytes())
    page.get_by_label("A video, a sound or a picture").set_input_files(tmp_path / "it's video.mp4")
    page.get_by_role("radio", name="Audio only (MP3)").check()
    program = code(page, language).replace("YOUR_KEY", account.key)
    commands = {"curl": ["bash", "-euo", "pipefail"], "Python": [sys.executable],
                "JavaScript": ["node"]}  # fmt: skip
    suffix = {"curl": "sh", "Python": "py", "JavaScript": "mjs"}[language]
    (tmp_path / f"program.{suffix}").write_text(program)
    done = subprocess.run([*commands[language], f"program.{suffix}"], cwd=tmp_path, timeout=60,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr + program
    assert (tmp_path / "result.mp3").stat().st_size > 1000


def test_programs_read_the_docs(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, trust_env=False) as client:
        llms = client.get("/llms.txt").text
        links = re.findall(r"\]\((/[^)]+)\)", llms)
        assert len(links) > 12
        for link in links:
            answer = client.get(link)
            assert answer.status_code == 200, link
            assert not answer.text.startswith("<!doctype"), link
        whole = client.get("/docs.md").text
        assert [path for path in openapi.document()["paths"] if path not in whole] == []


@pytest.fixture
def sample_allowed(stack: Stack, sources: object) -> str:
    """Where the sample may be fetched from: the service may not fetch from its own address."""
    served = sources.folder / "sample.mp4"  # type: ignore[attr-defined]
    served.write_bytes((PUBLIC / "sample.mp4").read_bytes())
    return str(sources.url("sample.mp4"))  # type: ignore[attr-defined]


def blocks(language: str) -> list[str]:
    text = (PUBLIC / "docs" / "quick-start.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


@pytest.mark.parametrize("language", ["bash", "python", "javascript"])
def test_the_quick_start_works_when_pasted(
    stack: Stack, account: Account, sample_allowed: str, tmp_path: Path, language: str
) -> None:
    program = "\n".join(blocks(language)).replace("https://YOUR-HOST/sample.mp4", sample_allowed)
    program = program.replace("https://YOUR-HOST", stack.url).replace("YOUR_KEY", account.key)
    command = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable],
               "javascript": ["node"]}[language]  # fmt: skip
    suffix = {"bash": "sh", "python": "py", "javascript": "mjs"}[language]
    (tmp_path / f"program.{suffix}").write_text(program)
    done = subprocess.run([*command, f"program.{suffix}"], cwd=tmp_path, timeout=90,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr + program
    assert (tmp_path / "result.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_search_knows_every_page(stack: Stack) -> None:
    text = json.loads((PUBLIC / "docs" / "search.json").read_text())
    pages = {each["url"].partition("#")[0] for each in text}
    files = {"/docs/" + page.stem for page in (PUBLIC / "docs").glob("*.html")}
    assert pages == files | {"/docs"}
