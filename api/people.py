"""/v1/policies, /v1/support, reports and the record of access: what is between people and us."""

from flask import Response

from lib.http.app import afterwards, answer, create_app
from lib.http.auth import authenticate, authenticate_person, has_credential, limit_address
from lib.http.body import json_body, parse
from lib.platform import wake
from lib.privacy import policies, reports, staff, support

app = create_app(__name__)

READS_PER_MINUTE = 120
MESSAGES_PER_MINUTE = 10


@app.get("/v1/account/reports")
def list_reports() -> Response:
    return answer(reports.listed(authenticate().account_id))


@app.get("/v1/account/access-log")
def list_accesses() -> Response:
    return answer(staff.accesses(authenticate().account_id))


@app.get("/v1/policies")
def list_policies() -> Response:
    limit_address("policies", READS_PER_MINUTE)
    return answer(policies.listed())


@app.post("/v1/policies/<version>/accept")
def accept_policy(version: str) -> Response:
    return answer(policies.accept(authenticate_person(suspended_too=True).account_id, version))


@app.post("/v1/support")
def write_to_support() -> Response:
    """With a credential or without one."""
    limit_address("support", MESSAGES_PER_MINUTE)
    account_id = None
    if has_credential():
        caller = authenticate(
            window="support",
            per_minute=MESSAGES_PER_MINUTE,
            scope="read",
            suspended_too=True,
        )
        # A visitor's account has no address to answer to: the letter must say one.
        account_id = None if caller.guest else caller.account_id
    received = support.receive(parse(json_body(), support.Letter), account_id)
    afterwards(wake.tasks)
    return answer(received, 201)
