"""What the server-side key does with users, in the stand-in for Supabase Auth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from tests.rigs.supabase.auth_server import Project, Rig, code


def test_server_key_alone_in_apikey_is_admin(auth: Rig) -> None:
    answer = auth.call("GET", "/admin/users", apikey=auth.keys.secret)
    assert answer.status_code == 200


def test_admin_pages_and_filters(auth: Rig) -> None:
    for name in ("a", "b", "c"):
        auth.post("/admin/users", {"email": f"{name}@example.com"}, auth.keys.secret)
    page = auth.call("GET", "/admin/users?page=2&per_page=2", bearer=auth.keys.secret)
    assert [user["email"] for user in page.json()["users"]] == ["a@example.com"]
    assert page.headers["Link"] == '</admin/users?page=2&per_page=2>; rel="last"'
    body = auth.call("GET", "/admin/users?filter=B%40EX", bearer=auth.keys.secret).json()
    assert [user["email"] for user in body["users"]] == ["b@example.com"]
    assert auth.call("GET", "/admin/users?filter=%25", bearer=auth.keys.secret).json()[
        "users"
    ] == []  # fmt: skip
    for bad in ("0", "-1", "x", "9" * 30):
        refused = auth.call("GET", f"/admin/users?page={bad}", bearer=auth.keys.secret)
        assert code(refused) == (400, "validation_failed")


def test_admin_update(auth: Rig) -> None:
    session = auth.sign_up("ann@example.com")
    path = f"/admin/users/{session['user']['id']}"
    body = {
        "email": "anna@example.com",
        "password": "another horse 2",
        "user_metadata": {"name": "Anna"},
        "role": "editor",
    }
    user = auth.call("PUT", path, body, auth.keys.secret).json()
    assert user["email"] == user["identities"][0]["email"] == "anna@example.com"
    assert (user["user_metadata"]["name"], user["role"]) == ("Anna", "editor")
    assert code(auth.refresh(session["refresh_token"])) == (400, "refresh_token_not_found")
    claims = jwt.decode(
        auth.sign_in("anna@example.com", "another horse 2")["access_token"],
        options={"verify_signature": False},
    )
    assert (claims["role"], claims["user_metadata"]["name"]) == ("editor", "Anna")


def test_admin_update_refuses(auth: Rig) -> None:
    auth.sign_up("bob@example.com")
    path = f"/admin/users/{auth.sign_up('ann@example.com')['user']['id']}"
    for body, refusal in [
        ({"email": "bob@example.com"}, (422, "email_exists")),
        ({"password": "abc"}, (422, "weak_password")),
        ({"ban_duration": "a while"}, (400, "validation_failed")),
        ({"ban_duration": "9999999999999999h"}, (400, "validation_failed")),
        ({"email": "bob"}, (400, "validation_failed")),
    ]:
        assert code(auth.call("PUT", path, body, auth.keys.secret)) == refusal


def test_ban_holds_until_it_ends(auth: Rig) -> None:
    session = auth.sign_up("ann@example.com")
    path = f"/admin/users/{session['user']['id']}"
    auth.call("PUT", path, {"ban_duration": "1h30m"}, auth.keys.secret)
    assert code(auth.refresh(session["refresh_token"])) == (400, "user_banned")
    auth.clock.advance(5401)
    assert auth.refresh(session["refresh_token"]).status_code == 200


def test_soft_deletion_frees_the_address(auth: Rig, project: Project) -> None:
    session = auth.sign_up("ann@example.com")
    path = f"/admin/users/{session['user']['id']}"
    auth.call("DELETE", path, {"should_soft_delete": True}, auth.keys.secret)
    assert code(auth.refresh(session["refresh_token"])) == (400, "refresh_token_not_found")
    assert auth.sign_up("ann@example.com")["user"]["id"] != session["user"]["id"]
    [(rows,)] = project.rows("select email from auth.users where deleted_at is not null")
    assert "ann" not in rows


def test_deletion_removes_everything(auth: Rig, project: Project) -> None:
    session = auth.sign_up("ann@example.com")
    auth.post("/recover", {"email": "ann@example.com"})
    path = f"/admin/users/{session['user']['id']}"
    assert auth.call("DELETE", path, bearer=auth.keys.secret).json() == {}
    for (count,) in project.rows(
        "select count(*) from auth.identities union all select count(*) from auth.sessions"
        " union all select count(*) from auth.refresh_tokens"
        " union all select count(*) from auth.one_time_tokens"
    ):
        assert count == 0


def test_generated_links_work(auth: Rig) -> None:
    auth.sign_up("ann@example.com")

    def link(**body: str) -> dict[str, Any]:
        answer = auth.post("/admin/generate_link", body, auth.keys.secret)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    for kind in ("magiclink", "recovery"):
        result = link(type=kind, email="ann@example.com")
        assert f"type={kind}" in auth.follow(httpx.URL(result["action_link"])).headers["Location"]
    by_code = link(type="magiclink", email="ann@example.com")
    body = {"type": "email", "email": "ann@example.com", "token": by_code["email_otp"]}
    assert auth.post("/verify", body).status_code == 200
    assert code(auth.post("/verify", body)) == (403, "otp_expired")
    new = link(type="magiclink", email="new@example.com")
    assert new["verification_type"] == "signup"
    for kind in ("email_change_current", "email_change_new"):
        result = link(type=kind, email="ann@example.com", new_email="anna@example.com")
        assert result["verification_type"] == kind


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"type": "recovery", "email": "nobody@example.com"}, (404, "user_not_found")),
        ({"type": "foo", "email": "ann@example.com"}, (400, "validation_failed")),
        ({"type": "signup", "email": "new@example.com"}, (400, "validation_failed")),
        (
            {"type": "signup", "email": "ann@example.com", "password": "x" * 8},
            (422, "email_exists"),
        ),
        ({"type": "invite", "email": "ann@example.com"}, (422, "email_exists")),
        ({"type": "email_change_new", "email": "ann@example.com"}, (400, "validation_failed")),
    ],
)
def test_generate_link_refuses(auth: Rig, body: dict[str, str], refusal: tuple[int, str]) -> None:
    auth.sign_up("ann@example.com")
    assert code(auth.post("/admin/generate_link", body, auth.keys.secret)) == refusal


def test_invitation_signs_in(auth: Rig) -> None:
    auth.post("/invite", {"email": "inv@example.com"}, auth.keys.secret)
    location = auth.follow(auth.link("inv@example.com")).headers["Location"]
    token = dict(httpx.QueryParams(location.partition("#")[2]))["access_token"]
    user = auth.call("GET", "/user", bearer=token).json()
    assert user["email"] == "inv@example.com"
    assert user["email_confirmed_at"]


@pytest.mark.parametrize(
    "call",
    [
        lambda rig: rig.post("/admin/users", {"email": "x@example.com"}, rig.keys.publishable),
        lambda rig: rig.post("/invite", {"email": "x@example.com"}, rig.keys.publishable),
        lambda rig: rig.post("/admin/generate_link", {}, rig.keys.publishable),
    ],
)
def test_publishable_key_is_no_admin(auth: Rig, call: Callable[[Rig], httpx.Response]) -> None:
    assert code(call(auth)) == (403, "not_admin")
