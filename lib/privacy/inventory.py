"""Where personal data lies: what an export takes of each table, and how an erasure ends it.

A test compares this with the database: a table or column that is not named here fails it, so that
whoever adds one decides how erasure treats it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Ends = Literal["cascade", "statement", "forgotten"]
"""With the account's row; by app.erase_account; the row stays and forgets whose it was."""

OWN = "t.account_id = %(account)s"


@dataclass(frozen=True)
class Table:
    """A table of schema app with personal data."""

    name: str
    ends: Ends
    exported: str
    """The columns that an export has; a new one is left out, and fails a test, until it is named
    here or below."""
    where: str = OWN
    """Which rows `t` are an account's."""
    withheld: dict[str, str] = field(default_factory=dict)
    """Columns that an export leaves out, and why."""
    emptied: str = ""
    """Of a row that stays: the columns that an erasure empties."""
    stays: str = ""
    """Columns kept after erasure because they contain no personal data."""


_EVENTS_OF_CUSTOMER = """
    t.customer_id = (select customer_id from app.subscriptions where account_id = %(account)s)
"""

TABLES = (
    Table(
        "accounts",
        "cascade",
        "id email name plan_id last_turn created_at jobs_total over_13_at suspended_at"
        " suspended_for inputs_kept_seconds outputs_kept_seconds closed_at guest_until"
        " sessions_ended_at",
        "t.id = %(account)s",
    ),
    Table(
        "api_keys",
        "cascade",
        "id account_id label created_at last_used_at expires_at revoked_at scopes starts_with",
        withheld={"hash": "a secret's digest"},
    ),
    Table(
        "guests",
        "forgotten",
        "id created_at network wide_network account_id",
        emptied="account_id",
        stays="id created_at network wide_network",
    ),
    Table("policy_acceptances", "cascade", "account_id version accepted_at"),
    Table(
        "subscriptions",
        "cascade",
        "account_id customer_id subscription_id plan_id status period_end cancel_at_period_end"
        " next_plan_id grace_until",
        withheld={"reading": "our own bookkeeping", "written": "our own bookkeeping"},
    ),
    Table(
        "invoices",
        "forgotten",
        "id account_id number status currency amount_cents paid_cents refunded_cents period_start"
        " period_end created_at",
        emptied="account_id",
        stays="id number status currency amount_cents paid_cents refunded_cents period_start"
        " period_end created_at",
    ),
    Table("usage", "cascade", "account_id period reserved_minutes used_minutes granted_minutes"),
    Table("usage_ledger", "cascade", "id account_id job_id period kind minutes at"),
    Table(
        "files",
        "cascade",
        "id account_id role job_id place bucket key address filename content_type format"
        " declared_bytes size_bytes probe version created_at confirmed_at expires_at deleted_at",
        withheld={"sweep_at": "our own bookkeeping", "sweep_tries": "our own bookkeeping"},
    ),
    Table(
        "jobs",
        "cascade",
        "id account_id job_type status request output_format inputs ffmpeg_options metadata"
        " lane queue_position turn attempt progress period reserved_minutes billable_minutes"
        " duration_seconds processing_seconds error_message error_category created_at updated_at"
        " started_at completed_at receipt deleted_by_owner_at",
    ),
    Table(
        "leases",
        "cascade",
        "job_id part attempt lease_until",
        "t.job_id in (select id from app.jobs where account_id = %(account)s)",
        withheld={"ticket": "our own bookkeeping"},
    ),
    Table("job_events", "cascade", "id account_id job_id kind detail at cursor payload"),
    Table(
        "request_log",
        "statement",
        "id at request_id account_id key_id method route status milliseconds ip",
    ),
    Table("request_days", "statement", "day account_id route status calls milliseconds"),
    Table("deletions", "statement", "id at account_id bucket key reason"),
    Table("reports", "cascade", "id at account_id job_id message closed_at"),
    Table(
        "staff_accesses",
        "cascade",
        "id at who account_id job_id reason legal_reference until files",
    ),
    Table(
        "support_messages",
        "cascade",
        "id at account_id email subject message job_id",
        "t.account_id = %(account)s"
        " or lower(t.email) = (select lower(email) from app.accounts where id = %(account)s)",
    ),
    Table(
        "operator_log",
        "forgotten",
        "id at act account_id job_id reason detail",
        withheld={"who": "another person's name"},
        emptied="account_id job_id reason detail",
        stays="id at who act",
    ),
    Table(
        "tasks",
        "statement",
        "id kind key account_id created_at due_at attempt failures ended_at error",
        withheld={"payload": "the mail itself, which you have"},
    ),
    Table(
        "stripe_events",
        "statement",
        "id type customer_id created_at received_at processed_at error",
        _EVENTS_OF_CUSTOMER,
    ),
    Table("slow_calls", "cascade", "id account_id kind until"),
    Table(
        "rate_windows",
        "statement",
        "subject started_at hits",
        "t.subject like '%%:' || %(account)s::uuid",
    ),
)

