"""The stand-in for Supabase Auth against what the real server answered."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from local import keys
from tests.rigs.supabase import auth_replay, auth_server
from tests.rigs.supabase.auth_replay import Bindings, compare_answer
from tests.rigs.supabase.auth_server import Project, Rig, code

RECORDED = json.loads(Path(auth_replay.__file__).with_name("auth_exchanges.json").read_text())
RECORDED_AT = "http://127.0.0.1:54321/auth/v1"
PAGES_AT = "http://127.0.0.1:3000"


def test_recorded_exchanges(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.rows("delete from auth.users")
    options = {"public_url": RECORDED_AT, "site_url": PAGES_AT, "mail_interval_seconds": 1}
    with auth_server.serve(project, tmp_path, **options) as rig:
        bindings = Bindings({"<anon>": rig.keys.publishable, "<service>": rig.keys.secret})
        for exchange in RECORDED["exchanges"]:
            _replay(rig, bindings, exchange)
    with capsys.disabled():
        left_out = RECORDED["left_out"]
        print(f"\nAuth: {len(RECORDED['exchanges'])} exchanges replayed, {len(left_out)} left out")
        for each in left_out:
            print(f"  {each['number']}: {each['why']}")


def _replay(rig: Rig, bindings: Bindings, exchange: dict[str, Any]) -> None:
    where = f"{exchange['number']} {exchange['title']}"
    rig.clock.advance(exchange.get("advance_seconds", 0))
    expected = exchange["request"]
    if address := exchange.get("newest_mail_to"):
        payload = expected["target"] + expected.get("body", "")
        token = rig.link(address).params["token"].removeprefix("pkce_")
        bindings.bind(bindings.unknown(payload)[0], token, where)
    answer = rig.http.request(
        expected["method"],
        bindings.fill(expected["target"]),
        headers={name: bindings.fill(text) for name, text in expected["headers"].items()},
        content=bindings.fill(expected["body"]) if "body" in expected else None,
    )
    compare_answer(bindings, exchange["response"], answer, where)
    if "access_token" in answer.text and answer.status_code == 200:
        bindings.values[f"<session:{exchange['number']}>"] = answer.json()["access_token"]


def test_two_refreshes_at_once_rotate_once(auth: Rig, project: Project) -> None:
    token = auth.sign_up("ann@example.com")["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: auth.refresh(token), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    rows = project.rows("select count(*) from auth.refresh_tokens where parent = %s", token)
    assert rows == [(1,)]


def test_reuse_interval_is_a_setting(project: Project, tmp_path: Path) -> None:
    with auth_server.serve(project, tmp_path, reuse_interval_seconds=0) as rig:
        first = rig.sign_up("reuse@example.com")["refresh_token"]
        second = rig.refresh(first).json()["refresh_token"]
        third = rig.refresh(second).json()["refresh_token"]
        assert code(rig.refresh(first)) == (400, "refresh_token_already_used")
        assert code(rig.refresh(third)) == (400, "refresh_token_already_used")


def test_link_signs_in_once(auth: Rig, project: Project) -> None:
    auth.post("/signup", {"email": "ann@example.com", "password": "correct horse 1"})
    link = auth.link("ann@example.com")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: auth.follow(link), range(4)))
    assert sum("access_token=" in answer.headers["Location"] for answer in answers) == 1
    assert project.rows("select count(*) from auth.sessions") == [(1,)]


def test_looking_at_a_link_does_not_follow_it(auth: Rig) -> None:
    auth.post("/signup", {"email": "ann@example.com", "password": "correct horse 1"})
    link = auth.link("ann@example.com")
    assert auth.http.head(link.raw_path.decode()).status_code == 405
    assert "access_token=" in auth.follow(link).headers["Location"]


def test_link_is_good_for_an_hour(auth: Rig) -> None:
    auth.post("/signup", {"email": "ann@example.com", "password": "correct horse 1"})
    auth.clock.advance(3601)
    assert "error_code=otp_expired" in auth.follow(auth.link("ann@example.com")).headers["Location"]


def test_newer_link_replaces_the_older(auth: Rig) -> None:
    auth.post("/signup", {"email": "ann@example.com", "password": "correct horse 1"})
    older = auth.link("ann@example.com")
    auth.clock.advance(61)
    auth.post("/resend", {"type": "signup", "email": "ann@example.com"})
    assert "otp_expired" in auth.follow(older).headers["Location"]
    assert "access_token" in auth.follow(auth.link("ann@example.com")).headers["Location"]


def test_bad_pkce_link_tells_so_in_the_query_too(auth: Rig) -> None:
    location = auth.http.get(
        f"/auth/v1/verify?token=pkce_abc&type=signup&redirect_to={PAGES_AT}/cb"
    ).headers["Location"]
    assert httpx.URL(location).params["error_code"] == "otp_expired"
    assert "error_code=otp_expired" in location.partition("#")[2]


def test_mails_are_spaced(auth: Rig) -> None:
    body = {"email": "ann@example.com", "password": "correct horse 1"}
    assert auth.post("/signup", body).status_code == 200
    auth.clock.advance(20)
    refused = auth.post("/signup", body)
    assert code(refused) == (429, "over_email_send_rate_limit")
    assert refused.json()["message"].endswith("after 39 seconds.")
    assert len(auth.mail.list()) == 1
    auth.clock.advance(41)
    assert auth.post("/signup", body).status_code == 200
    assert len(auth.mail.list()) == 2


def test_access_token_expires(auth: Rig) -> None:
    session = auth.sign_up("ann@example.com")
    auth.clock.advance(3601)
    refused = auth.call("GET", "/user", bearer=session["access_token"])
    assert code(refused) == (403, "bad_jwt")
    assert "token is expired" in refused.json()["message"]
    fresh = auth.refresh(session["refresh_token"]).json()["access_token"]
    assert auth.call("GET", "/user", bearer=fresh).status_code == 200


@pytest.mark.parametrize("forge", ["key", "algorithm", "part"])
def test_foreign_tokens_are_refused(auth: Rig, tmp_path: Path, forge: str) -> None:
    token = auth.sign_up("ann@example.com")["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = {
        "key": lambda: jwt.encode(
            claims, keys.load(tmp_path / "other.json").user_token_key, "ES256"
        ),
        "algorithm": lambda: jwt.encode(claims, "x" * 32, "HS256"),
        "part": lambda: f"a.{token.split('.', 1)[1]}",
    }[forge]()
    assert code(auth.call("GET", "/user", bearer=forged)) == (403, "bad_jwt")
    service = jwt.encode(claims | {"role": "service_role"}, "x" * 32, "HS256")
    assert code(auth.call("GET", "/admin/users", bearer=service)) == (403, "bad_jwt")


def test_change_of_address_needs_both_links(auth: Rig) -> None:
    session = auth.sign_up("old@example.com")
    changed = auth.call("PUT", "/user", {"email": "New@Example.com"}, session["access_token"])
    assert changed.json()["new_email"] == "new@example.com"
    half = auth.follow(auth.link("new@example.com")).headers["Location"]
    assert "message=Confirmation+link+accepted" in half
    assert code(
        auth.post(
            "/token?grant_type=password",
            {"email": "new@example.com", "password": "correct horse 1"},
        )
    ) == (400, "invalid_credentials")
    whole = auth.follow(auth.link("old@example.com")).headers["Location"]
    assert "access_token=" in whole
    user = auth.sign_in("new@example.com")["user"]
    assert user["email"] == user["user_metadata"]["email"] == "new@example.com"
    assert "new_email" not in user
    assert user["identities"][0]["email"] == "new@example.com"


def test_address_of_another_is_refused(auth: Rig) -> None:
    auth.sign_up("bob@example.com")
    session = auth.sign_up("ann@example.com")
    refused = auth.call("PUT", "/user", {"email": "bob@example.com"}, session["access_token"])
    assert code(refused) == (422, "email_exists")


def test_new_password_ends_the_other_sessions(auth: Rig) -> None:
    first = auth.sign_up("ann@example.com")
    second = auth.sign_in("ann@example.com")
    body = {"password": "another horse 2"}
    assert auth.call("PUT", "/user", body, second["access_token"]).status_code == 200
    assert code(auth.refresh(first["refresh_token"])) == (400, "refresh_token_not_found")
    assert auth.refresh(second["refresh_token"]).status_code == 200
    assert auth.sign_in("ann@example.com", "another horse 2")


def test_reauthentication_mails_a_code(auth: Rig) -> None:
    session = auth.sign_up("ann@example.com")
    answer = auth.call("GET", "/reauthenticate", bearer=session["access_token"])
    assert answer.json() == {}
    subject = str(auth.mail.list()[0].message["Subject"])
    assert subject.partition(" ")[0] in auth.text("ann@example.com")
    second = auth.call("GET", "/reauthenticate", bearer=session["access_token"])
    assert code(second) == (429, "over_email_send_rate_limit")


def test_autoconfirm(project: Project, tmp_path: Path) -> None:
    body = {"email": "auto@example.com", "password": "correct horse 1"}
    with auth_server.serve(project, tmp_path, autoconfirm=True) as rig:
        session = rig.post("/signup", body)
        assert (
            session.headers["Sb-Auth-Refresh-Token-Prefix"] == (session.json()["refresh_token"][:5])
        )
        assert session.json()["user"]["email_confirmed_at"]
        assert code(rig.post("/signup", body)) == (422, "user_already_exists")
        assert rig.mail.list() == []
        assert rig.post("/otp", {"email": "otp@example.com"}).json() == {}
        assert rig.link("otp@example.com").params["type"] == "magiclink"
        assert rig.call("GET", "/settings").json()["mailer_autoconfirm"] is True


def test_passwords_are_stored_hashed(auth: Rig, project: Project) -> None:
    auth.sign_up("ann@example.com", "correct horse 1")
    [(stored,)] = project.rows("select encrypted_password from auth.users")
    assert stored.startswith("scrypt:")
    assert "horse" not in stored


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"email": "a@example.com"}, (400, "validation_failed")),
        ({"email": "a@example.com", "password": "x" * 73}, (400, "validation_failed")),
        ({"email": "a@example.com", "password": "é" * 40}, (400, "validation_failed")),
        ({"email": f"{'a' * 250}@example.com", "password": "x" * 8}, (400, "validation_failed")),
        ({"email": "a b@example.com", "password": "x" * 8}, (400, "validation_failed")),
        ({"email": "a@example.com\n", "password": "x" * 8}, (400, "validation_failed")),
        ({"email": "a@b.c", "phone": "1", "password": "x" * 8}, (400, "validation_failed")),
        ({"phone": "+4312345", "password": "x" * 8}, (400, "phone_provider_disabled")),
        (
            {"email": "a@b.c", "password": "x" * 8, "code_challenge": "x" * 43},
            (400, "validation_failed"),
        ),
    ],
)
def test_bad_sign_ups(auth: Rig, body: dict[str, str], refusal: tuple[int, str]) -> None:
    assert code(auth.post("/signup", body)) == refusal
    assert auth.mail.list() == []


ROUTES = [
    ("POST", "/signup"),
    ("POST", "/token?grant_type=password"),
    ("POST", "/token?grant_type=refresh_token"),
    ("POST", "/token?grant_type=pkce"),
    ("POST", "/verify"),
    ("POST", "/recover"),
    ("POST", "/otp"),
    ("POST", "/resend"),
    ("PUT", "/user"),
    ("POST", "/invite"),
    ("POST", "/admin/users"),
    ("POST", "/admin/generate_link"),
]
BODIES = [
    b"", b"{", b"[]", b"3", b'"x"', b"null", b"\xff", b'{"email":1,"token":1,"type":1}',
    b'{"email":{},"refresh_token":[],"auth_code":{},"type":[],"data":3}',
    b'{"email":"a@example.com","type":"signup","password":"\\u0000xxxxxxxx","token":"\\u0000",'
    b'"refresh_token":"\\u0000aaaaaaaaaaaa","auth_code":"\\u0000","code_verifier":"x",'
    b'"data":{"x":"\\u0000"},"user_metadata":{"x":"\\u0000"}}',
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_bad_bodies(auth: Rig, method: str, path: str) -> None:
    user = auth.sign_up("user@example.com")["access_token"]
    bearer = auth.keys.secret if path.startswith(("/admin", "/invite")) else user
    for body in BODIES:
        for version in ({}, auth_server.VERSION):
            answer = auth.http.request(
                method,
                f"/auth/v1{path}",
                content=body,
                headers={"Authorization": f"Bearer {bearer}"} | version,
            )
            # jsonb and text can not hold U+0000: the real server fails on it as well.
            expected = (400, 500) if b"u0000" in body else (400, 422)
            assert answer.status_code in (*expected, 200, 403), (body, answer.text)
            if answer.status_code == 500:
                assert "u0000" not in answer.text


@pytest.mark.parametrize("local", ["a'b", "..", "!#$%&'*+/=?^_`{|}~-", "x" * 64, "a.", "=?x?="])
def test_odd_addresses_get_their_mail(auth: Rig, local: str) -> None:
    email = f"{local}@example.com"
    assert auth.post("/signup", {"email": email, "password": "x" * 8}).status_code == 200
    [mail] = auth.mail.list()
    assert mail.message["To"] == email
    assert b"/verify?token=" in (auth.folder / f"{mail.id}.eml").read_bytes()


def test_body_too_large(auth: Rig) -> None:
    answer = auth.post("/signup", {"email": "a@example.com", "password": "x" * 2_000_000})
    assert code(answer) == (413, "request_entity_too_large")


def test_wrong_method(auth: Rig) -> None:
    assert auth.http.delete("/auth/v1/signup").status_code == 405


@pytest.mark.parametrize("version", ["", "soon", "2023-12-31", "2024-13-01"])
def test_other_api_versions_get_the_first_error_shape(auth: Rig, version: str) -> None:
    headers = {"X-Supabase-Api-Version": version}
    answer = auth.http.get("/auth/v1/user", headers=headers)
    assert answer.json()["error_code"] == "no_authorization"
    assert "X-Supabase-Api-Version" not in answer.headers


def test_later_api_version_gets_the_newest_error_shape(auth: Rig) -> None:
    answer = auth.http.get("/auth/v1/user", headers={"X-Supabase-Api-Version": "2026-01-01"})
    assert answer.json()["code"] == "no_authorization"
    assert answer.headers["X-Supabase-Api-Version"] == "2024-01-01"


def test_preflight_for_its_own_headers(auth: Rig) -> None:
    headers = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = auth.http.options("/auth/v1/token", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
