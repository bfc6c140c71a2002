"""What is wrong with a deployment, and how to fix it, most important first. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lib.media.run import ffmpeg
from lib.platform import settings
from lib.platform.settings import SettingsError
from tools.hosted import environment, project_settings
from tools.hosted.facts import Database, Facts

POOLER_PORT = 6543
"""Of the transaction pooler; 5432 is a connection or a session of its own for each instance."""
KEY_SET = (
    "Switch on Authentication → JWT signing keys → ECC (P-256) in the project's dashboard, and"
    " rotate to it."
)
PUSH = "Run `npx supabase@3.1.0 link` and `npx supabase@3.1.0 db push`."
SETUP = "Run `make supabase-setup`."
BUCKETS = ("uploads", "outputs", "exports")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong; what is no `error` works, but not as it should."""

    problem: str
    fix: str
    error: bool = True


Check = Callable[[Facts], Iterator[Finding]]


def findings(facts: Facts) -> list[Finding]:
    """All that is wrong: errors first, each kind in the order of CHECKS."""
    results = [each for check in CHECKS for each in check(facts)]
    return sorted(results, key=lambda each: not each.error)


def missing_settings(facts: Facts) -> Iterator[Finding]:
    """Settings that are missing or malformed; all of them, not only the first."""
    fix = ".env.example says what it is. Set it in Vercel (Settings → Environment Variables)."
    required = (settings.POSTGRES_URL, settings.SUPABASE_URL, settings.SECRET_KEY,
                settings.PUBLISHABLE_KEY, ("CRON_SECRET",))  # fmt: skip
    missing = [names for names in required if _value(facts, names) is None]
    for names in missing:
        yield Finding(f"The setting {names[0]} is missing.", fix)
    fill = {names[0]: "-" * settings.SECRET_CHARACTERS for names in missing}
    try:
        settings.read({**facts.environ, **fill})
    except SettingsError as error:
        yield Finding(str(error), "Correct it and deploy again.")


def addresses(facts: Facts) -> Iterator[Finding]:
    """Public addresses that are this machine's, although the project is not."""
    if _on_this_machine(facts):
        return
    try:
        environment.public_site_url(facts.environ)
        api = settings.read_api_url(facts.environ)
    except SettingsError as error:
        if "is missing" not in str(error):
            yield Finding(str(error), "Correct it and deploy again.")
        return
    if urlsplit(api).hostname in environment.LOCAL_HOSTS:
        yield Finding(f"API_URL is {api}, which nobody else reaches.", "Set the public address.")
    elif not api.startswith("https://"):
        yield Finding(f"API_URL is {api}: keys and files travel in the clear.", "Use https://.")


def keys(facts: Facts) -> Iterator[Finding]:
    """API keys in each other's place, and those that Supabase is about to end."""
    secret, public = _value(facts, settings.SECRET_KEY), _value(facts, settings.PUBLISHABLE_KEY)
    if secret and _kind(secret) == "publishable":
        yield Finding(
            f"{settings.SECRET_KEY[0]} holds a publishable key, which may read nothing.",
            "Set the secret key of the project (Settings → API keys).",
        )
    if public and _kind(public) == "secret":
        yield Finding(
            f"{settings.PUBLISHABLE_KEY[0]} holds a SECRET key, and the site gives it to every"
            " visitor.",
            "Delete that key in Supabase now (Settings → API keys), and set the publishable key.",
        )
    for name in settings.legacy_keys(facts.environ):
        yield Finding(
            f"{name} holds a legacy API key, which Supabase is about to end.",
            "Create new keys (Settings → API keys) and set SUPABASE_SECRET_KEY and"
            " SUPABASE_PUBLISHABLE_KEY.",
            error=False,
        )