IMPERSONAL = {
    "plans": "id name price_cents minutes_per_month max_input_bytes jobs_at_once"
    " requests_per_minute max_job_seconds max_output_bytes offered max_uploads max_upload_bytes"
    " max_failures_per_hour",
    "policies": "version published_at summary",
    "queue_clock": "one turn",
    "worker_reports": "ffmpeg cage seen_at",
    "worker_heartbeats": "id started_at seen_at version slots busy_slots leases free_disk_bytes",
    "counters": "name labels value",
    "counted": "source last_id last_at",
    "last_sweep": "one ended_at",
}
"""Tables of schema app without personal data, with all of their columns."""

LOGIN = """
    select u.id, u.email, u.email_change, u.email_change_sent_at, u.phone, u.phone_change,
           u.phone_confirmed_at, u.phone_change_sent_at, u.created_at, u.updated_at, u.invited_at,
           u.email_confirmed_at, u.confirmed_at, u.confirmation_sent_at, u.recovery_sent_at,
           u.reauthentication_sent_at, u.last_sign_in_at, u.banned_until, u.deleted_at,
           u.raw_user_meta_data, u.raw_app_meta_data,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'id', i.id, 'provider', i.provider, 'provider_id', i.provider_id,
                     'email', i.email, 'identity_data', i.identity_data,
                     'created_at', i.created_at, 'updated_at', i.updated_at,
                     'last_sign_in_at', i.last_sign_in_at)), '[]')
              from auth.identities i where i.user_id = u.id) as identities,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'id', s.id, 'created_at', s.created_at, 'updated_at', s.updated_at,
                     'refreshed_at', s.refreshed_at, 'not_after', s.not_after, 'tag', s.tag,
                     'user_agent', s.user_agent, 'ip', s.ip, 'methods', (
                       select jsonb_agg(m.authentication_method)
                         from auth.mfa_amr_claims m where m.session_id = s.id))), '[]')
              from auth.sessions s where s.user_id = u.id) as sessions
      from auth.users u where u.id = %(account)s
"""
"""What Auth holds, without what would let anyone in."""

_SECRET = "would let somebody in"  # noqa: S105
_SAME = "the same for everybody here"
LOGIN_WITHHELD = {
    "auth.users": {
        "encrypted_password": _SECRET,
        "confirmation_token": _SECRET,
        "recovery_token": _SECRET,
        "email_change_token_new": _SECRET,
        "email_change_token_current": _SECRET,
        "phone_change_token": _SECRET,
        "reauthentication_token": _SECRET,
        "email_change_confirm_status": "how many of the two links were followed",
        "instance_id": _SAME,
        "aud": _SAME,
        "role": _SAME,
        "is_super_admin": _SAME,
        "is_sso_user": _SAME,
        "is_anonymous": _SAME,
    },
    "auth.identities": {"user_id": "the login's own id"},
    "auth.sessions": {
        "user_id": "the login's own id",
        "factor_id": "there are no second factors here",
        "aal": "there are no second factors here",
    },
}
"""Columns of the login's tables that LOGIN leaves out, and why."""

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
    "storage.buckets": "no personal data",
    "storage.objects": "exported as files.csv; deleted by Storage",
    "pgmq.meta": "no personal data",
    "pgmq.notify_insert_throttle": "no personal data",
    "pgmq.topic_bindings": "no personal data",
    "pgmq.q_jobs": "a ticket names no job",
    "pgmq.a_jobs": "a ticket names no job",
}
"""Tables of other schemas: what an export and an erasure make of them. Not each is everywhere."""
