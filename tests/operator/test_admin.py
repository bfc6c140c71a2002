"""The operator's commands, run as the operator runs them: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from psycopg.rows import dict_row

from lib.admin import stuck
from lib.files import records
from lib.outbox import mail, tasks
from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.operator import ROOT, acts, admin, done
from tests.rigs.people import account_id


def test_it_is_a_program(stack: Stack, account: Account) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lib.admin", "--json", "find", account.email],
        cwd=ROOT, env=os.environ | stack.settings, capture_output=True, text=True,
    )  # fmt: skip
    assert [row["email"] for row in json.loads(run.stdout)] == [account.email], run.stderr


def refused(stack: Stack, *arguments: str) -> str:
    run = admin(stack, *arguments)
    assert run.returncode == 1, (run.stdout, run.stderr)
    assert "Traceback" not in run.stderr
    return run.stderr


def usage(account: str) -> dict[str, Any]:
    row = postgres.row("select * from app.usage where account_id = %(it)s", {"it": account})
    assert row
    return row


def test_an_account_is_found_by_all_that_names_it(stack: Stack, account: Account) -> None:
    own = account_id(account)
    job = account.create("https://example.com/clip.mp4", "mp3")
    for term in (account.email, account.email[:12].upper(), own, job, account.key):
        result = done(stack, "find", term)
        assert [row["account"] for row in result] == [own], term
    assert own in {row["account"] for row in done(stack, "find", account.key[:8])}
    assert admin(stack, "find", "nobody@example.org").returncode == 1
    assert acts(own)[0] == ("olga", "find", None)


def test_one_machine_has_the_same_commands(stack: Stack, account: Account) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "local", "admin", "--json", "find", account.email],
        cwd=ROOT, env=os.environ | stack.settings, capture_output=True, text=True,
    )  # fmt: skip
    assert [row["email"] for row in json.loads(run.stdout)] == [account.email], run.stderr


def test_an_account_is_shown_whole(stack: Stack, account: Account, clip: Path) -> None:
    own = account_id(account)
    began = datetime.now(UTC)
    account.wait(account.create(account.upload(clip), "mp3"))
    answer = done(stack, "show", own)
    assert answer["account"][0]["email"] == account.email
    assert answer["limits"][0]["minutes_per_month"] == 2500
    assert answer["usage"][0]["period"] in {f"{at:%Y-%m}" for at in (began, datetime.now(UTC))}
    assert answer["keys"][0]["starts_with"] == account.key[:8]
    assert answer["jobs"][0]["status"] == "completed"
    assert account.key not in json.dumps(answer)
    table = admin(stack, "show", own).stdout
    assert account.email in table
    assert acts(own) == [("olga", "show", None)] * 2
    assert "no account" in refused(stack, "show", str(uuid.uuid4()))


def test_a_name_can_not_move_the_terminal(stack: Stack, account: Account) -> None:
    own = account_id(account)
    postgres.rows(
        "update app.accounts set name = %(name)s where id = %(id)s",
        {"name": "\x1b[2J\nroot", "id": own},
    )
    assert "\x1b" not in admin(stack, "show", own).stdout


def test_suspended_callers_are_told_why_until_resumed(stack: Stack, account: Account) -> None:
    own = account_id(account)
    done(stack, "suspend", own, "--reason", "Mining coins.")
    answer = account.http.post("/v1/transcodes", json={})
    assert answer.status_code == 403
    assert "Mining coins." in answer.json()["error"]
    done(stack, "resume", own, "--reason", "It was a mistake.")
    assert account.http.post("/v1/transcodes", json={}).status_code == 400
    assert "not suspended" in refused(stack, "resume", own, "--reason", "again")
    assert acts(own) == [
        ("olga", "suspend", "Mining coins."),
        ("olga", "resume", "It was a mistake."),
    ]
    assert admin(stack, "suspend", own).returncode == 2  # not without a reason
    assert [row["act"] for row in done(stack, "log", own)] == ["resume", "suspend"]


def test_granted_minutes_are_counted_and_in_the_ledger(stack: Stack, account: Account) -> None:
    own = account_id(account)
    for minutes in ("30", "12.5"):
        done(stack, "grant", own, minutes, "--reason", "An outage.")
    assert usage(own)["granted_minutes"] == 42.5
    body = account.http.get("/v1/account/usage").json()
    assert body["minutes_limit"] == 2542.5
    rows = postgres.rows(
        "select kind, minutes, job_id from app.usage_ledger where account_id = %(it)s order by id",
        {"it": own},
    )
    assert [(row["kind"], row["minutes"], row["job_id"]) for row in rows] == [
        ("grant", 30, None),
        ("grant", 12.5, None),
    ]
    for wrong in ("0", "-1", "nan", "x", "1e9"):
        assert admin(stack, "grant", own, wrong, "--reason", "x").returncode == 2
    assert "no account" in refused(stack, "grant", str(uuid.uuid4()), "1", "--reason", "x")


def test_a_charge_is_given_back_once(stack: Stack, account: Account, clip: Path) -> None:
    own = account_id(account)
    job = account.wait(account.create(account.upload(clip), "mp3"))
    assert job["billable_minutes"] > 0
    [options] = done(stack, "refund", job["id"], "--reason", "It was silent.")
    assert float(options["minutes"]) == job["billable_minutes"]
    assert "before" in refused(stack, "refund", job["id"], "--reason", "again")
    assert usage(own)["used_minutes"] == 0
    body = account.http.get("/v1/account/usage").json()
    assert (body["minutes_used"], body["days"]) == (0, [])
    assert "Nothing was charged" in refused(stack, "refund", str(uuid.uuid4()), "--reason", "x")
    assert acts(own) == [("olga", "refund", "It was silent.")]


def test_a_failed_job_is_made_anew(stack: Stack, account: Account, clip: Path) -> None:
    url = account.upload(clip)
    failed = account.wait(account.create(url, "mp3", metadata={"order": 7}))
    postgres.rows(
        "update app.jobs set status = 'failed',"
        " error_message = 'A test has set this job to failed.', billable_minutes = 0"
        " where id = %(id)s",
        {"id": failed["id"]},
    )
    [answer] = done(stack, "retry", failed["id"], "--reason", "Our disk was full.")
    job = account.wait(answer["as"])
    assert job["status"] == "completed"
    assert job["metadata"] == {"user": {"order": 7}, "retry_of": failed["id"]}
    ends = postgres.rows(
        "select kind from app.usage_ledger where job_id = %(id)s order by id", {"id": job["id"]}
    )
    assert [row["kind"] for row in ends] == ["reserve", "settle"]
    assert account.job(failed["id"])["status"] == "failed"
    assert "retried before" in refused(stack, "retry", failed["id"], "--reason", "x")
    assert "completed" in refused(stack, "retry", job["id"], "--reason", "x")
    assert "no job" in refused(stack, "retry", str(uuid.uuid4()), "--reason", "x")
    [entry] = done(stack, "log", account_id(account))
    assert entry["detail"] == {"made": job["id"]}


def test_a_retry_is_refused_where_a_create_would_be(
    stack: Stack, free_account: Account, clip: Path
) -> None:
    own = account_id(free_account)
    url = free_account.upload(clip)
    failed = free_account.wait(free_account.create(url, "mp3"))
    postgres.rows(
        "update app.jobs set status = 'failed',"
        " error_message = 'A test has set this job to failed.' where id = %(id)s",
        {"id": failed["id"]},
    )
    used = {"id": own}
    postgres.rows("update app.usage set used_minutes = 100 where account_id = %(id)s", used)
    assert "Quota exceeded" in refused(stack, "retry", failed["id"], "--reason", "x")
    postgres.rows("update app.usage set used_minutes = 0 where account_id = %(id)s", used)
    postgres.rows("update app.files set expires_at = now() where account_id = %(id)s", used)
    assert "was deleted on" in refused(stack, "retry", failed["id"], "--reason", "x")
    postgres.rows(
        "update app.files set expires_at = now() + interval '1 day' where account_id = %(id)s",
        used,
    )
    postgres.rows("update app.accounts set suspended_at = now() where id = %(id)s", used)
    assert "suspended" in refused(stack, "retry", failed["id"], "--reason", "x")
    postgres.rows("update app.accounts set suspended_at = null where id = %(id)s", used)
    done(stack, "retry", failed["id"], "--reason", "x")
    assert [act for _, act, _ in acts(own)] == ["retry refused", "retry refused", "retry"]


def test_jobs_are_listed_by_status(stack: Stack, account: Account, clip: Path) -> None:
    own = account_id(account)
    job = account.wait(account.create(account.upload(clip), "mp3"))
    assert [row["job"] for row in done(stack, "jobs", own, "--status", "completed")] == [job["id"]]
    assert done(stack, "jobs", own, "--status", "failed") == []


def test_what_is_stuck_is_listed(stack: Stack, account: Account) -> None:
    own = account_id(account)
    kind = f"test-{uuid.uuid4()}"

    def own_stuck_rows() -> dict[str, str]:
        run = admin(stack, "--json", "stuck")
        rows = json.loads(run.stdout)
        assert run.returncode == (1 if rows else 0)
        return {row["what"]: row["id"] for row in rows if row["account"] == own}

    assert own_stuck_rows() == {}
    values = {"account": own, "old": "2 hours"}
    job = postgres.row(
        """
        with job as (
          insert into app.jobs (account_id, status, request, output_format, inputs, period,
                                updated_at)
          values (%(account)s, 'processing', '{}', 'mp4', '[]', now(), now() - %(old)s::interval)
          returning id
        )
        insert into app.leases (job_id, part, attempt, ticket, lease_until)
        select id, 0, 0, -7, now() + interval '1 hour' from job
        returning job_id as id
        """,
        values,
    )
    upload = postgres.row(
        """
        insert into app.files (account_id, role, bucket, key, filename, content_type,
                               declared_bytes, expires_at, sweep_at)
        values (%(account)s::uuid, 'upload', 'uploads', %(account)s::uuid || '/never', 'never',
                'video/mp4', 1, now() - %(old)s::interval, 'infinity') returning id
        """,
        values,
    )
    tasks.add(kind, account_id=uuid.UUID(own))
    tasks.run({kind: _fails}, 5)
    mail.queue("quota_80", account_id=uuid.UUID(own), key=kind)  # its values are missing
    assert job
    assert upload
    answer = own_stuck_rows()
    assert answer["job without a worker"] == str(job["id"])
    assert answer["upload overdue"] == str(upload["id"])
    assert "task failing" in answer
    postgres.rows("delete from app.jobs where id = %(id)s", {"id": job["id"]})
    postgres.rows("delete from app.files where id = %(id)s", {"id": upload["id"]})
    postgres.rows("delete from app.tasks where account_id = %(account)s", values)


def stuck_rows(stack: Stack, account: str) -> list[dict[str, Any]]:
    """What `stuck` says of the account's jobs, by kind; each row says what to do."""
    rows = [row for row in json.loads(admin(stack, "--json", "stuck").stdout)
            if row["account"] == account]  # fmt: skip
    assert all(row["do"] for row in rows)
    return rows


