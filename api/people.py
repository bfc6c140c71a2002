"""/v1/policies, /v1/support, reports and the record of access: what is between people and us."""

from lib.accounts.callers import Caller
from lib.http.app import afterwards, create_app
from lib.http.routes.access import READ, Credential, Open, OptionalCredential
from lib.http.routes.declaration import Body, Routes
from lib.platform import wake
from lib.privacy import policies, reports, staff, support

app = create_app(__name__)
route = Routes(app, "Privacy and support")

READS_PER_MINUTE = 120
MESSAGES_PER_MINUTE = 10
WRITER = Credential("read", window="support", per_minute=MESSAGES_PER_MINUTE, suspended_too=True)


@route("GET", "/v1/account/reports", access=READ, answer=reports.Reports)
def list_reports(caller: Caller) -> reports.Reports:
    """List your reports"""
    return reports.listed(caller.account_id)


@route("GET", "/v1/account/access-log", access=READ, answer=staff.Accesses)
def list_accesses(caller: Caller) -> staff.Accesses:
    """List each access of our staff to your files"""
    return staff.accesses(caller.account_id)


@route("GET", "/v1/policies", access=Open("policies", READS_PER_MINUTE), answer=policies.Policies)
def list_policies() -> policies.Policies:
    """List the versions of the privacy policy and terms, newest first"""
    return policies.listed()


@route(
    "POST",
    "/v1/policies/{version}/accept",
    access=Credential("jobs", only="person", suspended_too=True),
    answer=policies.Acceptance,
    errors=["policy_not_found"],
)
def accept_policy(caller: Caller, version: str) -> policies.Acceptance:
    """Accept a version; needs a session; repeating it changes nothing"""
    return policies.accept(caller.account_id, version)


@route(
    "POST",
    "/v1/support",
    access=OptionalCredential(WRITER, "support", MESSAGES_PER_MINUTE),
    body=Body(support.Letter, {"message": "How do I join two files?", "email": "ann@example.com"}),
    answer=support.Received,
    status=201,
    errors=["job_not_found", "daily_limit"],
)
def write_to_support(caller: Caller | None, body: support.Letter) -> support.Received:
    """Write to support, with a credential, or without one and with your address"""
    # A visitor's account has no address to answer to: the letter must say one.
    known = caller is not None and not caller.guest
    received = support.receive(body, caller.account_id if caller and known else None)
    afterwards(wake.tasks)
    return received
