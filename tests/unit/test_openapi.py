"""The served document is what the models say."""

from __future__ import annotations

import re

from lib.http.openapi import document
from tools import openapi


def test_the_document_is_up_to_date() -> None:
    assert document().decode() == openapi.text(), "run `make openapi`"


def test_every_reference_leads_to_a_schema() -> None:
    told = openapi.document()
    schemas = told["components"]["schemas"]
    references = re.findall(r"'#/components/schemas/([^']+)'", repr(told))
    assert references
    assert set(references) <= set(schemas)


def test_fields_are_described_by_the_source() -> None:
    described = openapi.document()["components"]["schemas"]["Transcode"]["properties"]
    assert described["progress"]["description"].startswith("Percent of the encoding")
