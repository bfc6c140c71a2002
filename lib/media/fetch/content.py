"""Whether the bytes of a response are media or a text document, such as a web page."""

from __future__ import annotations

import html
import re

from lib.media.errors import MediaError

PAGE_BYTES = 64 * 1024
"""How much of a web page is read for its title."""
SNIFF_BYTES = 16
"""What is enough to tell text from media."""
MAX_TITLE = 100
_HTML = re.compile(rb"<(?:!doctype html|html|head|body|title|meta|script|div|h1)[\s>]", re.I)


def undecided(data: bytes) -> bool:
    """Whether more is needed to tell what the first bytes of a file are."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    return len(data) < 2048 and (not text or (text[:1] in b"<{[" and len(text) < SNIFF_BYTES))


def is_text_document(data: bytes) -> bool:
    """Whether a file that begins so is a web page, XML or JSON, none of which is media."""
    text = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return re.match(rb"<[A-Za-z!?]", text) is not None
    return re.match(rb"[{\[]\s{0,50}[\"{\[]", text) is not None and b"\x00" not in text


def document_error(data: bytes) -> MediaError:
    """What to say of a text document, of which `data` is the beginning."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return _no_media("answered with JSON, not with a media file", "json")
    if not _HTML.search(text[:PAGE_BYTES]):
        return _no_media("answered with an XML document, not with a media file", "xml")
    title = page_title(text)
    if "Google Drive" in title and "scan" in title.lower():
        return MediaError(
            "validation",
            "Google Drive answered with a web page that warns that it can't scan the file for"
            " viruses, not with the file. Upload the file here, or share it from another host.",
            "web_page",
        )
    suffix = f' ("{title}")' if title else ""
    return _no_media(f"answered with a web page{suffix}, not with a media file", "web_page")


def page_title(page: bytes) -> str:
    """The text of a web page's <title>, bounded and plain; empty without one."""
    head = page[:PAGE_BYTES].decode("utf-8", "replace")
    lower = head.lower()
    start = lower.find("<title")
    start = lower.find(">", start) + 1 if start >= 0 else 0
    end = lower.find("</", start) if start else -1
    if end < 0:
        return ""
    text = html.unescape(head[start : min(end, start + 1000)])
    plain = "".join(each if each.isprintable() and each not in '<>&"' else " " for each in text)
    short = " ".join(plain.split())
    return short if len(short) <= MAX_TITLE else f"{short[:MAX_TITLE].rstrip()}…"


def _no_media(what: str, reason: str) -> MediaError:
    return MediaError(
        "validation",
        f"The input's server {what}. Link to the file itself, so that it downloads without a login"
        " or a click, or upload it.",
        reason,
    )
