"""The OpenAPI document, from the declared routes and the typed models: `make openapi`.

The models are the ones that parse requests and build answers, so the document can't drift from
the code.
"""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from lib.http.routes.access import Credential, Open, OptionalCredential, Secret
from lib.http.routes.declaration import RawAnswer, Route
from lib.http.routes.parameters import PATH
from lib.platform.error_codes import CODES
from lib.platform.errors import Error, Refused
from tools import declared, openapi_docs

RETRY = (429, 502, 503)
"""Statuses whose answers have `Retry-After`."""


def document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    routes = declared.documented()
    models = _models(routes)
    _, components = msgspec.json.schema_components(
        models, ref_template="#/components/schemas/{name}"
    )
    openapi_docs.describe(components, models)
    _for_generators(components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FFmpeg Micro",
            "version": "1.0.0",
            "description": (
                "Send media, say what you want, poll, download. Files travel by signed links;"
                " jobs run ffmpeg. Every error is `{error, message, code, details?}`: a sentence to"
                " act on, and a stable code."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "The operator's support page, /support"},
        },
        "servers": [{"url": "/", "description": "The service that serves this document."}],
        "security": [{"bearerApiKey": []}],
        "tags": [{"name": name, "description": about} for name, about in openapi_docs.TAGS.items()],
        "paths": _paths(routes),
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


SECURITY = {
    "bearerApiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a Supabase Auth access token.",
    },
    "operatorSecret": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's CRON_SECRET.",
    },
}


def text() -> str:
    """The document as YAML."""
    return yaml.dump(
        document(), Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=100
    )


class _WithoutAliases(yaml.SafeDumper):
    """Writes a part that is used twice twice: not every reader of OpenAPI knows anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _models(routes: list[Route]) -> list[type]:
    """All models of the routes, each once."""
    models: dict[type, None] = {Error: None}
    for route in routes:
        for model in (route.body and route.body.model, route.answer, *route.error_models.values()):
            if isinstance(model, type):
                models[model] = None
    return list(models)


def _for_generators(schema: Any) -> None:
    """Say what generators of clients need, in place.

    A default of null says nothing more than that a field may be absent, yet openapi-typescript then
    requires the field. An object of any fields must say so, or it is read as one without fields.
    """
    if isinstance(schema, list):
        for each in schema:
            _for_generators(each)
    if not isinstance(schema, dict):
        return
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    kinds = schema.get("type", ())
    if "object" in ([kinds] if isinstance(kinds, str) else kinds) and "properties" not in schema:
        schema.setdefault("additionalProperties", True)
    for each in schema.values():
        _for_generators(each)


def _paths(routes: list[Route]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in routes:
        path = paths.setdefault(route.path, {})
        if route.path_names and "parameters" not in path:
            path["parameters"] = [
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "description": PATH[name].about,
                    "schema": PATH[name].schema,
                }
                for name in route.path_names
            ]
        path[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": openapi_docs.title(route),
        "description": openapi_docs.about(route),
        "tags": [route.tag],
    }
    match route.access:
        case Open():
            operation["security"] = []
        case OptionalCredential():
            operation["security"] = [{}, {"bearerApiKey": []}]
        case Secret():
            operation["security"] = [{"operatorSecret": []}]
        case Credential():
            pass
    if route.query:
        operation["parameters"] = [
            {
                "name": each.name,
                "in": "query",
                **({"required": True} if each.required else {}),
                "description": each.about,
                "schema": each.schema,
            }
            for each in route.query
        ]
    if route.body:
        content = {"schema": _ref(route.body.model), "example": dict(route.body.example)}
        operation["requestBody"] = {
            "required": not route.body.optional,
            "content": {"application/json": content},
        }
    return operation | {"responses": {str(route.status): _success(route)} | _errors(route)}


def _success(route: Route) -> dict[str, Any]:
    match route.answer:
        case None:
            return {"description": "Done."}
        case RawAnswer(kind=kind, about=about):
            schema = {"type": "string", "description": about}
            return {"description": about, "content": {kind: {"schema": schema}}}
        case model:
            return _json("Leads to the file." if route.status == 302 else "Done.", _ref(model))


def _errors(route: Route) -> dict[str, Any]:
    """The error responses, by status: their codes, and the shapes that these have."""
    by_status: dict[int, list[str]] = {}
    for code in route.errors:
        by_status.setdefault(CODES[code].status, []).append(code)
    responses: dict[str, Any] = {}
    for status, codes in sorted(by_status.items()):
        models = dict.fromkeys(route.error_models.get(code, Error) for code in codes)
        if Refused in models:  # it may be an Error without `refusals`
            models.pop(Error, None)
        schemas = [_ref(model) for model in models]
        description = " ".join(f"`{code}`: {CODES[code].meaning}" for code in codes)
        response = _json(description, schemas[0] if len(schemas) == 1 else {"anyOf": schemas})
        if status in RETRY:
            response["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait before the request is sent again.",
                    "schema": {"type": "integer"},
                }
            }
        responses[str(status)] = response
    return responses


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(model: type) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
