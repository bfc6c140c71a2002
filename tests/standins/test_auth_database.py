"""The schema `auth`: hosted migrations, triggers on users, the hook before a user is created."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from local import migrate
from standins.mail import MailSink
from standins.supabase import BOOTSTRAP, auth
from tests.rigs.supabase import auth_server
from tests.rigs.supabase.auth_server import Project, Rig

HOOK = "public.before_user_created"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with auth_server.project(tmp_path_factory.mktemp("auth")) as running:
        migrate.migrate(running.postgres_url)
        yield running


@pytest.fixture(scope="module")
def rig(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with auth_server.serve(project, tmp_path_factory.mktemp("mail")) as served:
        yield served


@pytest.fixture(scope="module")
def hooked(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Auth with a hook, whose function a test has to make."""
    folder = tmp_path_factory.mktemp("mail")
    with auth_server.serve(project, folder, before_user_created_hook=HOOK) as served:
        yield served


@pytest.fixture
def sign_up() -> dict[str, Any]:
    """A new person's sign-up."""
    return {
        "email": f"{uuid.uuid4()}@example.com",
        "password": "correct horse 1",
        "data": {"name": "Ann", "over_13": True},
    }


def left_behind(project: Project, email: str) -> int:
    """How many rows there are of an address."""
    [(count,)] = project.rows(
        "select (select count(*) from auth.users where email = %s)"
        " + (select count(*) from auth.identities where email = %s)"
        " + (select count(*) from app.accounts where email = %s)",
        email,
        email,
        email,
    )
    return int(count)


def trigger(project: Project, body: LiteralString, rights: LiteralString = "") -> None:
    """Run PL/pgSQL at each insert of a user."""
    project.rows(
        "create or replace function public.at_sign_up() returns trigger language plpgsql "
        + rights
        + " as $$ begin "
        + body
        + " return new; end $$"
    )
    project.rows(
        "create trigger at_sign_up after insert on auth.users"
        " for each row execute function public.at_sign_up()"
    )


@pytest.fixture
def no_trigger(project: Project) -> Iterator[None]:
    """Remove the trigger afterwards."""
    yield
    project.rows("drop trigger if exists at_sign_up on auth.users")


def hook(project: Project, body: LiteralString) -> None:
    """Make the hook's function, with the grants that hosted Supabase asks for."""
    project.rows(
        "create or replace function public.before_user_created(event jsonb) returns jsonb"
        " language plpgsql as $$ begin " + body + " end $$"
    )
    project.rows("grant execute on function public.before_user_created to supabase_auth_admin")


def test_migration_gives_a_new_person_an_account(
    rig: Rig, project: Project, sign_up: dict[str, Any]
) -> None:
    user = rig.post("/signup", sign_up).json()
    rows = project.rows("select id::text, email, name from app.accounts where id = %s", user["id"])
    assert rows == [(user["id"], sign_up["email"], "Ann")]


def test_next_start_keeps_everything(rig: Rig, project: Project, sign_up: dict[str, Any]) -> None:
    rig.post("/signup", sign_up)
    with psycopg.connect(project.postgres_url, autocommit=True) as connection:
        for script in BOOTSTRAP:
            connection.execute(script.read_text().encode())
    assert left_behind(project, sign_up["email"]) == 3


