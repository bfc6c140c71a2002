"""Lets the database call our crons each minute, where it can (pg_cron and pg_net).

Vercel's free plan calls crons once a day; hosted Supabase has pg_cron. The calls carry
CRON_SECRET, which is kept in Supabase's Vault and read when a call is made.
"""

from __future__ import annotations

from lib.platform import postgres
from lib.platform.settings import settings

SECRET = "ffmpeg_micro_cron_secret"  # noqa: S105 -- its name
CRONS = {"heal": "* * * * *", "tasks": "* * * * *", "sweep": "*/10 * * * *"}
"""What is called below /internal/cron/, and when (UTC)."""
CALL_MILLISECONDS = 60_000
"""How long pg_net waits for an answer: the crons' maxDuration in vercel.json. Its own default is
5 s, after which it notes a longer sweep as failed."""
FORGET_RUNS = ("ffmpeg-micro-forget-runs", "17 3 * * *")
"""The job that deletes pg_cron's own record of runs, which it never does by itself, and when."""
EXTENSIONS = {"pg_cron": "", "pg_net": " with schema extensions"}
"""As hosted Supabase creates them; pg_cron chooses its schema itself."""


def schedule() -> dict[str, str]:
    """Let pg_cron call our crons; the addresses and times, empty where the database can't.

    Safe to repeat: a new address or secret takes the place of the old one.
    """
    if not _available():
        return {}
    postgres.rows(_KEEP, {"name": SECRET, "secret": settings().cron_secret})
    for name, when in CRONS.items():
        postgres.rows(
            "select cron.schedule(%(job)s, %(when)s, %(command)s)",
            {"job": f"ffmpeg-micro-{name}", "when": when, "command": _command(name)},
        )
    postgres.rows(
        "select cron.schedule(%(job)s, %(when)s, %(command)s)",
        {"job": FORGET_RUNS[0], "when": FORGET_RUNS[1], "command": _FORGET_RUNS},
    )
    return {f"{settings().api_url}/internal/cron/{name}": when for name, when in CRONS.items()}


def _available() -> bool:
    """Whether the database can call; creates the extensions where they are available."""
    for extension, where in EXTENSIONS.items():
        ready = postgres.row(
            "select 1 from pg_available_extensions where name = %(name)s", {"name": extension}
        )
        if ready is not None:
            postgres.rows(f"create extension if not exists {extension}{where}")
    row = postgres.row(
        "select to_regprocedure('cron.schedule(text, text, text)') is not null"
        " and to_regproc('net.http_get') is not null"
        " and to_regclass('vault.decrypted_secrets') is not null as all"
    )
    return bool(row and row["all"])


def _command(name: str) -> str:
    """The statement that pg_cron runs; pg_net sends the call behind it."""
    address = f"{settings().api_url}/internal/cron/{name}".replace("'", "''")
    return _CALL.format(address=address, secret=SECRET, milliseconds=CALL_MILLISECONDS)


_CALL = """
    select net.http_get(url := '{address}', headers := jsonb_build_object('Authorization',
      'Bearer ' || (select decrypted_secret from vault.decrypted_secrets where name = '{secret}')),
      timeout_milliseconds := {milliseconds})
"""

_FORGET_RUNS = """
    delete from cron.job_run_details where end_time < now() - interval '7 days'
"""

_KEEP = """
    select case when s.id is null then vault.create_secret(%(secret)s, %(name)s)::text
                else vault.update_secret(s.id, %(secret)s)::text end
      from (select) one left join vault.decrypted_secrets s on s.name = %(name)s
"""
