"""The served document is what the models say."""

from __future__ import annotations

from lib.http.openapi import document
from tools import openapi


def test_the_document_is_up_to_date() -> None:
    assert document().decode() == openapi.text(), "run `make openapi`"