def database(facts: Facts) -> Iterator[Finding]:
    """Whether Postgres answers, through the transaction pooler."""
    if isinstance(facts.database, str):
        yield Finding(
            f"The database does not answer: {facts.database}.",
            "Copy the address of the transaction pooler from Supabase (Connect → Transaction"
            " pooler) into POSTGRES_URL. A paused Free project must be resumed.",
        )
    url = urlsplit(_value(facts, settings.POSTGRES_URL) or "")
    hosted = (url.hostname or "").endswith((".supabase.co", ".supabase.com", ".supabase.in"))
    if hosted and url.port != POOLER_PORT:
        yield Finding(
            f"POSTGRES_URL leads to port {url.port or 5432}, not to the transaction pooler:"
            " functions use up the database's connections.",
            f"Set POSTGRES_URL to the transaction pooler's address, port {POOLER_PORT}.",
        )


def migrations(facts: Facts) -> Iterator[Finding]:
    """Migrations that are not applied."""
    if not isinstance(facts.database, Database):
        return
    if not facts.database.migrated:
        yield Finding("The migrations are not applied.", PUSH)
    elif facts.database.missing_migrations:
        names = ", ".join(facts.database.missing_migrations)
        yield Finding(f"Migrations are not applied: {names}.", PUSH)


def key_set(facts: Facts) -> Iterator[Finding]:
    """Whether people's tokens can be verified."""
    if facts.key_set == "empty":
        yield Finding("The project signs tokens with HS256: whoever signs in gets 401.", KEY_SET)
    elif facts.key_set == "away":
        yield Finding(
            "Supabase Auth does not answer.",
            "Check SUPABASE_URL, and whether the project is paused.",
        )


def health(facts: Facts) -> Iterator[Finding]:
    """Whether the deployment answers, works, and has the same secret."""
    answer = facts.health
    if answer is None:
        return
    if answer.status == 0:
        yield Finding(f"The deployment does not answer: {answer.text}.",
                      "Check API_URL, and the deployment's state in Vercel.")  # fmt: skip
    elif answer.status in (401, 403) and not answer.body:
        yield Finding(
            "Deployment Protection is on: neither callers nor our own worker calls get through.",
            "Turn it off for production (Vercel → Settings → Deployment Protection), or set"
            " VERCEL_AUTOMATION_BYPASS_SECRET.",
        )
    elif not answer.body:
        yield Finding(f"/health-check answers {answer.status}, and not as this service does.",
                      "Check API_URL, and the functions' log in Vercel.")  # fmt: skip
    else:
        yield from _unwell(answer.body)


def _unwell(report: Mapping[str, object]) -> Iterator[Finding]:
    for part in ("supabase", "login"):
        state = report.get(part)
        if isinstance(state, Mapping) and state.get("error"):
            yield Finding(f"The deployment's health says: {state['error']}",
                          "See the findings about Supabase here.")  # fmt: skip
    if "operator" not in report:
        yield Finding(
            "CRON_SECRET here is not the deployment's: its health does not know it.",
            "Set the same CRON_SECRET in Vercel and here, and deploy again.",
        )


def browsers(facts: Facts) -> Iterator[Finding]:
    """Whether the site can sign people in, at the project that is meant."""
    if facts.site is None or facts.site.status == 0:
        return
    project = facts.site.body.get("supabase_url")
    if facts.site.status == 503:
        yield Finding("The deployment has no publishable key: nobody can sign in.",
                      "Set SUPABASE_PUBLISHABLE_KEY in Vercel and deploy again.")  # fmt: skip
    elif project and project != _supabase_url(facts):
        yield Finding(f"The deployment uses another project: {project}.",
                      "Pull its settings again: `vercel env pull`.")  # fmt: skip


def site_url(facts: Facts) -> Iterator[Finding]:
    """Where the links of Auth's mails lead."""
    answer = facts.site_redirect
    if answer is None or answer.status == 0:
        return
    try:
        site = settings.read_site_url(facts.environ)
    except SettingsError:
        return
    leads = answer.text.partition("#")[0].partition("?")[0].rstrip("/")
    if leads != site:
        yield Finding(
            f"Auth's Site URL is {leads or 'not set'}, not {site}: links in its mails lead there.",
            SETUP,
        )


