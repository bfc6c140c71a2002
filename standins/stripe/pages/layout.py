"""The frame of every page: plain HTML and forms, no script, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from flask import Response

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --accent: #4b56d2; --bad: #b3261e }}
@media (prefers-color-scheme: dark) {{ :root {{ --accent: #8b93f0; --bad: #f2958e }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto;
  padding: 0 1rem; background: Canvas; color: CanvasText }}
h1 {{ font-size: 1.4rem; margin-bottom: .3rem }} h2 {{ font-size: 1.05rem; margin-top: 2rem }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere }}
form {{ display: inline }} label {{ display: block; margin: .8rem 0 }}
input {{ font: inherit; padding: .45rem; width: 100%; box-sizing: border-box }}
button {{ font: inherit; padding: .5rem 1.1rem; margin: .6rem .4rem 0 0; border-radius: .5rem;
  border: 1px solid var(--line); background: ButtonFace; color: ButtonText; cursor: pointer }}
button.main {{ background: var(--accent); border-color: var(--accent); color: Canvas }}
a {{ color: var(--accent) }} :focus-visible {{ outline: 2px solid var(--accent) }}
.note {{ opacity: .75; font-size: .9rem }} .bad {{ color: var(--bad) }}
</style></head><body><main><h1>{title}</h1>
{content}
<p class="note">This page replaces Stripe on one machine. No money moves, and no card number
is asked for.</p>
</main></body></html>
"""


def page(title: str, content: str, status: int = 200) -> Response:
    """A page; `title` is text, `content` is HTML."""
    response = Response(_FRAME.format(title=escape(title), content=content), status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def away(url: str) -> Response:
    """Send the person on, as a GET. (A form's target is not held to the page's policy.)"""
    return Response(status=303, headers={"Location": url})


def form(
    path: str, label: str, fields: Mapping[str, str], inner: str = "", *, main: bool = False
) -> str:
    """A form of one button that posts `fields` to `path`; `inner` is HTML."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    kind = ' class="main"' if main else ""
    return (
        f'<form method="post" action="{escape(path)}">{inner}{hidden}'
        f"<button{kind}>{escape(label)}</button></form>"
    )


def link(url: str | None, label: str) -> str:
    """A link; the label alone where the address is none of the web's."""
    if not url or not url.startswith(("http://", "https://")):
        return escape(label)
    return f'<a href="{escape(url)}">{escape(label)}</a>'
