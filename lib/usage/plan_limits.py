"""How large a plan's files may be: the plan says so, within what the project's Storage takes.

A Free Supabase project takes no file above 50 MB. A plan that promised more would let people upload
what Storage then refuses, or lose an output at its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.platform.settings import settings

FIELDS = ("max_input_bytes", "max_output_bytes")


def within_storage(most: int) -> int:
    """A plan's limit of a file's bytes, or that of Storage where it is lower."""
    return min(most, settings().storage_max_bytes)


def limited(row: Mapping[str, Any]) -> dict[str, Any]:
    """A plan's row with both limits of files within what Storage takes."""
    return {name: within_storage(value) if name in FIELDS else value for name, value in row.items()}
