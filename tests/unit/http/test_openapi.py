"""The served document is what the models say."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest

from lib.http.service.openapi import document
from lib.platform.error_codes import CODES
from local.vercel import functions
from tools import declared, generated, openapi, openapi_docs


def test_what_is_generated_is_up_to_date() -> None:
    assert document().decode() == openapi.text(), "run `make openapi`"
    assert generated.stale() == {}, "run `make openapi`"


OPERATIONS = {
    operation["operationId"]: operation
    for methods in openapi.document()["paths"].values()
    for operation in methods.values()
    if isinstance(operation, dict)
}


WITH_BODY = [name for name, each in OPERATIONS.items() if "requestBody" in each]


@pytest.mark.parametrize("name", WITH_BODY)
def test_examples_are_what_their_schemas_take(name: str) -> None:
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    components = openapi.document()["components"]
    validator = jsonschema_rs.Draft202012Validator({**content["schema"], "components": components})
    validator.validate(content["example"])


def test_every_route_is_served_by_the_function_that_declares_it() -> None:
    """The first rewrite that matches a path names the declaring function."""
    for name, routes in declared.functions().items():
        for route in routes:
            path = re.sub(r"\{\w+\}", "x", route.path)
            for tried in (path, f"{path}/"):
                first = next(each for each in functions.routes() if each.pattern.fullmatch(tried))
                assert first.function == f"api/{name}", tried


def test_every_route_has_its_own_name_and_group() -> None:
    routes = declared.documented()
    assert len({route.name for route in routes}) == len(routes) > 40
    assert {route.tag for route in routes} == set(openapi_docs.TAGS)
    for routes in declared.functions().values():
        for route in routes:
            assert set(route.errors) <= CODES.keys(), route.path
            assert set(route.error_models) <= set(route.errors), route.path


def test_everything_is_described() -> None:
    """Every operation, parameter, model and field."""
    document = openapi.document()
    missing = [name for name, each in OPERATIONS.items() if not each["description"]]
    for path in document["paths"].values():
        for operation in path.values():
            parameters = (
                operation.get("parameters", ()) if isinstance(operation, dict) else operation
            )
            missing += [each["name"] for each in parameters if not each["description"]]
    for name, model in document["components"]["schemas"].items():
        if not model.get("description"):
            missing.append(name)
        for field, schema in model.get("properties", {}).items():
            if not schema.get("description"):
                missing.append(f"{name}.{field}")
    assert missing == []


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
