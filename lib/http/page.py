"""Errors as pages, for people whose browser went to an address of the functions."""

from __future__ import annotations

from html import escape

from flask import Response, request

PROGRAMS = ("/v1/", "/internal/", "/hooks/", "/api/")
"""Where programs call: they get JSON whatever they accept."""


def is_requested() -> bool:
    """Whether the request under way is somebody looking for a page."""
    if request.method not in ("GET", "HEAD") or request.path.startswith(PROGRAMS):
        return False
    kind = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return kind == "text/html"


def page(title: str, text: str, status: int) -> Response:
    """A page of one paragraph, in the site's own style."""
    return Response(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · FFmpeg Micro</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="site"><div><a class="brand" href="/">FFmpeg Micro</a></div></header>
<main id="content" class="text">
<h1>{escape(title)}</h1>
<p>{escape(text)}</p>
<p><a href="/">Home page</a> · <a href="/docs">Docs</a> · <a href="/status">Status</a> ·
<a href="/support">Write to support</a></p>
</main>
</body>
</html>
""",
        status,
        mimetype="text/html",
    )
