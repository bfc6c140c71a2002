"""Cursors: opaque, bounded, and only those that a list gave out."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.jobs.cursor import ORDERS, Cursor, parse
from lib.platform.errors import Problem

AT = datetime(2026, 11, 27, 12, 0, 0, 123_000, tzinfo=UTC)


def packed(order: int, milliseconds: int, job_id: bytes = bytes(16)) -> str:
    data = struct.pack(">Bq16s", order, milliseconds, job_id)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("order", ORDERS)
def test_a_cursor_comes_back_as_it_was(order: str) -> None:
    cursor = Cursor(order, AT, uuid4())
    assert parse(cursor.text()) == cursor
    assert len(cursor.text()) == 34


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)),
    st.uuids(),
    st.sampled_from(ORDERS),
)
def test_every_place_has_a_cursor(at: datetime, job_id: UUID, order: str) -> None:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    assert parse(Cursor(order, at, job_id).text()) == Cursor(order, at, job_id)


@pytest.mark.parametrize(
    "text",
    [
        "x", "2", "a" * 33, "a" * 35, "a" * 8192, "é" * 34, "a b", "../..", "=" * 34,
        packed(3, 0), packed(255, 0), packed(0, -1), packed(0, 253_402_300_800_000),
        packed(0, 2**63 - 1), packed(0, -(2**63)), packed(0, 0)[:-1] + "B", packed(0, 0) + "==",
        packed(0, 0).replace("A", "+", 1), f"{packed(0, 0)}\n",
    ],
    ids=range(19),
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse(text)
    assert refused.value.status == 400
    assert "next_cursor" in refused.value.error


def test_the_last_moment_and_one_past_it() -> None:
    assert parse(packed(0, 253_402_300_799_999)).at.year == 9999
    with pytest.raises(Problem):
        parse(packed(0, 253_402_300_800_000))