def insert_running(account: str, attempt: int, *, leased: bool) -> str:
    """A running job that no worker knows, with or without a live lease; its id."""
    row = postgres.row(
        """
        with sent as (
          select id from (select) one, lateral pgmq.send('jobs', '{}', 3600) id where %(leased)s
        ),
        ticket as (
          select coalesce((select id from sent), -8 - (random() * 1e12)::bigint) as id
        ),
        job as (
          insert into app.jobs (account_id, status, request, output_format, inputs, period,
                                attempt, started_at)
          values (%(account)s, 'processing', '{}', 'mp4', '[]', now(), %(attempt)s, now())
          returning id
        )
        insert into app.leases (job_id, part, attempt, ticket, lease_until)
        select job.id, 0, %(attempt)s, ticket.id, now() + interval '1 hour' from job, ticket
        returning job_id as id
        """,
        {"account": account, "attempt": attempt, "leased": leased},
    )
    assert row
    return str(row["id"])


def test_jobs_of_several_attempts_are_stuck(stack: Stack, account: Account) -> None:
    own = account_id(account)
    kinds = {
        insert_running(own, 1, leased=True): None,
        insert_running(own, 2, leased=True): "job of several attempts",
        insert_running(own, 3, leased=True): "job of several attempts",  # MAX_ATTEMPTS
        insert_running(own, 4, leased=True): "job that can not end",
        insert_running(own, 9, leased=False): "job that can not end",
        insert_running(own, 1, leased=False): "job without a worker",
    }
    rows = {row["id"]: row for row in stuck_rows(stack, own)}
    assert {job: rows[job]["what"] if job in rows else None for job in kinds} == kinds
    assert {row["detail"] for row in rows.values()} == {
        "attempt 1", "attempt 2", "attempt 3", "attempt 4", "attempt 9",
    }  # fmt: skip
    table = admin(stack, "stuck").stdout
    assert "job that can not end" in table
    assert "Cancel it." in table
    for job in kinds:
        done(stack, "cancel", job, "--reason", "A test.")
    assert stuck_rows(stack, own) == []
    postgres.rows("delete from app.jobs where account_id = %(id)s", {"id": own})


