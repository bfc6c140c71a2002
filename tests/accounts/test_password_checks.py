"""Deleting an account: a wrong password gets another answer than Auth's other refusals."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import psycopg
import pytest

from local import client as api
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Person, new_person

WRONG = "This is not the password. Nothing was deleted."


def deletion(http: httpx.Client, password: str) -> httpx.Response:
    return http.request("DELETE", "/v1/account", json={"password": password})


@pytest.mark.parametrize(("change", "sentence"), [
    ("email_confirmed_at = null", "email address is not confirmed"),
    ("banned_until = now() + interval '1 day'", "This login is blocked"),
])  # fmt: skip
def test_auth_says_why_it_did_not_check(
    stand_ins: Stack, person: Person, change: str, sentence: str
) -> None:
    with psycopg.connect(stand_ins.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(f"update auth.users set {change} where id = %s".encode(), (person.id,))
    answer = deletion(person.http, person.password)
    assert answer.status_code == 403
    assert sentence in answer.json()["error"]


class Refusing:
    """Auth whose sign-ins get this answer, and whose key set is the real one."""

    def __init__(self, supabase_url: str) -> None:
        self.status, self.body = 500, b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                real = httpx.get(f"{supabase_url}{self.path}", trust_env=False)
                self._answer(real.status_code, real.content)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(outer.status, outer.body)

            def _answer(self, code: int, content: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def refusal(code: str) -> bytes:
    return json.dumps({"code": 400, "error_code": code, "msg": "Auth's own sentence"}).encode()


CASES = [
    (429, refusal("over_request_rate_limit"), 429, "is limiting requests"),
    (400, refusal("captcha_failed"), 403, "Sign in again"),
    (400, b"[1]", 403, "Sign in again"),
    (400, b"not JSON", 403, "Sign in again"),
    (400, refusal("invalid_credentials"), 403, WRONG),
    (400, b'{"code": "invalid_credentials", "message": "x"}', 403, WRONG),
    (500, refusal("unexpected_failure"), 503, "The login does not answer"),
]


def test_each_refusal_of_auth_has_a_sentence_of_its_own(stand_ins: Stack) -> None:
    supabase = stand_ins.settings["SUPABASE_URL"]
    auth = Refusing(supabase)
    settings = {"SUPABASE_URL": auth.url, "SUPABASE_AUTH_ISSUER": f"{supabase}/auth/v1"}
    child = Child(
        "tests.rigs.processes.functions",
        ["api/account"],
        os.environ | stand_ins.settings | settings,
    )
    try:
        url = child.ready()
        for auth.status, auth.body, expected, sentence in CASES:
            person = new_person(stand_ins)  # attempts are counted for each
            with api.connect(url, person.token) as client:
                answer = deletion(client, "some horse")
            error = (answer.status_code, sentence in answer.json()["error"])
            assert error == (expected, True), (auth.body, answer.text)
            if expected == 429:
                assert int(answer.headers["Retry-After"]) > 0
            assert person.http.get("/v1/account").status_code == 200
    finally:
        child.stop()
        auth.server.shutdown()
