"""/v1/account, /v1/api-keys: a person's own account, usage and keys; its export and its end."""

from flask import Response

from lib.accounts import account, guests, keys
from lib.files import links
from lib.http.app import afterwards, answer, create_app
from lib.http.auth import (
    authenticate,
    authenticate_account,
    authenticate_person,
    bearer,
    limit_address,
)
from lib.http.body import json_body, optional_body, parse, query_int, query_text
from lib.http.client import client_networks
from lib.platform import wake
from lib.platform.errors import Problem
from lib.platform.supabase import auth
from lib.privacy import erase, export
from lib.usage import ledger, months

app = create_app(__name__)

LINKS_PER_MINUTE = 600
TRIES_PER_MINUTE = 60


@app.post("/v1/try")
def try_it() -> Response:
    limit_address("try", TRIES_PER_MINUTE)
    optional_body(guests.Nothing)
    return answer(guests.open_account(client_networks()), 201)


@app.get("/v1/account")
def get_account() -> Response:
    return answer(account.get(authenticate().account_id))


@app.patch("/v1/account")
def change_account() -> Response:
    caller = authenticate_account()
    token = bearer() if caller.key_id is None else None
    return answer(account.change(caller.account_id, parse(json_body(), account.Change), token))


@app.get("/v1/account/usage")
def get_usage() -> Response:
    return answer(months.usage(authenticate().account_id, query_text("period")))


@app.get("/v1/account/ledger")
def get_ledger() -> Response:
    return answer(
        ledger.entries(
            authenticate().account_id,
            query_text("period"),
            page=query_int("page", 1, 1, 100_000),
            limit=query_int("limit", 100, 1, 1000),
        )
    )


@app.delete("/v1/account")
def delete_account() -> Response:
    caller = authenticate_person(window="erase", per_minute=erase.ATTEMPTS_PER_MINUTE)
    begun = erase.begin(caller.account_id, optional_body(erase.Erasure), bearer())
    afterwards(wake.tasks)
    return answer(begun, 202)


@app.post("/v1/account/export")
def ask_export() -> Response:
    asked = export.ask(authenticate_person(suspended_too=True).account_id)
    afterwards(wake.tasks)
    return answer(asked, 202, {"Location": "/v1/account/export"})


@app.get("/v1/account/export")
def get_export() -> Response:
    return answer(export.newest(authenticate_person().account_id))


@app.get("/v1/account/export/<export_id>/download")
def download_export(export_id: str) -> Response:
    """The link in the mail: its signature is its key."""
    limit_address("link", LINKS_PER_MINUTE)
    target = export.resolve(export_id, query_text("expires") or "", query_text("signature") or "")
    return answer({"url": target}, 302, {"Location": target})


@app.get("/v1/account/export/file")
def download_file() -> Response:
    """The links in an export's list of files."""
    limit_address("link", LINKS_PER_MINUTE)
    target = links.resolve_file(
        query_text("file") or "", query_text("expires") or "", query_text("signature") or ""
    )
    return answer({"url": target}, 302, {"Location": target})


@app.delete("/v1/account/sessions")
def sign_out_everywhere() -> Response:
    caller = authenticate_person()
    try:
        auth.sign_out_everywhere(bearer())
    except auth.AuthRefused as error:
        raise Problem(401, "unauthorized", str(error)) from error
    account.end_sessions(caller.account_id)
    return answer({"success": True})


@app.get("/v1/api-keys")
def list_keys() -> Response:
    return answer(keys.listed(authenticate().account_id))


@app.post("/v1/api-keys")
def create_key() -> Response:
    caller = authenticate_person()
    made = keys.create(caller.account_id, parse(json_body(), keys.NewKey))
    return answer(made, 201, {"Location": f"/v1/api-keys/{made.id}"})


@app.patch("/v1/api-keys/<key_id>")
def rename_key(key_id: str) -> Response:
    caller = authenticate_person()
    return answer(keys.rename(caller.account_id, key_id, parse(json_body(), keys.Rename)))


@app.delete("/v1/api-keys/<key_id>")
def revoke_key(key_id: str) -> Response:
    keys.revoke(authenticate_person().account_id, key_id)
    return Response(status=204)