def test_a_job_is_canceled_by_the_operator_once(stack: Stack, account: Account) -> None:
    own = account_id(account)
    job = insert_running(own, 4, leased=True)
    done(stack, "cancel", job, "--reason", "It can't end.")
    row = account.job(job)
    assert row["status"] == "canceled"
    assert "by the operator" in row["error_message"]
    assert "this one is canceled" in refused(stack, "cancel", job, "--reason", "x")
    assert "no job" in refused(stack, "cancel", str(uuid.uuid4()), "--reason", "x")
    assert acts(own) == [("olga", "cancel", "It can't end.")]


def test_a_job_closed_by_force_is_stuck_for_a_day(stack: Stack, account: Account) -> None:
    own = account_id(account)
    for hours, reason in ((23, "abandoned"), (25, "abandoned"), (1, "dns")):
        postgres.rows(
            """
            with job as (
              insert into app.jobs (account_id, status, request, output_format, inputs, period,
                                    updated_at)
              values (%(account)s, 'failed', '{}', 'mp4', '[]', now(),
                      now() - make_interval(hours => %(hours)s))
              returning id
            )
            insert into app.job_events (job_id, kind, detail)
            select id, 'failed', jsonb_build_object('reason', %(reason)s::text) from job
            """,
            {"account": own, "hours": hours, "reason": reason},
        )
    [row] = stuck_rows(stack, own)
    assert row["what"] == "job closed by force"
    postgres.rows("delete from app.jobs where account_id = %(id)s", {"id": own})


