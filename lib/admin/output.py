"""Answers of the commands: plain tables for people, JSON for scripts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

Row = dict[str, Any]


class Refused(Exception):
    """What was asked can't be done; the sentence says why and what to do."""


def answer(title: str, rows: Sequence[Row], *, as_json: bool) -> None:
    """Show rows of the same columns: below a title, or as a JSON array."""
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(rows, enc_hook=str) + b"\n")
        sys.stdout.flush()
        return
    _print(f"{title}: none" if not rows else f"{title}:" if title else "")
    if rows:
        _table(rows)


def answers(parts: Mapping[str, Sequence[Row]], *, as_json: bool) -> None:
    """Show several tables, or one JSON object with an array for each."""
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(parts, enc_hook=str) + b"\n")
        sys.stdout.flush()
        return
    for title, rows in parts.items():
        answer(title, rows, as_json=False)
        _print("")


def _table(rows: Sequence[Row]) -> None:
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    widths = [
        max(len(name), *(len(line[column]) for line in cells)) for column, name in enumerate(names)
    ]
    for line in (names, *cells):
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        _print("  " + "  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    """A value as one line of text: nothing that a caller chose may move the terminal's cursor."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (dict, list)):
        value = msgspec.json.encode(value, enc_hook=str).decode()
    return "".join(each if each.isprintable() else "?" for each in str(value))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
