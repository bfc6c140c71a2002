"""Where personal data lies: what an export takes of each table, and how an erasure ends it.

A test compares this with the database: a table or column that is not named here fails it, so that
whoever adds one decides what becomes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Ends = Literal["cascade", "statement", "forgotten"]
"""With the account's row; by app.erase_account; the row stays and forgets whose it was."""

OWN = "t.account_id = %(account)s"
OF_OWN_JOBS = "t.job_id in (select id from app.jobs where account_id = %(account)s)"


@dataclass(frozen=True)
class Table:
    """A table of schema app that tells of people. All of its columns are exported but these."""

    name: str
    ends: Ends
    where: str = OWN
    """Which rows `t` are an account's."""
    withheld: dict[str, str] = field(default_factory=dict)
    """Columns that an export leaves out, and why."""


_SWEEP = {"sweep_at": "our own bookkeeping", "sweep_tries": "our own bookkeeping"}

TABLES = (
    Table("accounts", "cascade", "t.id = %(account)s"),
    Table("api_keys", "cascade", withheld={"hash": "a secret's digest"}),
    Table("policy_acceptances", "cascade"),
    Table("subscriptions", "cascade", withheld={"reading": "our own bookkeeping",
                                                "written": "our own bookkeeping"}),
    Table("invoices", "forgotten"),
    Table("usage", "cascade"),
    Table("usage_ledger", "cascade"),
    Table("uploads", "cascade", withheld=_SWEEP),
    Table("jobs", "cascade", withheld=_SWEEP | {"message_id": "our own bookkeeping"}),
    Table("job_events", "cascade", OF_OWN_JOBS),
    Table("exports", "cascade", withheld=_SWEEP),
    Table("request_log", "statement"),
    Table("request_days", "statement"),
    Table("deletions", "statement"),
    Table("reports", "cascade"),
    Table("staff_accesses", "cascade"),
    Table(
        "support_messages",
        "cascade",
        "t.account_id = %(account)s"
        " or lower(t.email) = (select lower(email) from app.accounts where id = %(account)s)",
    ),
    Table("operator_log", "forgotten", withheld={"who": "another person's name"}),
    Table("tasks", "statement", withheld={"payload": "the mail itself, which you have"}),
    Table(
        "stripe_events",
        "statement",
        "t.customer_id = (select customer_id from app.subscriptions"
        " where account_id = %(account)s)",
    ),
    Table("rate_windows", "statement", "t.subject like '%%:' || %(account)s::uuid"),
)  # fmt: skip

IMPERSONAL = {
    "plans": "id name price_cents minutes_per_month max_input_bytes jobs_at_once"
    " requests_per_minute max_job_seconds max_output_bytes offered",
    "policies": "version published_at summary",
    "queue_clock": "one turn",
    "worker_reports": "ffmpeg cage seen_at",
    "counters": "name labels value",
    "counted": "source last_id last_at",
}
"""Tables of schema app that tell of nobody, with all of their columns."""

LOGIN = """
    select u.id, u.email, u.email_change, u.created_at, u.email_confirmed_at, u.last_sign_in_at,
           u.raw_user_meta_data,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'provider', i.provider, 'identity_data', i.identity_data,
                     'created_at', i.created_at, 'last_sign_in_at', i.last_sign_in_at)), '[]')
              from auth.identities i where i.user_id = u.id) as identities,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'created_at', s.created_at, 'refreshed_at', s.refreshed_at,
                     'user_agent', s.user_agent, 'ip', s.ip, 'methods', (
                       select jsonb_agg(m.authentication_method)
                         from auth.mfa_amr_claims m where m.session_id = s.id))), '[]')
              from auth.sessions s where s.user_id = u.id) as sessions
      from auth.users u where u.id = %(account)s
"""
"""What Auth holds, without what would let anyone in."""

OUTSIDE = {
    "auth.users": "exported as `login`; deleted by Auth",
    "auth.identities": "exported with `login`; goes with it",
    "auth.sessions": "exported with `login`; goes with it",
    "auth.mfa_amr_claims": "exported with `login`; goes with it",
    "auth.one_time_tokens": "secrets, not exported; goes with the login",
    "auth.refresh_tokens": "secrets, not exported; app.erase_account",
    "auth.flow_state": "secrets of a sign-in under way, not exported; app.erase_account",
    "auth.audit_log_entries": "Auth's log, not exported: the same stands in `login`;"
    " app.erase_account",
    "storage.buckets": "tells of nobody",
    "storage.objects": "exported as files.csv; deleted by Storage",
    "pgmq.meta": "tells of nobody",
    "pgmq.notify_insert_throttle": "tells of nobody",
    "pgmq.topic_bindings": "tells of nobody",
    "pgmq.q_jobs": "a ticket names no job",
    "pgmq.a_jobs": "a ticket names no job",
}
"""Tables of other schemas: what an export and an erasure make of them. Not each is everywhere."""
