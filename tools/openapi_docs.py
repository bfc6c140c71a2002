"""What makes the OpenAPI document worth reading: tags, examples, and words for each field.

The words are the docstrings that stand below the fields of the models.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

TAGS = (
    ("Uploads", ("/v1/upload", "/v1/ffprobe")),
    ("Jobs", ("/v1/transcodes", "/v1/validate")),
    ("Keys", ("/v1/api-keys",)),
    ("Billing", ("/v1/billing", "/hooks/stripe")),
    (
        "Privacy and support",
        (
            "/v1/account/export",
            "/v1/account/reports",
            "/v1/account/access-log",
            "/v1/policies",
            "/v1/support",
        ),
    ),
    ("Account", ("/v1/account",)),
    ("Service", ("/",)),
)
"""Groups of routes by how they begin; the first that fits."""

_JOB = "3f0c8a4e-9d3b-4c55-8d0e-0a6a3c1f2b7d"
_FILE = "20261123-101500-9f2c11aa-holiday.mov"

EXAMPLES: dict[str, Any] = {
    "createUpload": {
        "filename": "holiday.mov",
        "contentType": "video/quicktime",
        "fileSize": 991017,
    },
    "confirmUpload": {"filename": _FILE, "fileSize": 991017},
    "probe": {"url": f"gs://uploads/{_JOB}/{_FILE}"},
    "validate": {
        "inputs": [{"url": "https://example.com/holiday.mov"}],
        "outputFormat": "webm",
        "preset": {"quality": "high", "resolution": "720p"},
    },
    "createTranscode": {
        "inputs": [{"url": "https://example.com/holiday.mov"}],
        "outputFormat": "mp4",
        "options": [
            {"option": "@trim", "argument": {"start": 5, "duration": 30}},
            {"option": "-crf", "argument": 23},
        ],
        "metadata": {"order": 4711},
    },
    "reportTranscode": {"message": "The sound is missing after a minute."},
    "changeAccount": {"name": "Ann Example", "retention": {"inputs": 24, "outputs": 72}},
    "deleteAccount": {"password": "correct horse battery"},
    "createKey": {"label": "website", "scopes": ["jobs", "read"]},
    "renameKey": {"label": "shop"},
    "buyPlan": {"plan": "starter"},
    "writeToSupport": {"message": "How do I join two files?", "email": "ann@example.com"},
    "tryIt": {},
}
"""Request bodies that work, by operation."""


def tag(path: str) -> str:
    """The group of a route."""
    return next(name for name, begins in TAGS if path.startswith(begins))


def describe(components: dict[str, Any], models: Iterable[type]) -> None:
    """Put the words of each model's fields beside them.

    Docstrings are without the code's indentation, which Python keeps until 3.12.
    """
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
    for model in _with_nested(models):
        found = components.get(model.__name__)
        if found is None:
            continue
        for name, words in _words(model).items():
            schema = found.get("properties", {}).get(name)
            if schema is not None and "description" not in schema:
                schema["description"] = words


def _with_nested(models: Iterable[type]) -> set[type]:
    """The models, and those that their fields have."""
    found: set[type] = set()
    waiting: list[Any] = list(models)
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            if each not in found:
                found.add(each)
                waiting += get_type_hints(each).values()
        else:
            waiting += get_args(each)
    return found


@cache
def _words(model: type) -> dict[str, str]:
    """The docstrings below a model's fields, those it inherits too."""
    words: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each is msgspec.Struct or not issubclass(each, msgspec.Struct):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(body, ast.ClassDef)  # noqa: S101 -- the source of a class is one
        for field, after in zip(body.body, body.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                words[field.target.id] = " ".join(str(after.value.value).split())
    return words