def auth(facts: Facts) -> Iterator[Finding]:
    """SMTP, hook, redirects and mails, by the Management API."""
    if facts.management_error:
        yield Finding(facts.management_error, "Then run `make doctor` again.", error=False)
    if facts.auth is None:
        return
    if not facts.auth.get("smtp_host"):
        yield Finding(
            "Auth has no custom SMTP: 2 mails an hour, and only to members of your team. Nobody"
            " else can sign up.",
            "Set MAIL_TRANSPORT, MAIL_FROM and SMTP_URL or RESEND_API_KEY, then run"
            " `make supabase-setup`.",
        )
    try:
        hosting = environment.read(facts.environ)
    except SettingsError:
        return
    rules = project_settings.urls_and_rules(hosting, facts.auth) | project_settings.smtp(
        hosting.smtp
    )
    for group, error in ((rules, True), (project_settings.templates(), False)):
        for each in project_settings.differences(group, facts.auth, hosting.ref):
            if each.name != "site_url":  # which has a check of its own
                yield Finding(
                    f"Auth's {each.name} is {each.current}, not {each.required}.", SETUP, error
                )


def mails(facts: Facts) -> Iterator[Finding]:
    """Whether the service's own mails leave."""
    if not facts.environ.get("MAIL_TRANSPORT"):
        yield Finding(
            "MAIL_TRANSPORT is not set: mails about quota, payments and exports wait in the queue.",
            "Set MAIL_TRANSPORT, MAIL_FROM and SMTP_URL or RESEND_API_KEY.",
        )
    elif "@" not in facts.environ.get("MAIL_FROM", "") and not _on_this_machine(facts):
        yield Finding("MAIL_FROM is not set: providers refuse mails from nobody.",
                      "Set MAIL_FROM, such as Video <no-reply@example.com>.")  # fmt: skip


def storage(facts: Facts) -> Iterator[Finding]:
    """Buckets, and the size of files that Storage takes against what plans promise."""
    if isinstance(facts.database, Database) and facts.database.migrated:
        for name in BUCKETS:
            if name not in facts.database.buckets:
                yield Finding(f"The bucket {name} is missing.", PUSH)
            elif facts.database.buckets[name]:
                yield Finding(
                    f"The bucket {name} is public: whoever knows an address reads the file.",
                    "Make it private (Storage → the bucket → Edit).",
                )
    promised = _promised(facts)
    limit = int(facts.storage.get("fileSizeLimit") or 0) if facts.storage else None
    if limit is not None and limit < promised:
        yield Finding(project_settings.too_low(promised, limit), SETUP)
    elif limit is None and facts.takes_bytes is False:
        yield Finding(
            f"Storage takes no file of {promised} bytes, which the service promises.",
            "On a Free project set STORAGE_MAX_BYTES=52428800; else run `make supabase-setup`.",
        )


def stripe(facts: Facts) -> Iterator[Finding]:
    """Key, webhook and prices of Stripe."""
    if facts.stripe is None:
        yield Finding(
            "STRIPE_SECRET_KEY is not set: nothing can be bought.",
            "Set it and run `make stripe-setup`, or leave it so.",
            error=False,
        )
        return
    if facts.stripe.status in (401, 403):
        yield Finding("Stripe does not accept STRIPE_SECRET_KEY.",
                      "Copy the secret key from Stripe (Developers → API keys).")  # fmt: skip
        return
    if facts.stripe.status != 200:
        yield Finding("Stripe does not answer.", "Run `make doctor` again.", error=False)
        return
    setup = "Run `make stripe-setup`."
    webhook = f"{_api_url(facts)}/hooks/stripe"
    if not facts.stripe.webhooks.get(webhook):
        yield Finding(f"Stripe sends no events to {webhook}: payments change no plan.", setup)
    elif not facts.environ.get("STRIPE_WEBHOOK_SECRET"):
        yield Finding("STRIPE_WEBHOOK_SECRET is not set: events of Stripe are refused.",
                      "Set the secret that `make stripe-setup` printed, or roll it in"
                      " Stripe.")  # fmt: skip
    absent = sorted({"starter", "pro"} - facts.stripe.prices)
    if absent:
        yield Finding(f"Stripe has no price for {', '.join(absent)}.", setup)


