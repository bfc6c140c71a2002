"""Partial opacity of what is laid over a video."""

from __future__ import annotations


def fade(opacity: float) -> str:
    """The end of a filter chain that makes a video partly transparent; empty for opaque."""
    return f",colorchannelmixer=aa={opacity:g}" if opacity < 1 else ""
