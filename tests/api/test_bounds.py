"""How large a request, and the answer to a refused one, may be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from lib.http import bounds, errors
from lib.http.bounds import BODY_BYTES
from lib.jobs.listing import MAX_SEARCH
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.people import fresh_address
from tests.rigs.routes import Route, every_route

JSON = {"Content-Type": "application/json"}
NEVER = ("DELETE /v1/account", "DELETE /v1/account/sessions")
"""What a test of sizes must not do."""


def with_body() -> list[Route]:
    return [each for each in every_route() if each.method not in ("GET", "DELETE")]


def test_every_route_has_a_limit_of_its_body(stack: Stack, person: Person) -> None:
    """At the limit it is read, one byte past it is 413, with and without a credential."""
    routes = with_body()
    assert len(routes) > 15
    assert {each.name for each in every_route() if each.declared.most_bytes > BODY_BYTES} <= {
        each.name for each in routes
    }
    for route in routes:
        for credential in (f"Bearer {person.token}", ""):
            headers = {**JSON, "X-Real-IP": fresh_address(), "Authorization": credential}
            at, past = (
                httpx.request(
                    route.method,
                    stack.url + route.path,
                    content=b" " * size,
                    headers=headers,
                    trust_env=False,
                    timeout=30,
                )
                for size in (route.declared.most_bytes, route.declared.most_bytes + 1)
            )
            assert at.status_code not in (413, 500), (route.name, at.text)
            assert past.status_code == 413, (route.name, past.text)
            assert f"{route.declared.most_bytes:,} bytes" in past.json()["error"]


def chunks(size: int) -> Iterator[bytes]:
    """A body that states no length."""
    while size > 0:
        yield b" " * min(size, 16_384)
        size -= 16_384


@pytest.mark.parametrize("name", ["createTranscode", "validate", "createUpload", "confirmUpload",
                                  "probe"])  # fmt: skip
def test_a_body_without_a_length_has_the_same_limit(
    stack: Stack, account: Account, name: str
) -> None:
    route = next(each.declared for each in every_route() if each.declared.name == name)
    path, limit = route.path, route.most_bytes
    for size, expected in ((limit, 400), (limit + 1, 413)):
        answer = httpx.post(
            stack.url + path,
            content=chunks(size),
            headers={**JSON, "Authorization": f"Bearer {account.key}"},
            trust_env=False,
            timeout=30,
        )
        assert answer.status_code == expected, answer.text


def test_paths_and_queries_have_a_limit(account: Account) -> None:
    get = account.http.get
    long = "x" * (bounds.PATH_CHARACTERS - len("/v1/transcodes/"))
    assert get(f"/v1/transcodes/{long}").status_code == 404
    assert get(f"/v1/transcodes/{long}x").status_code == 400
    query = "a=" + "x" * (bounds.QUERY_CHARACTERS - 2)
    assert get(f"/v1/transcodes?{query}").status_code == 200
    assert get(f"/v1/transcodes?{query}x").status_code == 400
    for name in ("status", "order", "since", "period"):
        path = "/v1/account/usage" if name == "period" else "/v1/transcodes"
        refused = get(path, params={name: "x" * 8193})
        assert refused.status_code == 400
        assert len(refused.text) < 500
    assert get("/v1/transcodes", params={"status": "x" * 8192}).status_code == 200
    assert get("/v1/transcodes", params={"q": "x" * MAX_SEARCH}).status_code == 200
    assert get("/v1/transcodes", params={"q": "x" * (MAX_SEARCH + 1)}).status_code == 400


def test_a_refusal_is_smaller_than_what_is_refused(account: Account) -> None:
    url = {"url": "https://media.example.com/a.mp4"}
    mp4 = {"inputs": [url], "outputFormat": "mp4"}
    bodies = [
        mp4 | {"options": [{"option": "-vf", "argument": "scale=1" + ":1" * 9_000}]},
        mp4 | {"options": [{"option": f"-no{number}"} for number in range(100)]},
        mp4 | {"preset": {"quality": "\0" + "x" * 900_000}},
        mp4 | {"outputFormat": "\u0001" * 150_000},
        mp4 | {"inputs": [{"url": "ftp://" + "a" * 4_000}] * 10},
        {"x" * 900_000: 1},
    ]
    for body in bodies:
        for path in ("/v1/transcodes", "/v1/validate"):
            answer = account.http.post(path, json=body)
            assert answer.status_code == 400, answer.text[:300]
            assert len(answer.content) <= errors.MOST_BYTES
            assert answer.json()["error"]


@pytest.mark.parametrize("letter", ["x", "\u0001", "\u20ac", '"'])
def test_no_error_is_larger_than_its_limit(letter: str) -> None:
    refusal = {"flag": letter * 4_000, "rule": letter * 4_000, "alternative": None}
    body = {
        "error": letter * 200_000,
        "details": [letter * 3_000] * 3_000,
        "refusals": [refusal] * 900,
    }
    encoded = errors.encode(body)
    assert len(encoded) <= errors.MOST_BYTES
    assert json.loads(encoded)["refusals"]
    at = {"error": "x" * (errors.MOST_BYTES - len('{"error":""}'))}
    assert json.loads(errors.encode(at)) == at
    assert len(errors.encode({"error": at["error"] + "x"})) < 10_000


def test_nesting_is_a_400(account: Account) -> None:
    deep = "[" * 20_000
    mp4 = {"inputs": [{"url": "https://media.example.com/a.mp4"}], "outputFormat": "mp4"}
    for option in ("@text-overlay", "@trim", "@thumbnail"):
        body = mp4 | {"options": [{"option": option, "argument": deep}]}
        answer = account.http.post("/v1/transcodes", json=body)
        assert answer.status_code == 400, answer.text
    for path in ("/v1/transcodes", "/v1/validate", "/v1/ffprobe", "/v1/upload/confirm"):
        answer = account.http.post(path, content=deep.encode(), headers=JSON)
        assert answer.status_code == 400, answer.text


def test_a_caller_waits_for_no_refusal(stack: Stack, account: Account) -> None:
    """Requests that were seconds of work before are answered beside others."""
    body = {
        "inputs": [{"url": "https://media.example.com/a.mp4"}],
        "outputFormat": "mp4",
        "options": [{"option": "-x" + "y" * 900_000}],
    }
    begun = time.monotonic()
    assert account.http.post("/v1/validate", json=body).status_code == 400
    assert time.monotonic() - begun < 20
