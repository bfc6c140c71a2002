"""/v1/transcodes: create, list, get, cancel, retry, download, report."""

import time
from collections.abc import Callable

from flask import Response

from lib.files import delete, links
from lib.http.app import afterwards, answer, create_app
from lib.http.auth import authenticate, authenticate_account, limit_address
from lib.http.body import json_body, parse, query_int, query_text, query_time
from lib.jobs import cancel, create, listing, read, retry
from lib.jobs.api_models import Accepted
from lib.media.request.models import TranscodeRequest
from lib.platform import wake
from lib.privacy import reports

app = create_app(__name__)

LINKS_PER_MINUTE = 600
"""Links to inputs that one address may follow: their key is their signature."""


@app.post("/v1/transcodes")
def create_transcode() -> Response:
    caller = authenticate()
    request = parse(json_body(), TranscodeRequest)
    return _created(lambda: create.create(caller, request))


@app.get("/v1/transcodes")
def list_transcodes() -> Response:
    caller = authenticate()
    wanted = listing.Wanted(
        page=query_int("page", 1, 1, 100_000),
        limit=query_int("limit", 20, 1, 100),
        order=query_text("order"),
        status=query_text("status"),
        job_type=query_text("job_type"),
        search=query_text("q"),
        since=query_time("since"),
        until=query_time("until"),
        cursor=query_text("cursor"),
    )
    listed = listing.page(caller.account_id, wanted)
    return answer(listed, headers={"X-Total-Count": str(listed.total)})


@app.get("/v1/transcodes/<job_id>")
def get_transcode(job_id: str) -> Response:
    caller = authenticate()
    job, stalled = read.get(caller.account_id, job_id)
    if stalled:  # the call that followed the create was lost, or the worker died
        afterwards(_wake_once)
    return answer(job)


@app.delete("/v1/transcodes/<job_id>")
def delete_transcode_files(job_id: str) -> Response:
    return answer(delete.delete_job_files(authenticate().account_id, job_id))


@app.patch("/v1/transcodes/<job_id>/cancel")
def cancel_transcode(job_id: str) -> Response:
    return answer(cancel.cancel(authenticate(suspended_too=True).account_id, job_id))


@app.post("/v1/transcodes/<job_id>/retry")
def retry_transcode(job_id: str) -> Response:
    caller = authenticate()
    return _created(lambda: retry.again(caller, job_id))


@app.get("/v1/transcodes/<job_id>/download")
def download_transcode(job_id: str) -> Response:
    return answer(read.download(authenticate().account_id, job_id))


@app.post("/v1/transcodes/<job_id>/report")
def report_transcode(job_id: str) -> Response:
    caller = authenticate_account(suspended_too=True)
    made = reports.report(caller.account_id, job_id, parse(json_body(), reports.NewReport))
    afterwards(wake.tasks)
    return answer(made, 201)


@app.get("/v1/transcodes/<job_id>/inputs/<int:index>")
def follow_input_link(job_id: str, index: int) -> Response:
    """The link in `inputs[].downloadUrl`: its signature is its key."""
    limit_address("link", LINKS_PER_MINUTE)
    target = links.resolve(
        job_id, index, query_text("expires") or "", query_text("signature") or ""
    )
    return answer({"url": target}, 302, {"Location": target})


def _created(make: Callable[[], Accepted]) -> Response:
    try:
        accepted = make()
    except create.QuotaExceeded:
        afterwards(wake.tasks)  # a mail may tell of it
        raise
    afterwards(wake.worker)
    return answer(accepted, 201, {"Location": f"/v1/transcodes/{accepted.id}"})


_woken = 0.0


def _wake_once() -> None:
    """Wake the worker, but not for every poll of every waiting client."""
    global _woken
    if time.monotonic() - _woken > read.STALLED_SECONDS:
        _woken = time.monotonic()
        wake.worker()