def test_nobody_else_reads_the_schema(project: Project) -> None:
    for role in ("anon", "authenticated", "service_role"):
        for table in ("users", "sessions", "refresh_tokens", "one_time_tokens"):
            with (
                psycopg.connect(project.postgres_url) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(f"set role {role}".encode())
                connection.execute(f"select from auth.{table}".encode())


@pytest.mark.usefixtures("no_trigger")
def test_trigger_that_raises_leaves_nothing(
    rig: Rig, project: Project, sign_up: dict[str, Any]
) -> None:
    trigger(project, "raise exception 'no more people' using hint = 'come back later';")
    answer = rig.post("/signup", sign_up)
    assert answer.status_code == 500
    assert answer.json() == {
        "code": "unexpected_failure",
        "message": "Database error saving new user",
    }
    plain = rig.http.post("/auth/v1/signup", json=sign_up)
    assert plain.status_code == 500
    assert plain.json() == {
        "code": "P0001",
        "message": "no more people",
        "hint": "come back later",
    }
    created = rig.post("/admin/users", {"email": sign_up["email"]}, rig.keys.secret)
    assert created.json()["message"] == "Database error creating new user"
    assert left_behind(project, sign_up["email"]) == 0
    with pytest.raises(AssertionError, match="no mail"):
        rig.text(sign_up["email"])


@pytest.mark.usefixtures("no_trigger")
def test_trigger_chooses_the_status(rig: Rig, project: Project, sign_up: dict[str, Any]) -> None:
    trigger(project, "raise exception 'full' using errcode = 'PT402';")
    answer = rig.http.post("/auth/v1/signup", json=sign_up)
    assert (answer.status_code, answer.json()["message"]) == (402, "full")


@pytest.mark.usefixtures("no_trigger")
def test_trigger_without_rights_fails_as_hosted(
    rig: Rig, project: Project, sign_up: dict[str, Any]
) -> None:
    trigger(project, "update app.accounts set name = 'x' where id = new.id;")
    answer = rig.http.post("/auth/v1/signup", json=sign_up)
    assert answer.status_code == 500
    assert answer.json()["error_code"] == "unexpected_failure"
    assert answer.json()["error_id"]
    assert left_behind(project, sign_up["email"]) == 0


def test_hook_gets_the_documented_event(
    hooked: Rig, project: Project, sign_up: dict[str, Any]
) -> None:
    project.rows("create table if not exists public.events (event jsonb)")
    project.rows("grant insert on public.events to supabase_auth_admin")
    hook(project, "insert into public.events values (event); return '{}';")
    user = hooked.post("/signup", sign_up).json()
    [(event,)] = project.rows("select event from public.events")
    assert set(event) == {"metadata", "user"}
    assert set(event["metadata"]) == {"uuid", "time", "name", "ip_address"}
    assert event["metadata"]["name"] == "before-user-created"
    assert event["metadata"]["ip_address"] == "127.0.0.1"
    assert event["user"]["id"] == user["id"]
    assert event["user"]["email"] == sign_up["email"]
    assert event["user"]["user_metadata"] == {"name": "Ann", "over_13": True}
    assert event["user"]["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert "password" not in str(event)


def test_hook_refuses(hooked: Rig, project: Project, sign_up: dict[str, Any]) -> None:
    hook(
        project,
        "return jsonb_build_object('error', jsonb_build_object("
        "'http_code', 403, 'message', 'Sign-ups are closed.'));",
    )
    answer = hooked.post("/signup", sign_up)
    assert answer.status_code == 403
    assert answer.json() == {"code": "unknown", "message": "Sign-ups are closed."}
    plain = hooked.http.post("/auth/v1/signup", json=sign_up)
    assert plain.json() == {"code": 403, "error_code": "unknown", "msg": "Sign-ups are closed."}
    assert hooked.post("/otp", {"email": sign_up["email"]}).status_code == 403
    body: dict[str, Any] = {"email": sign_up["email"]}
    assert hooked.post("/invite", body, hooked.keys.secret).status_code == 403
    assert left_behind(project, sign_up["email"]) == 0
    # The hook does not run for users that the server makes.
    body |= {"user_metadata": {"over_13": True}}
    assert hooked.post("/admin/users", body, hooked.keys.secret).status_code == 200


@pytest.mark.parametrize("body", ["raise exception 'secret inside';", "perform pg_sleep(60);"])
def test_hook_that_fails(
    hooked: Rig, project: Project, sign_up: dict[str, Any], body: LiteralString
) -> None:
    hook(project, body)
    answer = hooked.post("/signup", sign_up)
    assert answer.status_code == 500
    assert answer.json() == {
        "code": "unexpected_failure",
        "message": "Error running hook URI: pg-functions://postgres/public/before_user_created",
    }
    assert left_behind(project, sign_up["email"]) == 0


@pytest.mark.parametrize("name", ["", "hook", "a.b.c", 'public."x"', "public.x(); drop"])
def test_hook_needs_a_name(rig: Rig, tmp_path: Path, name: str) -> None:
    refused: AbstractContextManager[object] = pytest.raises(ValueError, match=r"schema\.function")
    with refused:
        auth.create_app(
            postgres_url="",
            keys=rig.keys,
            public_url="",
            site_url="",
            mail=MailSink(tmp_path),
            before_user_created_hook=name,
        )
