"""The website's types of the API, from the OpenAPI document's schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools import openapi

PATH = Path(__file__).parent.parent / "web" / "src" / "client" / "schema.ts"
_NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean",
          "null": "null"}  # fmt: skip


def text() -> str:
    """A TypeScript module with an interface for each schema."""
    schemas = openapi.document()["components"]["schemas"]
    parts = [
        "// The API's types, from lib/http/service/openapi.yaml by `make openapi`. Don't edit."
    ]
    for name, schema in schemas.items():
        about = f"/** {schema['description']} */\n" if "description" in schema else ""
        parts.append(about + _declaration(name, schema))
    return "\n\n".join(parts) + "\n"


def _declaration(name: str, schema: dict[str, Any]) -> str:
    if "properties" in schema:
        return f"export interface {name} {_object(schema, 0)}"
    return f"export type {name} = {_type(schema, 0)};"


def _object(schema: dict[str, Any], depth: int) -> str:
    required = set(schema.get("required", ()))
    space = "  " * (depth + 1)
    lines = []
    for name, field in schema["properties"].items():
        if "description" in field:
            lines.append(f"{space}/** {field['description']} */")
        mark = "" if name in required else "?"
        lines.append(f"{space}{_key(name)}{mark}: {_type(field, depth + 1)};")
    return "\n".join(["{", *lines, "  " * depth + "}"])


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _type(schema: dict[str, Any], depth: int) -> str:
    match schema:
        case {"$ref": str(ref)}:
            return ref.rpartition("/")[2]
        case {"anyOf": list(options)}:
            return " | ".join(dict.fromkeys(_type(each, depth) for each in options))
        case {"enum": list(values)}:
            return " | ".join(json.dumps(value) for value in values)
        case {"type": "array"}:
            of = _type(schema.get("items", {}), depth)
            return f"({of})[]" if " | " in of else f"{of}[]"
        case {"type": "object", "properties": _}:
            return _object(schema, depth)
        case {"type": "object"}:
            more = schema.get("additionalProperties", True)
            return f"Record<string, {_type(more, depth) if isinstance(more, dict) else 'unknown'}>"
        case {"type": str(name)}:
            return _NAMES[name]
        case {"type": list(names)}:
            return " | ".join(_NAMES[name] for name in names)
        case _:
            return "unknown"
