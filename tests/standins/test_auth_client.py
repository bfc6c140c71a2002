"""The stock Python client drives the stand-in for Supabase Auth."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from standins.supabase.auth.timestamps import utc_now
from supabase import Client, ClientOptions, create_client
from tests.rigs.supabase import auth_server
from tests.rigs.supabase.auth_server import Rig

PASSWORD = "correct horse 1"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("auth")
    options = {"mail_interval_seconds": 0, "clock": utc_now}
    with (
        auth_server.project(folder) as project,
        auth_server.serve(project, folder / "mail", **options) as served,
    ):
        yield served


@pytest.fixture
def client(rig: Rig) -> Client:
    """A client as a site has it."""
    return connect(rig, rig.keys.publishable, flow_type="implicit")


@pytest.fixture
def admin(rig: Rig) -> Client:
    """A client as a server has it."""
    return connect(rig, rig.keys.secret)


@pytest.fixture
def email() -> str:
    """An address of nobody yet."""
    return f"{uuid.uuid4()}@example.com"


def connect(rig: Rig, key: str, **options: object) -> Client:
    return create_client(
        rig.url,
        key,
        ClientOptions(auto_refresh_token=False, persist_session=False, **options),  # type: ignore[arg-type]
    )


def sign_up(rig: Rig, client: Client, email: str) -> None:
    """Sign up, follow the mailed link, sign in."""
    client.auth.sign_up({"email": email, "password": PASSWORD})
    rig.follow(rig.link(email))
    client.auth.sign_in_with_password({"email": email, "password": PASSWORD})


def refusal(error: pytest.ExceptionInfo[AuthApiError]) -> tuple[int, str | None]:
    return error.value.status, error.value.code


def test_sign_up_confirm_sign_in_and_read(rig: Rig, client: Client, email: str) -> None:
    result = client.auth.sign_up(
        {
            "email": email,
            "password": PASSWORD,
            "options": {
                "data": {"name": "Ann", "over_13": True},
                "email_redirect_to": "http://127.0.0.1:3000/welcome",
            },
        }
    )
    assert result.session is None
    assert result.user
    assert result.user.user_metadata["over_13"] is True
    with pytest.raises(AuthApiError) as error:
        client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert refusal(error) == (400, "email_not_confirmed")
    location = rig.follow(rig.link(email)).headers["Location"]
    assert location.startswith("http://127.0.0.1:3000/welcome#access_token=")
    signed_in = client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert signed_in.session
    read = client.auth.get_user()
    assert read
    assert read.user.user_metadata["name"] == "Ann"
    assert read.user.id == result.user.id


@pytest.mark.parametrize("flow", ["implicit", "pkce"])
def test_verification_by_hash(rig: Rig, email: str, flow: str) -> None:
    client = connect(rig, rig.keys.publishable, flow_type=flow)
    client.auth.sign_up({"email": email, "password": PASSWORD})
    hashed = rig.link(email).params["token"]
    verified = client.auth.verify_otp({"token_hash": hashed, "type": "email"})
    assert verified.session
    assert verified.user
    assert verified.user.email_confirmed_at


def test_tokens_verify_with_the_served_keys(rig: Rig, client: Client, email: str) -> None:
    sign_up(rig, client, email)
    session = client.auth.get_session()
    assert session
    issuer = f"{rig.url}/auth/v1"
    key = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json").get_signing_key_from_jwt(
        session.access_token
    )
    assert jwt.get_unverified_header(session.access_token) == {
        "alg": "ES256",
        "kid": rig.keys.user_token_kid,
        "typ": "JWT",
    }
    claims = jwt.decode(
        session.access_token,
        key.key,
        algorithms=["ES256"],
        audience="authenticated",
        issuer=issuer,
        options={"require": ["exp", "iat", "sub", "session_id"]},
    )
    assert claims["sub"] == session.user.id
    assert (claims["email"], claims["role"], claims["aal"]) == (email, "authenticated", "aal1")
    assert claims["amr"][0]["method"] == "password"
    own = client.auth.get_claims(session.access_token)
    assert own
    assert own["claims"]["sub"] == session.user.id


def test_refresh(rig: Rig, client: Client, email: str) -> None:
    sign_up(rig, client, email)
    first = client.auth.get_session()
    second = client.auth.refresh_session().session
    assert first
    assert second
    assert second.refresh_token != first.refresh_token
    assert second.user.id == first.user.id


def test_update_of_metadata_and_password(rig: Rig, client: Client, email: str) -> None:
    sign_up(rig, client, email)
    updated = client.auth.update_user({"data": {"name": "Anna"}})
    assert updated.user.user_metadata["name"] == "Anna"
    client.auth.update_user({"password": "another horse 2"})
    client.auth.sign_out()
    with pytest.raises(AuthApiError) as error:
        client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert refusal(error) == (400, "invalid_credentials")
    assert client.auth.sign_in_with_password({"email": email, "password": "another horse 2"}).user


def test_weak_password(client: Client, email: str) -> None:
    with pytest.raises(AuthWeakPasswordError) as error:
        client.auth.sign_up({"email": email, "password": "abc"})
    assert error.value.reasons == ["length"]


def test_reset_of_password(rig: Rig, client: Client, email: str) -> None:
    sign_up(rig, client, email)
    client.auth.sign_out()
    options = {"redirect_to": "http://127.0.0.1:3000/reset"}
    client.auth.reset_password_for_email(email, options)  # type: ignore[arg-type]
    location = httpx.URL(rig.follow(rig.link(email)).headers["Location"])
    values = dict(httpx.QueryParams(location.fragment))
    assert (location.path, values["type"]) == ("/reset", "recovery")
    client.auth.set_session(values["access_token"], values["refresh_token"])
    client.auth.update_user({"password": "another horse 2"})
    assert client.auth.sign_in_with_password({"email": email, "password": "another horse 2"}).user


def test_magic_link_of_someone_new(rig: Rig, client: Client, email: str) -> None:
    client.auth.sign_in_with_otp({"email": email, "options": {"data": {"name": "Ann"}}})
    hashed = rig.link(email).params["token"]
    verified = client.auth.verify_otp({"token_hash": hashed, "type": "email"})
    assert verified.user
    assert verified.user.user_metadata["name"] == "Ann"


def test_pkce(rig: Rig, email: str) -> None:
    client = connect(rig, rig.keys.publishable)  # PKCE is its default
    client.auth.sign_up({"email": email, "password": PASSWORD})
    code = httpx.URL(rig.follow(rig.link(email)).headers["Location"]).params["code"]
    # The client reads the verifier that it has kept.
    exchanged = client.auth.exchange_code_for_session({"auth_code": code})
    assert exchanged.session
    assert exchanged.user
    assert exchanged.user.email == email


@pytest.mark.parametrize(
    ("scope", "first_lives", "second_lives"),
    [("local", False, True), ("others", True, False), ("global", False, False)],
)
def test_sign_out(
    rig: Rig, client: Client, email: str, scope: str, first_lives: bool, second_lives: bool
) -> None:
    sign_up(rig, client, email)
    other = connect(rig, rig.keys.publishable)
    other.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    remaining = client.auth.get_session()
    assert remaining
    client.auth.sign_out({"scope": scope})  # type: ignore[arg-type]
    assert _lives(rig, remaining.refresh_token) is first_lives
    others = other.auth.get_session()
    assert others
    assert _lives(rig, others.refresh_token) is second_lives


def _lives(rig: Rig, refresh_token: str) -> bool:
    return rig.refresh(refresh_token).status_code == 200


def test_admin_creates_lists_changes_and_deletes(admin: Client, client: Client, email: str) -> None:
    people = admin.auth.admin
    result = people.create_user(
        {
            "email": email,
            "password": PASSWORD,
            "email_confirm": True,
            "user_metadata": {"name": "Bob"},
            "app_metadata": {"plan": "pro"},
        }
    ).user
    assert result.app_metadata == {"plan": "pro", "provider": "email", "providers": ["email"]}
    assert email in [user.email for user in people.list_users(page=1, per_page=1)]
    assert people.get_user_by_id(result.id).user.user_metadata["name"] == "Bob"
    assert client.auth.sign_in_with_password({"email": email, "password": PASSWORD}).user
    people.update_user_by_id(result.id, {"ban_duration": "24h"})
    with pytest.raises(AuthApiError) as error:
        client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert refusal(error) == (400, "user_banned")
    people.delete_user(result.id)
    with pytest.raises(AuthApiError) as error:
        people.get_user_by_id(result.id)
    assert refusal(error) == (404, "user_not_found")
    with pytest.raises(AuthApiError) as error:
        client.auth.get_user()
    assert refusal(error) == (403, "user_not_found")


def test_admin_makes_links_and_invites(rig: Rig, admin: Client, client: Client, email: str) -> None:
    link = admin.auth.admin.generate_link(
        {
            "type": "signup",
            "email": email,
            "password": PASSWORD,
            "options": {"redirect_to": "http://127.0.0.1:3000/in"},
        }
    )
    assert link.properties.redirect_to == "http://127.0.0.1:3000/in"
    verified = client.auth.verify_otp(
        {"email": email, "token": link.properties.email_otp, "type": "signup"}
    )
    assert verified.session
    invited = f"invited-{email}"
    admin.auth.admin.invite_user_by_email(invited, {"data": {"by": "ann"}})
    assert rig.link(invited).params["type"] == "invite"


def test_site_may_not_do_what_a_server_may(client: Client) -> None:
    with pytest.raises(AuthApiError) as error:
        client.auth.admin.list_users()
    assert refusal(error) == (403, "not_admin")
