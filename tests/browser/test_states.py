"""The states that pages can be in, each looked at by axe and kept as a picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lib.privacy import policies
from local.stack import Stack
from tests.rigs.accounts import Person, new_person
from tests.rigs.browser.filled import Owner
from tests.rigs.browser.visitors import PASSWORD, Visitor, link_to, picture, violations


@pytest.fixture
def signed(visitor: Visitor, person: Person) -> Visitor:
    """Signed in as `person`."""
    visitor.sign_in(person.email, PASSWORD)
    return visitor


def seen(page: Page, name: str) -> None:
    """Look at a state."""
    assert violations(page) == [], name
    picture(page, f"state-{name}")


def test_signing_up_tells_what_is_missing(visitor: Visitor) -> None:
    page = visitor.go("/sign-up")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    for sentence in ("Write your name.", "Write an address", "Use at least 8", "13 or older.",
                     "needs your agreement"):  # fmt: skip
        page.get_by_text(sentence).first.wait_for()
    seen(page, "sign-up-faults")


def test_signing_in_tells_what_is_wrong(visitor: Visitor, stack: Stack) -> None:
    visitor.expected.append("400")
    person = new_person(stack)
    page = visitor.go("/sign-in")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password", exact=True).fill("not my horse 9")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("The email or the password is not right.").wait_for()
    seen(page, "sign-in-wrong")


def test_a_link_works_once(visitor: Visitor, visit: Callable[..., Visitor], stack: Stack) -> None:
    email = visitor.sign_up()
    other = visit()
    other.page.goto(link_to(stack, email))
    other.page.get_by_text("This link was used before").wait_for()
    seen(other.page, "confirm-used")
    page = other.go("/dashboard")
    page.wait_for_url("**/sign-in?next=%2Fdashboard")
    seen(page, "sign-in-asked")


def test_an_address_is_confirmed_before_it_signs_in(visitor: Visitor, stack: Stack) -> None:
    visitor.expected.append("400")
    page = visitor.go("/sign-up")
    page.get_by_label("Name", exact=True).fill("Ben")
    page.get_by_label("Email").fill("ben@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("I am 13 or older").check()
    page.get_by_label("I agree to").check()
    page.get_by_role("button", name="Sign up").click()
    page.get_by_text("We have sent a mail to").wait_for()
    seen(page, "sign-up-sent")
    page = visitor.go("/sign-in?next=/keys")
    page.get_by_label("Email").fill("ben@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("is not confirmed yet").wait_for()
    seen(page, "sign-in-unconfirmed")


def test_empty_pages_teach_the_first_step(signed: Visitor) -> None:
    for path, words in {
        "/dashboard": "Make a key",
        "/jobs": "There are no jobs yet.",
        "/keys": "There is no key yet.",
        "/usage": "Nothing was charged",
        "/reports": "",
        "/access-log": "",
        "/billing": "The first comes with the first payment.",
    }.items():
        page = signed.go(path)
        page.get_by_text(words).first.wait_for()
        seen(page, f"empty{path.replace('/', '-')}")


def test_support_answers_who_is_signed_in_or_not(
    visitor: Visitor, visit: Callable[..., Visitor], stack: Stack
) -> None:
    page = visitor.go("/support")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Write what you want to tell us.").wait_for()
    seen(page, "support-faults")
    page.get_by_label("Your email").fill("cleo@example.com")
    page.get_by_label("Subject").fill("Joining")
    page.get_by_label("Message").fill("How do I join two files?")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Your message has arrived.").wait_for()
    seen(page, "support-sent")
    person = new_person(stack)
    other = visit()
    other.sign_in(person.email, PASSWORD)
    page = other.go("/support")
    page.get_by_text(person.email).wait_for()
    page.get_by_label("Message").fill("And three?")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Your message has arrived.").wait_for()


def test_pages_say_when_the_service_is_away(visitor: Visitor) -> None:
    visitor.expected += ["net::ERR", "Failed to load resource"]
    visitor.page.route("**/v1/**", lambda route: route.abort())
    for path in ("/status", "/pricing", "/sign-in"):
        page = visitor.go(path)
        if path == "/sign-in":
            page.get_by_label("Email").fill("dan@example.com")
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        seen(page, f"away{path.replace('/', '-')}")


def test_settings_are_saved(signed: Visitor, person: Person, stack: Stack) -> None:
    page = signed.go("/settings")
    page.get_by_label("Name", exact=True).last.fill("Eve <b>")
    page.get_by_role("button", name="Save the name").click()
    page.get_by_text("The name is saved.").wait_for()
    page.get_by_label("Uploads").select_option("6 h")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved.").wait_for()
    page.get_by_label("New address").fill("eve-new@example.com")
    page.get_by_role("button", name="Change the address").click()
    page.get_by_text("are on their way").wait_for()
    seen(page, "settings-saved")
    page = signed.go("/dashboard")
    page.get_by_role("heading", name="Hello, Eve <b>").wait_for()
    page = signed.go("/settings")
    expect(page.get_by_label("Uploads")).to_have_value("6")
    for address in (person.email, "eve-new@example.com"):
        page.goto(link_to(stack, address, "email_change"))
        page.get_by_role("status").first.wait_for()
    page = signed.go("/settings")
    page.get_by_text("eve-new@example.com").first.wait_for()


def test_a_session_ends_everywhere(
    signed: Visitor, person: Person, visit: Callable[..., Visitor]
) -> None:
    other = visit()
    other.expected.append("401")
    other.sign_in(person.email, PASSWORD)
    page = signed.go("/settings")
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in")
    other.go("/keys").wait_for_url("**/sign-in**", timeout=30_000)


def test_a_new_policy_is_accepted(signed: Visitor, stack: Stack) -> None:
    policies.publish("2-of-the-test", "Nothing has changed but the number.", "test")
    page = signed.go("/dashboard")
    page.get_by_text("Nothing has changed but the number.").wait_for()
    seen(page, "policy-new")
    page.get_by_role("button", name="I have read it and agree").click()
    page.get_by_text("Nothing has changed but the number.").wait_for(state="detached")


def test_a_job_from_its_run_to_its_end(
    signed: Visitor, stack: Stack, make_media: Callable[..., Path]
) -> None:
    slow = make_media(
        "slow.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=20", "-preset", "ultrafast"
    )
    page = signed.go("/playground")
    page.get_by_label("A video, a sound or a picture", exact=True).set_input_files(slow)
    page.locator(".chosen").get_by_text("slow.mp4").first.wait_for()
    page.get_by_label("Format").select_option("webm")
    page.get_by_label("Quality").select_option("high")
    page.get_by_role("button", name="Run it").click()
    page.get_by_text(re.compile(r"^\d+ %")).wait_for(timeout=40_000)
    seen(page, "playground-running")
    jobs = signed.go("/jobs")
    jobs.get_by_role("link", name="slow.mp4").click()
    jobs.get_by_role("progressbar").wait_for()
    seen(jobs, "job-running")
    jobs.get_by_role("button", name="Cancel the job").click()
    seen(jobs, "job-cancel")
    jobs.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    jobs.get_by_text("It costs nothing.").first.wait_for(timeout=30_000)
    jobs.get_by_role("button", name="Delete the files").click()
    jobs.get_by_role("dialog").get_by_role("button", name="Delete the files").click()
    jobs.get_by_role("button", name="Delete the files").first.wait_for(state="detached")
    jobs.get_by_role("button", name="Report a problem").click()
    jobs.get_by_label("What is wrong?").fill("It was too slow.")
    jobs.get_by_role("button", name="Send the report").click()
    jobs.get_by_text("the report has arrived").wait_for()
    reports = signed.go("/reports")
    reports.get_by_text("It was too slow.").wait_for()
    seen(reports, "reports")


def test_jobs_are_found_and_the_ledger_saved(
    visitor: Visitor, stack: Stack, clip: Path, tmp_path: Path
) -> None:
    owner = Owner(stack)
    account, person = owner, owner.person
    url = account.upload(clip)
    account.wait(account.create(url, "mp3"))
    account.wait(account.create("https://example.invalid/talk.mp4", "mp3"))
    visitor.sign_in(person.email, PASSWORD)
    page = visitor.go("/jobs")
    page.get_by_label("Search").fill("talk")
    page.wait_for_url("**/jobs?q=talk")
    expect(page.get_by_role("row")).to_have_count(2)
    seen(page, "jobs-search")
    page = visitor.go("/usage")
    seen(page, "usage-ledger")
    with page.expect_download() as under_way:
        page.get_by_role("button", name="Download the ledger as CSV").click()
    under_way.value.save_as(tmp_path / "ledger.csv")
    lines = (tmp_path / "ledger.csv").read_text().splitlines()
    assert lines[0] == "at,kind,minutes,job_id,period"
    assert {line.split(",")[1] for line in lines[1:]} >= {"reserve", "settle"}
    # A job's request goes on in the playground.
    page = visitor.go("/jobs?q=clip")
    page.get_by_role("link", name="clip.mp4").click()
    page.get_by_role("link", name="Change it in the playground").click()
    expect(page.get_by_label("The request, as JSON")).to_have_value(re.compile("mp3"))