def test_a_silent_worker_is_stuck(stack: Stack) -> None:
    ids = {name: str(uuid.uuid4()) for name in ("lost", "idle", "live")}
    for name, age, leases in (("lost", 150, 2), ("idle", 150, 0), ("live", 60, 2)):
        postgres.rows(
            """
            insert into app.worker_heartbeats
              (id, started_at, seen_at, version, slots, busy_slots, leases, free_disk_bytes)
            values (%(id)s, now(), now() - make_interval(secs => %(age)s), 'test', 2, 2, %(leases)s,
                    5 * 1048576)
            """,
            {"id": ids[name], "age": age, "leases": leases},
        )
    rows = json.loads(admin(stack, "--json", "stuck").stdout)
    silent = {row["id"]: row for row in rows if row["what"] == "worker silent"}
    assert set(ids.values()) & set(silent) == {ids["lost"]}
    assert silent[ids["lost"]]["detail"] == "2 jobs held, 5 MB free, version test"
    postgres.rows("delete from app.worker_heartbeats where version = 'test'")


def test_jobs_that_nobody_takes_are_stuck(stack: Stack) -> None:
    """In a transaction that is rolled back: elsewhere workers are alive."""
    values = {"pending": 10, "unserved": 60, "alive": 60, "silent": 120, "attempts": 3,
              "overdue": 60, "given_up": 30, "most": 1000}  # fmt: skip
    account = uuid.uuid4()
    with psycopg.connect(stack.settings["POSTGRES_URL"], row_factory=dict_row) as connection:
        connection.execute("insert into app.accounts (id) values (%s)", (account,))
        connection.execute(
            "insert into app.jobs (account_id, status, request, output_format, inputs, period,"
            " turn, created_at) select %s, 'pending', '{}', 'mp4', '[]', now(), -1,"
            " now() - make_interval(secs => n) from generate_series(61, 62) n",
            (account,),
        )

        def kinds() -> list[str]:
            rows = connection.execute(stuck._STUCK.encode(), values).fetchall()
            return [row["what"] for row in rows if row["account"] == account]

        heartbeat = (
            "insert into app.worker_heartbeats (id, started_at, version, slots, busy_slots, leases,"
            " free_disk_bytes) values (gen_random_uuid(), now(), 'x', 1, 0, 0, 0)"
        )
        connection.execute("delete from app.worker_heartbeats")
        assert kinds() == ["no worker"], "the oldest job alone"
        connection.execute(heartbeat)
        assert kinds() == []
        connection.execute("update app.accounts set suspended_at = now() where id = %s", (account,))
        assert kinds() == ["job of a suspended account"] * 2
        connection.rollback()


