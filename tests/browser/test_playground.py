"""The playground: a first job from a fresh account, every form, raw mode, the quota wall."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from lib.billing import stripe_setup
from local.stack import Stack
from tests.rigs.accounts import new_person
from tests.rigs.browser.visitors import PASSWORD, Visitor, picture, violations
from tests.rigs.usage import use

FORMS = ["Convert", "Compress", "Resize", "Trim", "GIF", "Thumbnail", "Audio", "Text", "Watermark",
         "Subtitles", "Join", "Speed"]  # fmt: skip


@pytest.fixture
def playground(visitor: Visitor, stack: Stack) -> Page:
    """The page, signed in as somebody fresh."""
    visitor.sign_in(new_person(stack).email, PASSWORD)
    return visitor.go("/playground")


@pytest.fixture
def logo(make_media: Callable[..., Path]) -> Path:
    return make_media("logo.png", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:02,000\nHello\n")
    return path


def choose(page: Page, label: str, path: Path) -> None:
    """Upload a file into the box of that label."""
    page.get_by_label(label, exact=True).set_input_files(path)
    page.locator(".chosen").get_by_text(path.name).first.wait_for()


def test_from_sign_up_to_the_first_job(visitor: Visitor, clip: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    visitor.sign_up()
    page = visitor.page
    page.get_by_text("First steps").wait_for()
    picture(page, "dashboard-first")
    page.get_by_role("link", name="playground").last.click()
    choose(page, "A video, a sound or a picture", clip)
    page.get_by_text("Compress", exact=True).click()
    expect(page.locator(".verdict")).to_contain_text("It costs")
    assert violations(page) == []
    picture(page, "playground-ready")
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()
    expect(page.locator("figcaption").nth(1)).to_contain_text("%")
    assert violations(page) == []
    picture(page, "playground-done")
    with page.expect_download() as under_way:
        page.get_by_role("link", name="Download").click()
    under_way.value.save_as(tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes()[4:8] == b"ftyp"
    page.get_by_role("link", name="All about this job").click()
    page.get_by_role("heading", name="Receipt").wait_for()
    assert time.monotonic() - began < 120


def test_what_every_form_makes_is_accepted(
    playground: Page, clip: Path, logo: Path, words: Path
) -> None:
    page = playground
    choose(page, "A video, a sound or a picture", clip)
    display = page.locator(".kinds label").all_inner_texts()
    assert [text.strip() for text in display] == FORMS
    for form in FORMS:
        page.locator(".kinds").get_by_text(form, exact=True).click()
        if form == "Watermark":
            choose(page, "Image", logo)
        if form == "Subtitles":
            choose(page, "The subtitles: SRT, WebVTT or ASS", words)
        if form == "Join":
            expect(page.get_by_role("button", name="Run it")).to_be_disabled()
            page.get_by_label("Another file", exact=True).set_input_files(clip)
            expect(page.locator(".chosen li")).to_have_count(2)
        expect(page.locator(".verdict[aria-busy=false]")).to_contain_text("It costs")
        assert page.locator(".verdict [role=alert]").count() == 0, form
        page.wait_for_timeout(100)


@pytest.mark.parametrize("form", ["Resize", "GIF", "Thumbnail", "Text", "Watermark", "Subtitles"])
def test_forms_run(playground: Page, clip: Path, logo: Path, words: Path, form: str) -> None:
    page = playground
    choose(page, "A video, a sound or a picture", clip)
    page.locator(".kinds").get_by_text(form, exact=True).click()
    if form == "Watermark":
        choose(page, "Image", logo)
    if form == "Subtitles":
        choose(page, "The subtitles: SRT, WebVTT or ASS", words)
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for(timeout=40_000)


def test_sizes_that_no_video_can_have_are_told_of(playground: Page, clip: Path) -> None:
    page = playground
    choose(page, "A video, a sound or a picture", clip)
    page.locator(".kinds").get_by_text("Resize", exact=True).click()
    width = page.get_by_label("Width in pixels")
    width.fill("641")
    expect(page.get_by_text("An even number.")).to_be_visible()
    expect(page.get_by_role("button", name="Run it")).to_be_disabled()
    width.fill("")
    expect(page.get_by_text("Say a width, a height, or both.")).to_be_visible()
    expect(page.get_by_role("button", name="Run it")).to_be_disabled()
    width.fill("640")
    expect(page.get_by_role("button", name="Run it")).to_be_enabled()


def test_a_url_with_a_stray_percent_sign_is_taken(playground: Page, visitor: Visitor) -> None:
    page = playground
    visitor.expected += ["400", "422"]
    page.get_by_label("or its public URL").fill("https://example.invalid/100%.mp4")
    page.get_by_role("button", name="Take it").click()
    expect(page.locator(".chosen .name")).to_have_text("100%.mp4")
    expect(page.locator(".verdict[aria-busy=false] [role=alert]")).to_be_visible()


def test_joined_files_are_compared_with_all_of_them(playground: Page, clip: Path) -> None:
    page = playground
    page.locator(".kinds").get_by_text("Join", exact=True).click()
    choose(page, "A video, a sound or a picture", clip)
    page.get_by_label("Another file", exact=True).set_input_files(clip)
    expect(page.locator(".chosen li")).to_have_count(2)
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()
    expect(page.locator("figcaption")).to_have_count(1)
    expect(page.locator("figcaption")).to_contain_text("All inputs: ")


def test_a_failed_job_says_what_to_do(playground: Page, clip: Path) -> None:
    page = playground
    choose(page, "A video, a sound or a picture", clip)
    page.get_by_role("button", name="Write the request itself instead").click()
    box = page.get_by_label("The request, as JSON")
    request = json.loads(box.input_value())
    box.fill(json.dumps(request | {"options": [{"option": "-vf", "argument": "scale=641:361"}]}))
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="It failed").wait_for()
    expect(page.get_by_text("A job that failed costs nothing.")).to_be_visible()


def test_an_ended_job_is_begun_from_again(playground: Page, clip: Path) -> None:
    page = playground
    choose(page, "A video, a sound or a picture", clip)
    page.locator(".kinds").get_by_text("Text", exact=True).click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()
    page.get_by_role("link", name="All about this job").click()
    page.get_by_role("link", name="Change it in the playground").click()
    payload = json.loads(page.get_by_label("The request, as JSON").input_value())
    assert payload["options"][0]["option"] == "@text-overlay"
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()


def test_raw_mode_checks_as_one_types(playground: Page, visitor: Visitor, clip: Path) -> None:
    page = playground
    visitor.expected += ["400", "422"]
    choose(page, "A video, a sound or a picture", clip)
    page.get_by_role("button", name="Write the request itself instead").click()
    box = page.get_by_label("The request, as JSON")
    request = box.input_value()
    box.fill(request.replace('"mp4"', '"mp5"'))
    expect(page.locator(".verdict [role=alert]")).to_contain_text("mp5")
    picture(page, "playground-refused")
    assert violations(page) == []
    box.fill(request[:-2])
    expect(page.locator("#raw-help")).to_contain_text("This is not JSON")
    expect(page.locator(".code-tabs")).to_have_count(0)
    expect(page.get_by_role("button", name="Run it")).to_be_disabled()
    box.fill("null")
    expect(page.locator("#raw-help")).to_contain_text("A request is an object")
    box.fill(request.replace('"mp4"', '"mp3"'))
    expect(page.locator(".verdict")).to_contain_text("It costs")
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()


def test_an_upload_goes_on_where_it_was_stopped(
    playground: Page, visitor: Visitor, make_media: Callable[..., Path]
) -> None:
    page = playground
    noise = make_media("noise.wav", "-f", "lavfi", "-i", "anoisesrc=r=48000:d=220", "-ac", "1")
    assert noise.stat().st_size > 3 * 6 * 1024 * 1024
    payload: list[int] = []

    def slowly(route: Route) -> None:
        payload.append(1)
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/upload/resumable/**", slowly)
    page.get_by_label("A video, a sound or a picture", exact=True).set_input_files(noise)
    page.get_by_role("progressbar").wait_for()
    expect(page.get_by_text(re.compile(r"[2-8]\d % sent"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text(re.compile("Stopped at")).wait_for()
    before = len(payload)
    assert violations(page) == []
    picture(page, "playground-paused")
    page.get_by_role("button", name="Resume").click()
    page.locator(".chosen").get_by_text("noise.wav").first.wait_for()
    assert 0 < len(payload) - before < 5  # not the whole of it again


def test_an_upload_goes_on_after_a_reload(
    playground: Page, visitor: Visitor, make_media: Callable[..., Path]
) -> None:
    page = playground
    visitor.expected.append("ERR_ABORTED")
    noise = make_media("noise.wav", "-f", "lavfi", "-i", "anoisesrc=r=48000:d=220", "-ac", "1")
    parts: list[str] = []

    def slowly(route: Route) -> None:
        parts.append(route.request.method)
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/upload/resumable/**", slowly)
    label = "A video, a sound or a picture"
    page.get_by_label(label, exact=True).set_input_files(noise)
    expect(page.get_by_text(re.compile(r"[3-8]\d % sent"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(500)
    parts.clear()
    page.reload(wait_until="networkidle")
    page.get_by_label(label, exact=True).set_input_files(noise)
    page.locator(".chosen").get_by_text("noise.wav").first.wait_for()
    assert "POST" not in parts  # the same upload
    assert parts.count("PATCH") < 4


def test_an_upload_can_be_canceled(playground: Page, make_media: Callable[..., Path]) -> None:
    page = playground
    noise = make_media("noise.wav", "-f", "lavfi", "-i", "anoisesrc=r=48000:d=220", "-ac", "1")
    page.get_by_label("A video, a sound or a picture", exact=True).set_input_files(noise)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("A video, a sound or a picture", exact=True).wait_for()
    assert page.locator(".chosen").count() == 0


def test_the_quota_wall_leads_to_a_larger_plan_and_back(
    visitor: Visitor, stack: Stack, clip: Path
) -> None:
    stripe_setup.set_up()
    person = new_person(stack)
    use(person, used=100)  # type: ignore[arg-type]
    visitor.expected.append("402")
    visitor.sign_in(person.email, PASSWORD)
    page = visitor.go("/playground")
    choose(page, "A video, a sound or a picture", clip)
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("link", name="Choose a larger plan").click()
    page.get_by_text("was refused").wait_for()
    assert violations(page) == []
    picture(page, "billing-blocked")
    page.get_by_role("button", name="Buy Starter").click()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.wait_for_url(f"{stack.url}/billing**")
    page.get_by_role("button", name="Send the job again").click(timeout=40_000)
    page.wait_for_url("**/jobs/**")
    page.get_by_text("Completed", exact=True).wait_for(timeout=40_000)
    page = visitor.go("/billing")
    picture(page, "billing-paid")
    page.get_by_role("link", name="PDF").first.wait_for()
    # And back: to the free plan at the period's end, by Stripe's own pages.
    page.get_by_role("button", name=re.compile("at Stripe")).click()
    page.get_by_role("button", name="Cancel the plan").click()
    page.get_by_text("It ends on").wait_for()
    page.get_by_role("link", name="Return").click()
    page.wait_for_url(f"{stack.url}/billing**")
    page.get_by_text(re.compile("Begins with the next period|ends")).first.wait_for(timeout=40_000)
    picture(page, "billing-ending")
