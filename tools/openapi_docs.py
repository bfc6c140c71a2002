"""What makes the OpenAPI document worth reading: tags, and a description of each field.

The words are the docstrings that stand below the fields of the models.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from lib.http.routes.access import Access, Open, OptionalCredential, Secret
from lib.http.routes.declaration import Route

TAGS = {
    "Uploads": "Send files, and look into them.",
    "Jobs": "Check, create and follow jobs.",
    "Keys": "API keys of an account.",
    "Billing": "Plans and payments.",
    "Privacy and support": "Exports, reports, access to your files, policies and support.",
    "Account": "Your account and what it used.",
    "Service": "Trial keys, health and settings of the service.",
}
"""Groups of routes, in order, and what is in them."""


def describe(components: dict[str, Any], models: Iterable[type]) -> None:
    """Put the words of each model's fields beside them.

    Docstrings are without the code's indentation, which Python keeps until 3.12.
    """
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
    for model in _with_nested(models):
        component = components.get(model.__name__)
        if component is None:
            continue
        for name, words in _words(model).items():
            schema = component.get("properties", {}).get(name)
            if schema is not None and "description" not in schema:
                schema["description"] = words


def _with_nested(models: Iterable[type]) -> set[type]:
    """The models, and those that their fields have."""
    nested: set[type] = set()
    waiting: list[Any] = list(models)
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            if each not in nested:
                nested.add(each)
                waiting += get_type_hints(each).values()
        else:
            waiting += get_args(each)
    return nested


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


def title(route: Route) -> str:
    """A route's documentation up to its first `;` or `:`."""
    return re.split(r"[;:] ", route.summary, maxsplit=1)[0]


def about(route: Route) -> str:
    """A route's documentation, who may call it, and how often."""
    return f"{route.summary}. {_access(route.access)}"


def _access(access: Access) -> str:
    match access:
        case Open(signed=True):
            return "Needs no key: the signature in the address permits it."
        case Open(window=None):
            return "Needs no key."
        case Open(per_minute=most):
            return f"Needs no key. {most} requests a minute from one address."
        case OptionalCredential(per_minute=most):
            return f"A key is optional. {most} requests a minute."
        case Secret():
            return "Needs the operator's secret."
    whom = {
        "anyone": f"Needs a key with the `{access.scope}` scope, or a session.",
        "account": f"Needs a key with the `{access.scope}` scope, or a session; not a trial key.",
        "person": "Needs a session, not a key.",
    }[access.only]
    return f"{whom} {access.per_minute} requests a minute." if access.window else whom
