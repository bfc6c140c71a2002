"""Looks at a deployment for `make doctor`: its database, Supabase, Stripe and its own answers.

Nothing is changed, except for an upload that is begun at Storage and deleted at once.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin

import httpx

from lib.platform import settings
from lib.platform.settings import Project, SettingsError
from lib.platform.supabase.key_set import KeySet
from tools.hosted import environment
from tools.hosted.facts import Answer, Database, Facts, Plan, Stripe
from tools.hosted.management import Management, ManagementError

SECONDS = 15
MIGRATIONS = Path(__file__).parent.parent.parent / "supabase" / "migrations"
STRIPE_URL = "https://api.stripe.com"


def gather(environ: Mapping[str, str]) -> Facts:
    """Everything that can be known of the deployment which `environ` describes. Never raises."""
    project = _project(environ)
    with ThreadPoolExecutor(8) as pool:
        database = pool.submit(_database, environ)
        keys = pool.submit(_key_set, environ)
        redirect = pool.submit(_site_redirect, environ)
        health = pool.submit(_deployment, environ, "/health-check")
        site = pool.submit(_deployment, environ, "/v1/site")
        stripe = pool.submit(_stripe, environ)
        auth, storage, error = _management(environ)
        rows = database.result()
        plans = rows.plans if isinstance(rows, Database) else ()
        return Facts(
            environ=environ,
            database=rows,
            key_set=keys.result(),
            site_redirect=redirect.result(),
            health=health.result(),
            site=site.result(),
            takes_bytes=_takes(project, environ, plans) if project and storage is None else None,
            auth=auth,
            storage=storage,
            management_error=error,
            stripe=stripe.result(),
        )


def _project(environ: Mapping[str, str]) -> Project | None:
    try:
        return settings.read_project(environ)
    except SettingsError:
        return None


def _supabase_url(environ: Mapping[str, str]) -> str | None:
    try:
        return settings.read_supabase_url(environ)
    except SettingsError:
        return None


def _database(environ: Mapping[str, str]) -> Database | str | None:
    import psycopg

    placeholders = {
        name: "-" for names in (settings.SUPABASE_URL, settings.SECRET_KEY) for name in names
    }
    try:
        url = settings.read_project(placeholders | dict(environ)).postgres_url
    except SettingsError:
        return None
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=SECONDS, prepare_threshold=None
        ) as connection:
            return _rows(connection)
    except psycopg.Error as error:
        return _sentence(str(error) or type(error).__name__)


def _rows(connection: Any) -> Database:
    def rows(statement: str) -> list[tuple[Any, ...]]:
        return list(connection.execute(statement.encode()).fetchall())

    [(migrated, record, cron, buckets)] = rows(
        "select to_regclass('app.plans') is not null,"
        " to_regclass('supabase_migrations.schema_migrations') is not null,"
        " to_regclass('cron.job') is not null, to_regclass('storage.buckets') is not null"
    )
    [(ready,)] = rows(
        "select count(*) from pg_available_extensions where name in ('pg_cron', 'pg_net')"
    )
    missing: tuple[str, ...] | None = None
    if record:
        applied = {
            version
            for (version,) in rows("select version from supabase_migrations.schema_migrations")
        }
        missing = tuple(
            path.name
            for path in sorted(MIGRATIONS.glob("*.sql"))
            if path.name.partition("_")[0] not in applied
        )
    jobs = "select jobname, command from cron.job where jobname like 'ffmpeg-micro-%' and active"
    promises = "select id, greatest(max_input_bytes, max_output_bytes) from app.plans"
    return Database(
        migrated=migrated,
        missing_migrations=missing,
        buckets=dict(rows("select id, coalesce(public, false) from storage.buckets"))
        if buckets
        else {},
        plans=tuple(Plan(*row) for row in rows(promises)) if migrated else (),
        can_schedule=ready == 2,
        scheduled=dict(rows(jobs)) if cron else {},
    )


def _key_set(environ: Mapping[str, str]) -> Literal["ready", "empty", "away"] | None:
    import jwt

    url = _supabase_url(environ)
    if url is None:
        return None
    try:
        usable = KeySet(f"{url}/auth/v1/.well-known/jwks.json").usable()
    except jwt.PyJWTError:
        return "away"
    return "ready" if usable else "empty"


def _site_redirect(environ: Mapping[str, str]) -> Answer | None:
    """A link that is not valid leads to the Site URL, whatever the project."""
    url = _supabase_url(environ)
    if url is None:
        return None
    try:
        answer = httpx.get(
            f"{url}/auth/v1/verify?token=x&type=signup", timeout=SECONDS, follow_redirects=False
        )
    except httpx.HTTPError as error:
        return Answer(0, type(error).__name__)
    if not answer.is_redirect:
        return Answer(0, f"{answer.status_code}")
    return Answer(answer.status_code, urljoin(str(answer.url), answer.headers["Location"]))


def _deployment(environ: Mapping[str, str], path: str) -> Answer | None:
    try:
        url = settings.read_api_url(environ)
    except SettingsError:
        return None
    headers = {"Authorization": f"Bearer {environ.get('CRON_SECRET', '')}"}
    if environ.get("VERCEL_AUTOMATION_BYPASS_SECRET"):
        headers["x-vercel-protection-bypass"] = environ["VERCEL_AUTOMATION_BYPASS_SECRET"]
    return _ask("GET", f"{url}{path}", headers=headers)


def _takes(project: Project, environ: Mapping[str, str], plans: tuple[Plan, ...]) -> bool | None:
    """Whether Storage takes a file as large as is promised, by beginning a resumable upload."""
    try:
        most = settings.read_storage_max_bytes(environ)
    except SettingsError:
        return None
    size = min(most, max((plan.most_bytes for plan in plans), default=most))
    names = {"bucketName": "outputs", "objectName": "doctor/size", "contentType": "video/mp4"}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}"
                        for key, value in names.items())  # fmt: skip
    headers = {
        "apikey": project.secret_key,
        "Authorization": f"Bearer {project.secret_key}",
        "Tus-Resumable": "1.0.0",
    }
    url = f"{project.url}/storage/v1/upload/resumable"
    try:
        with httpx.Client(headers=headers, timeout=SECONDS) as http:
            answer = http.post(
                url,
                headers={"Upload-Length": str(size), "Upload-Metadata": metadata,
                         "x-upsert": "true"},
            )  # fmt: skip
            if answer.status_code == 201:
                http.delete(urljoin(url, answer.headers["Location"]))
    except (httpx.HTTPError, KeyError):
        return None
    return {201: True, 413: False}.get(answer.status_code)


def _management(
    environ: Mapping[str, str],
) -> tuple[dict[str, Any] | None, dict[str, Any] | None, str | None]:
    """Auth's and Storage's settings, or why they are not known."""
    try:
        token, ref = environment.access_token(environ), environment.project_ref(environ)
    except SettingsError as error:
        hosted = environment.HOSTED.search(_supabase_url(environ) or "")
        without = f"SMTP, the hook and mails are not checked. {error}"
        return None, None, without if hosted else None
    management = Management(environment.management_url(environ), ref, token)
    try:
        return management.read("auth"), management.read("storage"), None
    except ManagementError as error:
        return None, None, str(error)
    finally:
        management.close()


def _stripe(environ: Mapping[str, str]) -> Stripe | None:
    key = environ.get("STRIPE_SECRET_KEY")
    if not key:
        return None
    url = (environ.get("STRIPE_URL") or STRIPE_URL).rstrip("/")
    headers = {"Authorization": f"Bearer {key}"}
    endpoints = _ask("GET", f"{url}/v1/webhook_endpoints?limit=100", headers=headers)
    plans = "lookup_keys[]=starter&lookup_keys[]=pro"
    prices = _ask("GET", f"{url}/v1/prices?active=true&limit=100&{plans}", headers=headers)
    return Stripe(
        endpoints.status,
        {str(each.get("url")): each.get("status") == "enabled" for each in _items(endpoints)},
        frozenset(str(each.get("lookup_key")) for each in _items(prices)),
    )


def _items(answer: Answer) -> list[Mapping[str, Any]]:
    data = answer.body.get("data")
    return [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []


def _ask(method: str, url: str, headers: Mapping[str, str]) -> Answer:
    try:
        response = httpx.request(method, url, headers=dict(headers), timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(0, type(error).__name__)
    try:
        body = response.json()
    except ValueError:
        body = None
    return Answer(response.status_code, "", body if isinstance(body, dict) else {})


def _sentence(text: str) -> str:
    """The first line of an error of libpq, which names host and user but no password."""
    line = " ".join(text.split())[:200]
    return "".join(each if each.isprintable() else "?" for each in line).rstrip(".")
