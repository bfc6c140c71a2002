"""What a caller can make us store: no column above 64 KB, beyond what an accepted job needs."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.people import fresh_address, stranger

MOST_BYTES = 65_536
REQUEST = {"jobs.request", "jobs.inputs", "jobs.ffmpeg_options", "jobs.receipt"}
"""What holds an accepted request, and is as large as it was."""
WIDE = "\U0001f3ac"
"""One character, four bytes."""


def columns() -> list[tuple[str, str]]:
    """Every column of schema app that holds text or JSON."""
    rows = postgres.rows(
        """
        select c.table_name, c.column_name from information_schema.columns c
          join information_schema.tables t using (table_schema, table_name)
         where c.table_schema = 'app' and t.table_type = 'BASE TABLE'
           and (c.data_type in ('text', 'jsonb', 'json', 'character varying', 'ARRAY', 'bytea'))
         order by 1, 2
        """
    )
    return [(row["table_name"], row["column_name"]) for row in rows]


def largest(table: str, column: str) -> int:
    query = sql.SQL("select max(octet_length({}::text)) as bytes from app.{}").format(
        sql.Identifier(column), sql.Identifier(table)
    )
    row = postgres.row(query.as_string())
    return int(row["bytes"] or 0) if row else 0


def fill(stack: Stack, person: Person, account: Account, clip: Path) -> str:
    """The most that each route takes; the id of the job."""
    person.http.patch("/v1/account", json={"name": WIDE * 200}).raise_for_status()
    person.http.post("/v1/api-keys", json={"label": WIDE * 100}).raise_for_status()
    letter = {"message": WIDE * 5000, "subject": WIDE * 200}
    account.http.post("/v1/support", json=letter).raise_for_status()
    with stranger(stack, fresh_address()) as client:
        email = f"{'a' * 60}@{'.'.join(['b' * 60] * 3)}.example"
        client.post("/v1/support", json=letter | {"email": email}).raise_for_status()
        client.get("/v1/transcodes", headers={"User-Agent": "u" * 30_000})
        client.request("X" * 5_000, "/v1/transcodes")
        client.get("/v1/" + "x" * 2_000)
    link = {"filename": f"{WIDE * 3_000}.mp4", "contentType": f"video/mp4;{'x' * 20_000}",
            "fileSize": 10}  # fmt: skip
    account.http.post("/v1/upload/presigned-url", json=link).raise_for_status()
    unknown = "x" * 300_000
    body: dict[str, Any] = {
        "inputs": [{"url": account.upload(clip), "name": unknown}],
        "outputFormat": "jpeg",
        "metadata": {"note": "x" * 8_180},
        "options": [{"option": "@thumbnail", "argument": {"at": 0, "unknown": unknown}}],
        "webhook": unknown,
    }
    job_id = str(account.http.post("/v1/transcodes", json=body).raise_for_status().json()["id"])
    assert account.wait(job_id)["status"] == "completed"
    account.http.post(
        f"/v1/transcodes/{job_id}/report", json={"message": WIDE * 5000}
    ).raise_for_status()
    account.http.post(f"/v1/transcodes/{job_id}/retry").raise_for_status()
    return job_id


def test_no_column_holds_more_than_its_limit(
    stack: Stack, person: Person, account: Account, clip: Path
) -> None:
    job_id = fill(stack, person, account, clip)
    result = columns()
    assert len(result) > 50
    for table, column in result:
        if f"{table}.{column}" not in REQUEST:
            assert largest(table, column) <= MOST_BYTES, (table, column)
    rows = postgres.rows(
        "select octet_length(j::text) as bytes, request from app.jobs j where account_id ="
        " (select account_id from app.jobs where id = %(id)s)",
        {"id": uuid.UUID(job_id)},
    )
    assert len(rows) == 2
    assert all(row["bytes"] < 20_000 for row in rows)
    assert all("unknown" not in str(row["request"]) for row in rows)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/api-keys", {"label": "x" * 101}),
        ("/v1/support", {"message": "x" * 5001}),
        ("/v1/support", {"message": "x", "subject": "x" * 201}),
        ("/v1/transcodes", {
            "inputs": [{"url": "https://media.example.com/a.mp4"}], "outputFormat": "mp4",
            "metadata": {"a": "x" * (8_192 - len('{"a":""}') + 1)}}),
    ],
)  # fmt: skip
def test_one_past_a_limit_is_refused(person: Person, path: str, body: dict[str, Any]) -> None:
    assert person.http.post(path, json=body).status_code == 400
    renamed = person.http.patch("/v1/account", json={"name": "x" * 201})
    assert renamed.status_code == 400


def test_validate_names_what_a_create_drops(account: Account, clip: Path) -> None:
    body = {
        "inputs": [{"url": account.upload(clip), "name": "b"}],
        "outputFormat": "mp4",
        "preset": {"quality": "low", "speed": "fast"},
        "webhook": "https://example.com",
        "options": None,
    }
    warnings = account.http.post("/v1/validate", json=body).raise_for_status().json()["warnings"]
    assert warnings[:3] == [
        f"{name!r} is not known and changes nothing."
        for name in ("inputs[0].name", "preset.speed", "webhook")
    ]
    many = body | {f"{'x' * 200}{number}": 1 for number in range(100)}
    warnings = account.http.post("/v1/validate", json=many).raise_for_status().json()["warnings"]
    names = [each for each in warnings if "is not known" in each]
    assert len(names) == 20
    assert all(len(each) < 150 for each in names)
