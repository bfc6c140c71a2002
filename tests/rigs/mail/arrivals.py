"""Mails that have arrived in the sink."""

from __future__ import annotations

from typing import Any

from local.stack import Stack
from tests.rigs.waiting import eventually


def arrived(stack: Stack, to: str, count: int = 1) -> list[Any]:
    """The mails to an address, once there are `count`."""

    def mails() -> list[Any]:
        return [each for each in stack.mails.list() if each.message["To"] == to]

    eventually(lambda: len(mails()) >= count)
    return mails()