def test_there_is_advice_for_everything_that_is_stuck() -> None:
    kinds = set(re.findall(r"(?:then|else|select) '([a-z ]+)'", stuck._STUCK))
    overdue = {f"{role} overdue" for role in get_args(records.Role)}
    assert kinds | overdue == set(stuck.ADVICE)


def _fails(_: tasks.Task) -> None:
    raise OSError


def test_a_task_given_up_is_tried_anew(stack: Stack, account: Account) -> None:
    own = account_id(account)
    kind = f"test-{uuid.uuid4()}"
    tasks.add(kind, account_id=uuid.UUID(own), payload={"to": "ann@example.com"})

    def never(_: tasks.Task) -> None:
        raise tasks.GiveUp("it can't be")

    assert tasks.run({kind: never}, 5)["given_up"] == 1
    row = postgres.row("select id from app.tasks where kind = %(kind)s", {"kind": kind})
    assert row
    done(stack, "retry-task", str(row["id"]), "--reason", "The server is back.")
    seen: list[Any] = []
    assert tasks.run({kind: lambda task: seen.append(task.payload)}, 5)["done"] == 1
    assert seen == [{"to": "ann@example.com"}]
    assert "not failed" in refused(stack, "retry-task", str(row["id"]), "--reason", "x")
    assert acts(own) == [("olga", "retry-task", "The server is back.")]


def test_health_tells_what_waits(stack: Stack) -> None:
    answer = {row["what"]: row["value"] for row in done(stack, "health")}
    assert answer["ok"] is True
    assert answer["jobs_pending"] >= 0
    assert answer["workers"] >= 1
    assert answer["worker_least_free_disk_bytes"] > 0
    operator = answer["operator"]
    assert operator["workers"] >= 1
    assert operator["worker_slots"] >= 2
    assert operator["last_heartbeat_seconds"] < 60
    assert operator["least_free_disk_bytes"] > 0
    away = stack.settings | {"API_URL": "http://127.0.0.1:9"}
    run = subprocess.run(
        [sys.executable, "-m", "lib.admin", "health"],
        cwd=ROOT, env=os.environ | away, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1
    assert "ConnectError" in run.stdout


def test_without_a_database_there_is_a_sentence(stack: Stack) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lib.admin", "find", "x"],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr.startswith("The setting POSTGRES_URL is missing.")
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("name", mail.names())
def test_every_mail_is_previewed(stack: Stack, name: str, tmp_path: Path) -> None:
    assert admin(stack, "mails", name, "--folder", str(tmp_path)).returncode == 0
    assert (tmp_path / f"{name}.txt").read_text().startswith("Subject: ")
    assert "<!doctype html>" in (tmp_path / f"{name}.html").read_text()


def test_a_mail_that_is_not_there_is_told(stack: Stack) -> None:
    assert "quota_80" in refused(stack, "mails", "none")


def test_the_ledger_is_audited(stack: Stack, account: Account) -> None:
    mine = account_id(account)
    done(stack, "grant", mine, "5", "--reason", "to have a month")

    def wrong() -> list[dict[str, Any]]:
        """Other tests change balances by hand; one's own is as it should be."""
        output = json.loads(admin(stack, "--json", "audit").stdout)
        return [row for row in output if row["account_id"] == mine]

    assert wrong() == []
    postgres.rows(
        "update app.usage set granted_minutes = granted_minutes + 1 where account_id = %(id)s",
        {"id": mine},
    )
    [row] = wrong()
    assert (float(row["balance"][2]), float(row["ledger"][2])) == (6, 5)
    assert admin(stack, "audit").returncode == 1


def test_stripe_is_set_up_and_replayed(stack: Stack) -> None:
    steps = [row["step"] for row in done(stack, "stripe-setup")]
    assert steps == ["all was set up before"] or "price of pro: 99.00 usd a month" in steps
    assert done(stack, "replay-stripe", "--days", "2")[0]["failed"] == 0
    assert done(stack, "replay-stripe", "--days", "2") == [{"new": 0, "processed": 0, "failed": 0}]
    without = subprocess.run(
        [sys.executable, "-m", "lib.admin", "stripe-setup"], cwd=ROOT, capture_output=True,
        text=True, env=os.environ | stack.settings | {"STRIPE_SECRET_KEY": ""},
    )  # fmt: skip
    assert without.returncode == 1
    assert "no billing" in without.stderr


def test_a_database_without_a_clock_is_told(stack: Stack) -> None:
    run = admin(stack, "schedule")
    assert run.returncode == 0
    assert "has no clock" in run.stderr
