"""The served document is what the models say."""

from __future__ import annotations

import jsonschema_rs
import pytest

from lib.http.openapi import document
from tools import openapi, openapi_docs


def test_the_document_is_up_to_date() -> None:
    assert document().decode() == openapi.text(), "run `make openapi`"


OPERATIONS = {
    operation["operationId"]: operation
    for methods in openapi.document()["paths"].values()
    for operation in methods.values()
    if isinstance(operation, dict)
}


@pytest.mark.parametrize("name", openapi_docs.EXAMPLES)
def test_examples_are_what_their_schemas_take(name: str) -> None:
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    components = openapi.document()["components"]
    validator = jsonschema_rs.Draft202012Validator({**content["schema"], "components": components})
    validator.validate(content["example"])


def test_every_body_has_an_example() -> None:
    with_body = {name for name, each in OPERATIONS.items() if "requestBody" in each}
    assert with_body == set(openapi_docs.EXAMPLES)


def test_every_reference_leads_somewhere() -> None:
    document = openapi.document()
    there = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def references(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value))
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set()

    assert references(document) <= there
    assert not [name for name in there if "lib." in name], "two models have one name"
