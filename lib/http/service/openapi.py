"""The OpenAPI document, as it is served."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def document() -> bytes:
    """openapi.yaml, made by `make openapi` from the typed models; a test keeps it true."""
    return (Path(__file__).parent / "openapi.yaml").read_bytes()
