"""From sign-up to leaving: what people do in the browser, with their mails."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

from local.stack import Stack
from tests.rigs.browser.visitors import PASSWORD, Visitor, link_to, mail_to, picture, violations


def test_a_key_made_here_works_with_curl(visitor: Visitor, stack: Stack) -> None:
    visitor.sign_up()
    page = visitor.go("/keys")
    page.get_by_label("Label").fill("website")
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_role("region", name="The new key").locator("code").inner_text()
    picture(page, "keys-new")
    request = ["curl", "-sf", f"{stack.url}/v1/account", "-H", f"Authorization: Bearer {key}"]
    output = subprocess.run(request, capture_output=True, check=True).stdout
    assert json.loads(output)["plan"]["id"] == "free"
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("row", name="website").get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Label").fill("shop")
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name="shop")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke it").click()
    row.wait_for(state="detached")
    assert subprocess.run(request, capture_output=True).returncode == 22


def test_a_forgotten_password(visitor: Visitor, stack: Stack) -> None:
    email = visitor.sign_up()
    page = visitor.page
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{stack.url}/")
    page = visitor.go("/reset")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Send the mail").click()
    page.get_by_text("a mail is on its way").wait_for()
    picture(page, "reset-sent")
    page.goto(link_to(stack, email, "recovery"))
    page.get_by_role("textbox", name="New password").fill("another horse 2")
    page.get_by_role("button", name="Save the password").click()
    page.get_by_text("The new password counts").wait_for()
    page.goto(stack.url + "/dashboard")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{stack.url}/")
    visitor.sign_in(email, "another horse 2")


def test_all_that_is_held_can_be_taken_along(visitor: Visitor, tmp_path: Path) -> None:
    email = visitor.sign_up()
    page = visitor.go("/settings")
    page.get_by_role("button", name="Ask for an export").click()
    link = page.get_by_role("link", name="Download the archive")
    link.wait_for(timeout=30_000)
    with page.expect_download() as under_way:
        link.click()
    under_way.value.save_as(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        assert archive.testzip() is None
        assert any(email.encode() in archive.read(name) for name in archive.namelist())


def test_leaving(visitor: Visitor, stack: Stack) -> None:
    email = visitor.sign_up()
    page = visitor.go("/settings")
    page.get_by_role("button", name="Delete the account").click()
    dialog = page.get_by_role("dialog")
    assert violations(page) == []
    picture(page, "settings-delete", full=False)
    dialog.get_by_label("Your address").fill("somebody@example.com")
    dialog.get_by_role("button", name="Delete it for good").click()
    dialog.get_by_text(f"Write {email}").wait_for()
    dialog.get_by_label("Your address").fill(email)
    dialog.get_by_label("Password", exact=True).fill("wrong horse 3")
    visitor.expected.append("403")
    dialog.get_by_role("button", name="Delete it for good").click()
    dialog.get_by_role("alert").wait_for()
    picture(page, "settings-delete-refused", full=False)
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Delete it for good").click()
    page.get_by_text("The account is closed").wait_for()
    picture(page, "deleted")
    mail_to(stack, email, "deleted")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.expected.append("400")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("The email or the password is not right.").wait_for()
