"""What keeps accounts apart: the catalog's grants, roles, keys, tokens, comparisons."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from psycopg import sql

from lib.accounts import keys
from lib.platform.settings import read_project
from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account, Person, supabase_client
from tests.rigs.people import fresh_address
from tests.rigs.waiting import eventually

ROOT = Path(__file__).parents[2]
OURS = ("app", "pgmq")
PUBLIC_ROLES = ("anon", "authenticated")


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        yield connection


def rows(
    database: psycopg.Connection, statement: LiteralString, *values: Any
) -> list[tuple[Any, ...]]:
    return database.execute(statement, values).fetchall()


RELATIONS: LiteralString = """
    select n.nspname || '.' || c.relname, c.relkind from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any(%s) and c.relkind = any(%s) order by 1
"""


def test_every_table_of_ours_has_row_level_security(database: psycopg.Connection) -> None:
    tables = rows(
        database,
        """
        select c.relname, c.relrowsecurity from pg_class c
         where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p')
        """,
    )
    assert len(tables) > 15
    assert [name for name, on in tables if not on] == []
    # A policy would open what row level security shuts.
    assert rows(database, "select tablename, policyname from pg_policies where schemaname = 'app'"
                ) == []  # fmt: skip


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_nothing_is_granted_to_the_public_roles(database: psycopg.Connection, role: str) -> None:
    result = []
    for name, _ in rows(database, RELATIONS, list(OURS), ["r", "p", "v", "m", "f"]):
        for privilege in ("select", "insert", "update", "delete", "truncate", "references",
                          "trigger"):  # fmt: skip
            [(may,)] = rows(database, "select has_table_privilege(%s, %s, %s)", role, name,
                            privilege)  # fmt: skip
            result += [(name, privilege)] if may else []
    for name, _ in rows(database, RELATIONS, list(OURS), ["S"]):
        for privilege in ("usage", "select", "update"):
            [(may,)] = rows(database, "select has_sequence_privilege(%s, %s, %s)", role, name,
                            privilege)  # fmt: skip
            result += [(name, privilege)] if may else []
    assert result == []


@pytest.mark.parametrize("role", [*PUBLIC_ROLES, "public"])
def test_no_function_of_ours_can_be_called(database: psycopg.Connection, role: str) -> None:
    callable_by = [
        name
        for name, public, by_role in rows(
            database,
            """
            select p.oid::regprocedure::text,
                   p.proacl is null or exists (
                     select from aclexplode(p.proacl) a where a.grantee = 0),
                   %s <> 'public' and has_function_privilege(
                     case when %s = 'public' then 'anon' else %s end, p.oid, 'execute')
              from pg_proc p where p.pronamespace = 'app'::regnamespace
            """,
            role,
            role,
            role,
        )
        if public or by_role
    ]
    assert callable_by == []


def test_security_definers_are_few_and_bound(database: psycopg.Connection) -> None:
    """Only triggers on auth.users, which run as Auth's role, and none with a free search path."""
    records = rows(
        database,
        """
        select proname, prorettype = 'trigger'::regtype, 'search_path=""' = any(proconfig)
          from pg_proc
         where pronamespace = any(array['app', 'public']::regnamespace[]) and prosecdef
        """,
    )
    assert {name for name, _, _ in records} >= {"open_account", "follow_user", "close_account"}
    assert all(trigger and bound for _, trigger, bound in records), records


def test_what_comes_later_is_shut_too(database: psycopg.Connection) -> None:
    """A table made without a thought grants nothing, and the schemas can't be entered."""
    for role in PUBLIC_ROLES:
        for schema in OURS:
            [(may,)] = rows(database, "select has_schema_privilege(%s, %s, 'usage')", role, schema)
            assert not may, (role, schema)
    with database.transaction(force_rollback=True):
        database.execute("create table app.thoughtless (id int)")
        for role in PUBLIC_ROLES:
            [(may,)] = rows(
                database, "select has_table_privilege(%s, 'app.thoughtless', 'select')", role
            )
            assert not may


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_the_public_roles_read_nothing(database: psycopg.Connection, role: str) -> None:
    names = [name for name, _ in rows(database, RELATIONS, list(OURS), ["r", "p", "v", "m"])]
    assert "app.accounts" in names
    for name in names:
        with database.transaction(force_rollback=True):
            database.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database.execute(sql.SQL("select * from {} limit 1").format(_identifier(name)))


def _identifier(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split(".", 1))


@pytest.mark.parametrize("path", ["accounts", "api_keys", "jobs", "rpc/create_job", "usage", ""])
def test_the_rest_surface_gives_nothing(stack: Stack, person: Person, path: str) -> None:
    key = stack.settings["SUPABASE_PUBLISHABLE_KEY"]
    for token in (key, person.token):
        for profile in ("public", "app"):
            answer = httpx.get(
                f"{stack.settings['SUPABASE_URL']}/rest/v1/{path}",
                headers={"apikey": key, "Authorization": f"Bearer {token}",
                         "Accept-Profile": profile},
                trust_env=False,
            )  # fmt: skip
            assert answer.status_code >= 400 or answer.json() == [], answer.text


