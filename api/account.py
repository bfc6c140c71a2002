"""/v1/account, /v1/api-keys: a person's own account, usage and keys; its export and its end."""

from typing import Any

from lib.accounts import account, guests, keys
from lib.accounts.callers import Caller
from lib.files import links
from lib.http.app import afterwards, create_app
from lib.http.auth import bearer
from lib.http.client import client_networks
from lib.http.routes.access import READ, Credential, Open
from lib.http.routes.declaration import Body, Routes
from lib.http.routes.models import Success
from lib.http.routes.parameters import PAGE, PERIOD, SIGNATURE, integer, text
from lib.jobs.api_models import Download
from lib.platform import wake
from lib.platform.errors import unauthorized
from lib.platform.supabase import auth
from lib.privacy import erase, export
from lib.usage import ledger, months

app = create_app(__name__)
route = Routes(app, "Account")

TRIES_PER_MINUTE = 60
FOLLOW = Open("link", 600, signed=True)
PERSON = Credential("jobs", only="person")
LOGIN_ERRORS = ("login_busy", "login_unavailable")
PRIVACY = "Privacy and support"


@route(
    "POST",
    "/v1/try",
    access=Open("try", TRIES_PER_MINUTE),
    body=Body(guests.Nothing, {}, optional=True),
    answer=guests.Guest,
    status=201,
    errors=["trial_limit"],
    tag="Service",
)
def try_it(body: guests.Nothing) -> guests.Guest:
    """Get a visitor's key for an hour and a few small files; a few per day"""
    return guests.open_account(client_networks())


@route("GET", "/v1/account", access=READ, answer=account.Account, errors=["account_not_found"])
def get_account(caller: Caller) -> account.Account:
    """Get your account"""
    return account.get(caller.account_id)


@route(
    "PATCH",
    "/v1/account",
    access=Credential("jobs", only="account"),
    body=Body(account.Change, {"name": "Ann Example", "retention": {"inputs": 24, "outputs": 72}}),
    answer=account.Changed,
    errors=["session_required", "email_not_changed", "account_not_found", *LOGIN_ERRORS],
)
def change_account(caller: Caller, body: account.Change) -> account.Changed:
    """Change name and address; a new address counts once it is confirmed"""
    token = bearer() if caller.key_id is None else None
    return account.change(caller.account_id, body, token)


@route(
    "GET",
    "/v1/account/usage",
    access=READ,
    query=[PERIOD],
    answer=months.Usage,
)
def get_usage(caller: Caller, period: str | None) -> months.Usage:
    """Get the minutes used by day and kind, and what is left"""
    return months.usage(caller.account_id, period)


@route(
    "GET",
    "/v1/account/ledger",
    access=READ,
    query=[
        PERIOD,
        PAGE,
        integer("limit", "1 to 1,000; clamped.", default=100, low=1, high=1000),
    ],
    answer=ledger.Entries,
)
def get_ledger(caller: Caller, period: str | None, page: int, limit: int) -> ledger.Entries:
    """List reservations, charges and grants of minutes, newest first"""
    return ledger.entries(caller.account_id, period, page=page, limit=limit)


@route(
    "DELETE",
    "/v1/account",
    access=Credential("jobs", only="person", window="erase", per_minute=erase.ATTEMPTS_PER_MINUTE),
    body=Body(erase.Erasure, {"password": "correct horse battery"}, optional=True),
    answer=erase.Erasing,
    status=202,
    errors=["wrong_password", "recent_login_required", "account_not_found", *LOGIN_ERRORS],
)
def delete_account(caller: Caller, body: erase.Erasure) -> erase.Erasing:
    """Delete the account and all its data; needs a session"""
    begun = erase.begin(caller.account_id, body, bearer())
    afterwards(wake.tasks)
    return begun


@route(
    "POST",
    "/v1/account/export",
    access=Credential("jobs", only="person", suspended_too=True),
    answer=export.Export,
    status=202,
    errors=["daily_limit"],
    tag=PRIVACY,
)
def ask_export(caller: Caller) -> Any:
    """Export all your data as one archive; a mail brings the link; needs a session"""
    archive = export.ask(caller.account_id)
    afterwards(wake.tasks)
    return archive, {"Location": "/v1/account/export"}


@route(
    "GET",
    "/v1/account/export",
    access=Credential("read", only="person"),
    answer=export.Export,
    tag=PRIVACY,
)
def get_export(caller: Caller) -> export.Export:
    """Get your newest export; needs a session"""
    return export.newest(caller.account_id)


@route(
    "GET",
    "/v1/account/export/{export_id}/download",
    access=FOLLOW,
    query=SIGNATURE,
    answer=Download,
    status=302,
    errors=["link_expired", "storage_unavailable"],
    tag=PRIVACY,
)
def download_export(export_id: str, expires: str, signature: str) -> Any:
    """Redirect to the archive of an export; needs no key"""
    target = export.resolve(export_id, expires, signature)
    return {"url": target}, {"Location": target}


@route(
    "GET",
    "/v1/account/export/file",
    access=FOLLOW,
    query=[
        text("file", "The file's `gs://` address.", default="", required=True),
        *SIGNATURE,
    ],
    answer=Download,
    status=302,
    errors=["link_expired", "file_deleted", "storage_unavailable"],
    tag=PRIVACY,
)
def download_exported_file(file: str, expires: str, signature: str) -> Any:
    """Redirect to a file that an export lists; needs no key"""
    target = links.resolve_file(file, expires, signature)
    return {"url": target}, {"Location": target}


@route(
    "DELETE",
    "/v1/account/sessions",
    access=PERSON,
    answer=Success,
    errors=LOGIN_ERRORS,
)
def sign_out_everywhere(caller: Caller) -> Success:
    """End all sessions; needs a session, not a key"""
    try:
        auth.sign_out_everywhere(bearer())
    except auth.AuthRefused as error:
        raise unauthorized(str(error)) from error
    account.end_sessions(caller.account_id)
    return Success(True)


@route("GET", "/v1/api-keys", access=READ, answer=keys.Keys, tag="Keys")
def list_keys(caller: Caller) -> keys.Keys:
    """List your keys"""
    return keys.list_keys(caller.account_id)


@route(
    "POST",
    "/v1/api-keys",
    access=PERSON,
    body=Body(keys.NewKey, {"label": "website", "scopes": ["jobs", "read"]}),
    answer=keys.Created,
    status=201,
    errors=["key_limit"],
    tag="Keys",
)
def create_key(caller: Caller, body: keys.NewKey) -> Any:
    """Create a key, shown only in this response; needs a session"""
    created = keys.create(caller.account_id, body)
    return created, {"Location": f"/v1/api-keys/{created.id}"}


@route(
    "PATCH",
    "/v1/api-keys/{key_id}",
    access=PERSON,
    body=Body(keys.Rename, {"label": "shop"}),
    answer=keys.Key,
    errors=["key_not_found"],
    tag="Keys",
)
def rename_key(caller: Caller, key_id: str, body: keys.Rename) -> keys.Key:
    """Change the label of a key; needs a session"""
    return keys.rename(caller.account_id, key_id, body)


@route(
    "DELETE",
    "/v1/api-keys/{key_id}",
    access=PERSON,
    answer=None,
    status=204,
    errors=["key_not_found"],
    tag="Keys",
)
def revoke_key(caller: Caller, key_id: str) -> None:
    """Revoke a key at once; needs a session"""
    keys.revoke(caller.account_id, key_id)