def crons(facts: Facts) -> Iterator[Finding]:
    """Whether the database calls the crons, at this deployment."""
    if not isinstance(facts.database, Database) or not facts.database.can_schedule:
        return
    fix = "Run `make admin ARGS=schedule`."
    scheduled = facts.database.scheduled
    if not scheduled:
        yield Finding(
            "Only Vercel calls the crons: once a day on Hobby. Mails and lost jobs wait for it.",
            fix,
        )
        return
    if "ffmpeg-micro-forget-runs" not in scheduled:
        yield Finding("pg_cron's record of runs grows without an end.", fix)
    if not any(_api_url(facts) in command for command in scheduled.values()):
        yield Finding(f"The database calls the crons of another address than {_api_url(facts)}.",
                      fix)  # fmt: skip


def worker(facts: Facts) -> Iterator[Finding]:
    """The ffmpeg that ran last."""
    media = facts.health.body.get("media") if facts.health else None
    version = str(media.get("ffmpeg") or "") if isinstance(media, Mapping) else ""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if numbers and numbers < ffmpeg.FLOOR:
        yield Finding(
            f"ffmpeg {version} has known vulnerabilities.",
            "Unset FFMPEG_PATH, or use 9.0.2 or later.",
        )


def operator(facts: Facts) -> Iterator[Finding]:
    """Who runs the service, for the site and the policy."""
    if _on_this_machine(facts):
        return
    for name in ("OPERATOR_NAME", "OPERATOR_PLACE", "SUPPORT_EMAIL"):
        if not facts.environ.get(name):
            yield Finding(f"{name} is not set: the site and the policy do not say who you are.",
                          "Set it in Vercel and deploy again.", error=False)  # fmt: skip


CHECKS: tuple[Check, ...] = (
    missing_settings, addresses, keys, database, migrations, key_set, health, browsers, site_url,
    auth, mails, storage, stripe, crons, worker, operator,
)  # fmt: skip
"""The most important first: what the others depend on."""


def _value(facts: Facts, names: tuple[str, ...]) -> str | None:
    return next((facts.environ[name] for name in names if facts.environ.get(name)), None)


def _supabase_url(facts: Facts) -> str:
    return (_value(facts, settings.SUPABASE_URL) or "").rstrip("/")


def _api_url(facts: Facts) -> str:
    try:
        return settings.read_api_url(facts.environ)
    except SettingsError:
        return ""


def _on_this_machine(facts: Facts) -> bool:
    return urlsplit(_supabase_url(facts)).hostname in environment.LOCAL_HOSTS


def _promised(facts: Facts) -> int:
    """The largest file that the service promises."""
    try:
        most = settings.read_storage_max_bytes(facts.environ)
    except SettingsError:
        most = settings.MOST_FILE_BYTES
    plans = facts.database.plans if isinstance(facts.database, Database) else ()
    return min(most, max((plan.most_bytes for plan in plans), default=most))


def _kind(key: str) -> str | None:
    """Whether an API key looks like a `secret` or a `publishable` one."""
    if key.startswith(("sb_secret_", "sb_publishable_")):
        return key.split("_")[1]
    try:
        payload = key.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {"service_role": "secret", "anon": "publishable"}.get(claims.get("role"))
    except (IndexError, ValueError, binascii.Error, AttributeError):
        return None
