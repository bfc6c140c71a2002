"""/v1/transcodes: create, list, get, cancel, retry, download, report."""

import time
from collections.abc import Callable
from typing import Any

from lib.accounts.callers import Caller
from lib.files import delete, links
from lib.http.app import afterwards, create_app
from lib.http.routes.access import JOBS, READ, Credential, Open
from lib.http.routes.declaration import Body, Routes
from lib.http.routes.parameters import PAGE, SIGNATURE, integer, moment, text
from lib.jobs import cancel, create, listing, read, retry
from lib.jobs.api_models import Accepted, Canceled, Download, Transcode, TranscodeList
from lib.jobs.cursor import ORDERS
from lib.media.request.models import TranscodeRequest
from lib.platform import wake
from lib.platform.errors import QuotaError, Refused
from lib.privacy import reports

app = create_app(__name__)
route = Routes(app, "Jobs")

LINKS_PER_MINUTE = 600
"""Links to inputs that one address may follow: their key is their signature."""
CREATE_ERRORS = ("invalid_job", "quota_exceeded", "file_not_found", "file_deleted")
LIST_QUERY = (
    text("status", "One status; an unknown one gives an empty list."),
    text(
        "q",
        "Part of the name or address of an input, or the beginning of an id; of the newest"
        f" {listing.SEARCHED:,} jobs.",
        argument="search",
        maxLength=listing.MAX_SEARCH,
    ),
    PAGE,
    integer("limit", "1 to 100; clamped.", default=20, low=1, high=100),
    text(
        "cursor",
        "`next_cursor` or `end_cursor` of an earlier answer: the list goes on there, with the same"
        " order. Not together with `page`.",
        maxLength=34,
    ),
    text(
        "order",
        "By default updated_at.asc (the oldest change first) with `since`, else created_at.desc.",
        enum=list(ORDERS),
    ),
    text("job_type", "One kind.", enum=["transcode", "transcribe"]),
    moment(
        "since",
        "Inclusive, on `updated_at`: the last one you saw comes again. Without `order`, jobs at"
        " exactly this moment do not count towards `limit` if they would fill it.",
    ),
    moment("until", "Inclusive, on `updated_at`."),
)


@route(
    "POST",
    "/v1/transcodes",
    access=JOBS,
    body=Body(
        TranscodeRequest,
        {
            "inputs": [{"url": "https://example.com/holiday.mov"}],
            "outputFormat": "mp4",
            "options": [
                {"option": "@trim", "argument": {"start": 5, "duration": 30}},
                {"option": "-crf", "argument": 23},
            ],
            "metadata": {"order": 4711},
        },
    ),
    most_bytes=1_000_000,
    answer=Accepted,
    status=201,
    errors=[*CREATE_ERRORS, "too_many_failed_jobs"],
    error_models={"invalid_job": Refused, "quota_exceeded": QuotaError},
)
def create_transcode(caller: Caller, body: TranscodeRequest) -> Any:
    """Create a job"""
    return _created(lambda: create.create(caller, body))


@route(
    "GET",
    "/v1/transcodes",
    access=READ,
    query=LIST_QUERY,
    answer=TranscodeList,
    errors=["invalid_cursor"],
)
def list_transcodes(caller: Caller, **query: Any) -> Any:
    """List your jobs in pages"""
    listed = listing.page(caller.account_id, listing.Query(**query))
    return listed, {"X-Total-Count": str(listed.total)}


@route("GET", "/v1/transcodes/{id}", access=READ, answer=Transcode, errors=["job_not_found"])
def get_transcode(caller: Caller, id: str) -> Transcode:
    """Get a job"""
    job, stalled = read.get(caller.account_id, id)
    if stalled:  # the call that followed the create was lost, or the worker died
        afterwards(_wake_once)
    return job


@route(
    "DELETE",
    "/v1/transcodes/{id}",
    access=JOBS,
    answer=delete.Deleted,
    errors=["job_not_found", "job_not_ended", "deletion_pending"],
)
def delete_transcode_files(caller: Caller, id: str) -> delete.Deleted:
    """Delete the files of an ended job now; its record stays"""
    return delete.delete_job_files(caller.account_id, id)


@route(
    "PATCH",
    "/v1/transcodes/{id}/cancel",
    access=Credential("jobs", suspended_too=True),
    answer=Canceled,
    errors=["job_not_found", "job_already_ended"],
)
def cancel_transcode(caller: Caller, id: str) -> Canceled:
    """Cancel a job that has not ended"""
    return cancel.cancel(caller.account_id, id)


@route(
    "POST",
    "/v1/transcodes/{id}/retry",
    access=JOBS,
    answer=Accepted,
    status=201,
    errors=[
        *CREATE_ERRORS,
        *("job_not_found", "job_not_ended", "job_outdated", "too_many_failed_jobs"),
    ],
    error_models={"invalid_job": Refused, "quota_exceeded": QuotaError},
)
def retry_transcode(caller: Caller, id: str) -> Any:
    """Create a new job with the request of an ended one, which stays"""
    return _created(lambda: retry.retry(caller, id))


@route(
    "GET",
    "/v1/transcodes/{id}/download",
    access=READ,
    answer=Download,
    errors=[
        *("job_not_found", "job_not_completed", "no_output"),
        *("file_deleted", "storage_unavailable"),
    ],
)
def download_transcode(caller: Caller, id: str) -> Download:
    """Get a signed link to the output, valid for 10 minutes"""
    return read.download(caller.account_id, id)


@route(
    "POST",
    "/v1/transcodes/{id}/report",
    access=Credential("jobs", only="account", suspended_too=True),
    body=Body(reports.NewReport, {"message": "The audio is missing after a minute."}),
    answer=reports.Report,
    status=201,
    errors=["job_not_found", "report_limit", "daily_limit"],
)
def report_transcode(caller: Caller, id: str, body: reports.NewReport) -> reports.Report:
    """Report a problem with a job; while the report is open, staff may open its files"""
    report = reports.report(caller.account_id, id, body)
    afterwards(wake.tasks)
    return report


@route(
    "GET",
    "/v1/transcodes/{id}/inputs/{index}",
    access=Open("link", LINKS_PER_MINUTE, signed=True),
    query=SIGNATURE,
    answer=Download,
    status=302,
    errors=["link_expired", "storage_unavailable"],
)
def follow_input_link(id: str, index: int, expires: str, signature: str) -> Any:
    """Redirect to an input, from `inputs[].downloadUrl`; needs no key"""
    target = links.resolve(id, index, expires, signature)
    return {"url": target}, {"Location": target}


def _created(make: Callable[[], Accepted]) -> tuple[Accepted, dict[str, str]]:
    try:
        accepted = make()
    except create.QuotaExceeded:
        afterwards(wake.tasks)  # it may have queued a mail
        raise
    afterwards(wake.worker)
    return accepted, {"Location": f"/v1/transcodes/{accepted.id}"}


_woken = 0.0


def _wake_once() -> None:
    """Wake the worker, but not for every poll of every waiting client."""
    global _woken
    if time.monotonic() - _woken > read.STALLED_SECONDS:
        _woken = time.monotonic()
        wake.worker()
