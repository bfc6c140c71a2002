"""The mail sink of one machine."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from werkzeug.test import Client

from standins.mail import MailSink
from tests.rigs import people


def mail(subject: str, text: str = "", html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Us <us@example.com>"
    message["To"] = "ann@example.com"
    message["Subject"] = subject
    if text:
        message.set_content(text)
    if html:
        message.set_content(html, subtype="html")
    return message


@pytest.fixture
def sink(tmp_path: Path) -> MailSink:
    return MailSink(tmp_path / "mail")


def test_keeps_mails_newest_first(sink: MailSink, tmp_path: Path) -> None:
    first = sink.deliver(mail("first", "Grüße\n"))
    second = sink.deliver(mail("second", "x\n"))
    assert [each.id for each in sink.list()] == [second, first]
    remaining = MailSink(tmp_path / "mail").read(first)
    assert remaining
    assert remaining.message.get_content() == "Grüße\n"
    assert (tmp_path / "mail" / f"{first}.eml").exists()


def test_long_links_stay_whole(sink: MailSink) -> None:
    link = f"https://example.com/verify?token={'a' * 400}&type=signup"
    [remaining] = [sink.read(sink.deliver(mail("link", f"{link}\n")))]
    assert remaining
    assert remaining.message.get_content() == f"{link}\n"


@pytest.mark.parametrize("expected", ["x", "../../etc/passwd", "0" * 20 + "-00000000", ""])
def test_unknown_mail(sink: MailSink, expected: str) -> None:
    assert sink.read(expected) is None


def test_pages(sink: MailSink) -> None:
    client = Client(sink.app())
    assert "No mail has been sent yet" in client.get("/").text
    mail_id = sink.deliver(mail("<b>Hi</b>", "<script>x</script> see https://a.example/?b=1&c=2\n"))
    listed = client.get("/")
    assert f'href="/{mail_id}"' in listed.text
    assert "&lt;b&gt;Hi" in listed.text
    page = client.get(f"/{mail_id}")
    assert "<script>" not in page.text
    assert '<a href="https://a.example/?b=1&amp;c=2">' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert client.get("/nothing").status_code == 404


def test_pages_where_they_are_mounted(sink: MailSink) -> None:
    mail_id = sink.deliver(mail("hi", "hello"))
    listed = Client(sink.app()).get("/", environ_overrides={"SCRIPT_NAME": "/mail"})
    assert f'href="/mail/{mail_id}"' in listed.text


def test_html_is_shut_in(sink: MailSink) -> None:
    mail_id = sink.deliver(mail("hi", html='<p onclick="x()">hello</p>'))
    page = Client(sink.app()).get(f"/{mail_id}").text
    assert "<p onclick" not in page
    assert "<iframe sandbox=" in page
    assert "allow-scripts" not in page


def test_a_mail_of_html_alone_has_a_text_too() -> None:
    """The real Auth sends no text part; the tests read its links all the same."""
    message = EmailMessage()
    message.set_content(
        '<p>Hello &amp; welcome</p><a class="b" href="https://x/verify?token=a&amp;type=b">Open</a>',
        subtype="html",
    )
    text = people.plain(message)
    assert "Hello & welcome" in text
    assert " https://x/verify?token=a&type=b " in text