def test_another_s_token_reads_no_file(
    stack: Stack, person: Person, account: Account, clip: Path
) -> None:
    job = account.wait(account.create(account.upload(clip), "mp3"))
    bucket, _, name = job["output_url"].removeprefix("gs://").partition("/")
    key = stack.settings["SUPABASE_PUBLISHABLE_KEY"]
    base = f"{stack.settings['SUPABASE_URL']}/storage/v1"
    for token in (key, person.token):
        headers = {"apikey": key, "Authorization": f"Bearer {token}"}
        for path in (f"object/{bucket}/{name}", f"object/authenticated/{bucket}/{name}",
                     f"object/public/{bucket}/{name}"):  # fmt: skip
            answer = httpx.get(f"{base}/{path}", headers=headers, trust_env=False)
            assert answer.status_code >= 400, (path, answer.status_code)
        listed = httpx.post(
            f"{base}/object/list/{bucket}",
            headers=headers,
            json={"prefix": name.partition("/")[0], "limit": 10},
            trust_env=False,
        )
        assert listed.status_code >= 400 or listed.json() == [], listed.text
        removed = httpx.request(
            "DELETE", f"{base}/object/{bucket}/{name}", headers=headers, trust_env=False
        )
        assert removed.status_code >= 400
    assert account.download(job["id"])


def test_keys_are_nowhere_but_as_hashes(
    stack: Stack, database: psycopg.Connection, account: Account
) -> None:
    account.http.get("/v1/transcodes")
    httpx.get(f"{stack.url}/v1/transcodes?api_key={account.key}", trust_env=False)
    last = httpx.get(f"{stack.url}/{account.key}", trust_env=False).headers["X-Request-Id"]
    recorded = "select 1 from app.request_log where request_id = %s"
    eventually(lambda: rows(database, recorded, last))
    for name, _ in rows(database, RELATIONS, ["app", "pgmq", "auth", "storage"], ["r", "p"]):
        statement = sql.SQL("select count(*) from {} t where strpos(t::text, %s) > 0")
        [(count,)] = database.execute(
            statement.format(_identifier(name)), [account.key[8:]]
        ).fetchall()
        assert count == 0, name
    [(stored,)] = rows(
        database, "select count(*) from app.api_keys where hash = %s", keys.digest(account.key)
    )
    assert stored == 1
    assert account.key[8:] not in (stack.folder / "log.jsonl").read_text()


SECRETS = ("secret", "signature", "digest", "hash", "token", "credential", "password", "api_key")


def test_secrets_are_compared_in_constant_time() -> None:
    """No `==` on anything that is named as a secret, anywhere in the product."""
    faults, places = [], set()
    for path in [*(ROOT / "lib").rglob("*.py"), *(ROOT / "api").rglob("*.py")]:
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "compare_digest":
                places.add(name)
            if isinstance(node, ast.Compare) and any(
                isinstance(operator, (ast.Eq, ast.NotEq)) for operator in node.ops
            ):
                sides = [node.left, *node.comparators]
                if any(_secret(side) for side in sides):
                    faults.append(f"{name}:{node.lineno} {ast.unparse(node)}")
    assert faults == []
    assert places >= {"lib/http/auth.py", "lib/files/links.py"}


def _secret(node: ast.expr) -> bool:
    """Whether an operand's own name says that it is a secret; calls such as len(…) are not one."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return any(word in name.lower() for word in SECRETS) and not name.isupper()


@pytest.mark.parametrize("softly", [False, True])
def test_a_deleted_person_s_token_and_keys_stop_at_once(
    stack: Stack, person: Person, softly: bool
) -> None:
    key = person.http.post("/v1/api-keys", json={}).json()["key"]
    secret = stack.settings["SUPABASE_SECRET_KEY"]
    httpx.request(
        "DELETE",
        f"{stack.settings['SUPABASE_URL']}/auth/v1/admin/users/{person.id}",
        headers={"apikey": secret, "Authorization": f"Bearer {secret}"},
        json={"should_soft_delete": softly},
        trust_env=False,
    ).raise_for_status()
    for credential in (person.token, key):
        with api_client.connect(stack.url, credential) as client:
            assert client.get("/v1/account").status_code == 401
    session = person.client.auth.get_session()
    assert session is not None
    with pytest.raises(Exception, match=r"[Rr]efresh|[Uu]ser|[Ss]ession"):
        supabase_client(stack).auth.refresh_session(session.refresh_token)


def test_the_operator_s_routes_want_the_operator_s_secret(
    stack: Stack, account: Account, person: Person
) -> None:
    paths = ("/metrics", "/internal/cron/heal", "/internal/cron/sweep", "/internal/cron/tasks")
    wrong = stack.settings["CRON_SECRET"][:-1]
    for credential in ("x", wrong, account.key, person.token, "\u00e9"):
        headers = [
            (b"authorization", f"Bearer {credential}".encode()),
            (b"x-real-ip", fresh_address().encode()),
        ]
        for path in paths:
            answer = httpx.get(f"{stack.url}{path}", headers=headers, trust_env=False)
            assert answer.status_code == 401, (path, credential[:4])
        body = httpx.get(f"{stack.url}/health-check", headers=headers, trust_env=False).json()
        assert "operator" not in body
    assert "operator" in json.loads(
        httpx.get(
            f"{stack.url}/health-check",
            headers={"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"},
            trust_env=False,
        ).text
    )


def test_auth_takes_the_api_key_for_a_bearer_as_the_hosted_gateway_does(stand_ins: Stack) -> None:
    """So a call without a token is refused as one by the key: not 401, but 403."""
    url = f"{stand_ins.settings['SUPABASE_URL']}/auth/v1"
    project = read_project(stand_ins.settings)
    for path, code in (("/user", "bad_jwt"), ("/admin/users", "not_admin")):
        answer = httpx.get(
            f"{url}{path}", headers={"apikey": project.publishable_key or ""}, trust_env=False
        )
        assert (answer.status_code, answer.json()["error_code"]) == (403, code)
    answer = httpx.get(f"{url}/user", trust_env=False)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "no_authorization")
