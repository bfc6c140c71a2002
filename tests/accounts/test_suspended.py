"""What a suspended person may do: read, export and delete what is theirs, and write to us."""

from __future__ import annotations

from pathlib import Path

from lib.http.routes.access import Credential, OptionalCredential
from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.people import account_id
from tests.rigs.routes import Route, every_route

LAST = ["DELETE /v1/account/sessions", "DELETE /v1/account"]


def suspend(id: str) -> None:
    postgres.rows(
        "update app.accounts set suspended_at = now(), suspended_for = 'Mining coins.'"
        " where id = %(id)s",
        {"id": id},
    )


def suspended_too(route: Route) -> bool:
    """Whether the declaration lets in suspended accounts besides reading and deleting."""
    access = route.declared.access
    credential = access.credential if isinstance(access, OptionalCredential) else access
    return isinstance(credential, Credential) and credential.suspended_too


def test_every_route_is_decided(stack: Stack, person: Person) -> None:
    suspend(person.id)
    routes = [
        route
        for route in every_route()
        if isinstance(route.declared.access, Credential | OptionalCredential)
    ]
    also = {route.name for route in routes if suspended_too(route)}
    assert {"PATCH /v1/transcodes/{id}/cancel", "POST /v1/billing/portal"} <= also
    assert {route.name for route in routes} >= set(LAST)
    refused: set[str] = set()
    allowed: set[str] = set()
    for route in routes:
        if route.name in LAST:
            continue
        body = {"message": "Why?"} if "support" in route.declared.path else {}
        answer = person.http.request(
            route.method, route.path, json=None if route.method == "GET" else body
        )
        assert answer.status_code < 500 or answer.status_code == 503, (route.name, answer.text)
        text = answer.status_code == 403 and "suspended" in answer.text
        (refused if text else allowed).add(route.name)
        assert not text or "Mining coins." in answer.json()["error"]
    reads = {
        route.name
        for route in routes
        if route.method in ("GET", "DELETE") and route.name not in LAST
    }
    assert allowed == reads | also
    assert refused == {route.name for route in routes} - allowed - set(LAST)


def test_a_suspended_person_leaves_with_everything(person: Person) -> None:
    suspend(person.id)
    assert person.http.get("/v1/account").json()["id"] == person.id
    assert person.http.post("/v1/account/export").status_code == 202
    wrong = person.http.request("DELETE", "/v1/account", json={"password": "no"})
    assert (wrong.status_code, "password" in wrong.text) == (403, True)
    deleted = person.http.request("DELETE", "/v1/account", json={"password": person.password})
    assert deleted.status_code == 202, deleted.text


def test_a_suspended_person_signs_out_everywhere(person: Person) -> None:
    suspend(person.id)
    assert person.http.delete("/v1/account/sessions").status_code == 200


def test_a_suspended_key_reads_and_deletes_files(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    job = account.wait(account.create(url, "mp3"))
    unused = account.upload(clip).rpartition("/")[2]
    suspend(account_id(account))
    assert len(account.download(job["id"])) > 1000
    assert account.http.get("/v1/transcodes").json()["total"] == 1
    for path in ("/v1/account/usage", "/v1/account/ledger", "/v1/account/access-log"):
        assert account.http.get(path).status_code == 200, path
    assert account.http.delete(f"/v1/upload/{unused}").status_code == 200
    assert account.http.delete(f"/v1/transcodes/{job['id']}").status_code == 200
    for path in ("/v1/transcodes", f"/v1/transcodes/{job['id']}/retry"):
        assert account.http.post(path, json={}).status_code == 403
