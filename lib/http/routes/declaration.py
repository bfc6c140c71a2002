"""Routes, each declared once, where it is: who may call it, what it takes, answers and refuses.

A file in api/ has a `Routes` over its Flask application:

    route = Routes(app, "Jobs")

    @route("GET", "/v1/transcodes/{id}", access=READ, answer=Transcode, errors=["job_not_found"])
    def get_transcode(caller: Caller, id: str) -> Transcode:
        '''A job.'''

The handler gets the caller, the parts of the path, the query parameters and the body by name, and
returns the answer, or the answer and further headers, or a Response. The OpenAPI document, the
rewrites of vercel.json, the README's table and the website's types are made from the declarations
(`make openapi`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Flask, Response

from lib.http.app import answer
from lib.http.auth import OWN
from lib.http.body import json_body, parse
from lib.http.bounds import BODY_BYTES, limit_body, read_body
from lib.http.routes.access import Access, Credential, OptionalCredential, Secret
from lib.http.routes.parameters import PATH, Query

Handler = TypeVar("Handler", bound=Callable[..., Any])
Model = TypeVar("Model")


@dataclass(frozen=True)
class Body(Generic[Model]):
    """The JSON body of a request.

    `example` is a body that works. A `plain` one reaches the handler as it was sent, and the
    handler parses it. An `optional` one may be left out and is an empty object then.
    """

    model: type[Model]
    example: Mapping[str, Any]
    plain: bool = False
    optional: bool = False

    def read(self) -> Any:
        """The body of the current request. Raises Problem 400, 413, 415."""
        data = {} if self.optional and not read_body().strip() else json_body()
        return data if self.plain else parse(data, self.model)


@dataclass(frozen=True)
class RawAnswer:
    """An answer that is not JSON."""

    kind: str
    about: str


@dataclass(frozen=True)
class Route:
    """A method and a path, and all that is said of it."""

    name: str
    """The operationId, from the handler's name."""
    method: str
    path: str
    summary: str
    """One line, from the handler's docstring."""
    access: Access
    answer: type | RawAnswer | None
    status: int
    body: Body[Any] | None
    most_bytes: int
    query: tuple[Query, ...]
    own_errors: tuple[str, ...]
    error_models: Mapping[str, type]
    """Codes whose errors have a shape of their own here."""
    tag: str

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return re.sub(r"\{(\w+)\}", lambda m: f"<{PATH[m[1]].converter}{m[1]}>", self.path)

    @property
    def path_names(self) -> list[str]:
        """The names of the parts of the path that vary."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def internal(self) -> bool:
        """Whether it is for our own calls alone, and in no document."""
        return self.path.startswith("/internal/")

    @property
    def needs_credential(self) -> bool:
        """Whether a call without a credential is refused."""
        return isinstance(self.access, Credential | Secret)

    @property
    def errors(self) -> tuple[str, ...]:
        """All codes that it answers."""
        body = ("invalid_json", "invalid_request", "unsupported_content_type", "body_too_large")
        codes = [*self.access.errors]
        codes += body if self.body else ()
        codes += ("invalid_request",) if self.query else ()
        codes += self.own_errors
        codes += ("internal_error", "database_unavailable")
        may_read = "account_suspended" if self.method in OWN else None
        return tuple(dict.fromkeys(code for code in codes if code != may_read))


class Routes:
    """The routes of one function."""

    def __init__(self, app: Flask, tag: str) -> None:
        self._app = app
        self._tag = tag
        self.routes: list[Route] = []

    def __call__(
        self,
        method: str,
        path: str,
        *,
        access: Access,
        answer: type | RawAnswer | None,
        status: int = 200,
        body: Body[Any] | None = None,
        most_bytes: int = BODY_BYTES,
        query: Sequence[Query] = (),
        errors: Sequence[str] = (),
        error_models: Mapping[str, type] | None = None,
        tag: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a route; its handler's docstring is its documentation."""

        def declare(handler: Handler) -> Handler:
            words = handler.__name__.split("_")
            route = Route(
                name=words[0] + "".join(word.capitalize() for word in words[1:]),
                method=method,
                path=path,
                summary=" ".join(inspect.getdoc(handler).split()).rstrip("."),  # type: ignore[union-attr]
                access=access,
                answer=answer,
                status=status,
                body=body,
                most_bytes=most_bytes,
                query=tuple(query),
                own_errors=tuple(errors),
                error_models=error_models or {},
                tag=tag or self._tag,
            )
            self.routes.append(route)
            limit_body(self._app, f"{method} {route.rule}", most_bytes)
            self._app.add_url_rule(
                route.rule, f"{method} {path}", _view(route, handler), methods=[method]
            )
            return handler

        return declare


def _view(route: Route, handler: Callable[..., Any]) -> Callable[..., Response]:
    """The handler with its arguments read: first the caller, then the query, then the body."""
    with_caller = isinstance(route.access, Credential | OptionalCredential)

    def call(**arguments: Any) -> Response:
        caller = route.access.admit()
        if with_caller:
            arguments["caller"] = caller
        for each in route.query:
            arguments[each.argument] = each.read()
        if route.body:
            arguments["body"] = route.body.read()
        return _response(handler(**arguments), route.status)

    return call


def _response(result: Any, status: int) -> Response:
    match result:
        case Response():
            return result
        case None:
            return Response(status=status)
        case (data, dict() as headers):
            return answer(data, status, headers)
        case _:
            return answer(result, status)
