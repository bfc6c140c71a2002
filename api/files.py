"""/v1/upload, /v1/ffprobe, /v1/validate: links to upload to, confirmation, a look before a job."""

from typing import Any

from lib.accounts.callers import Caller
from lib.files import delete, uploads
from lib.http.app import create_app
from lib.http.body import parse
from lib.http.routes.access import JOBS, Credential
from lib.http.routes.declaration import Body, Routes
from lib.http.routes.models import (
    ConfirmedAnswer,
    ConfirmRequest,
    PresignedAnswer,
    PresignRequest,
    Probed,
)
from lib.http.slow_calls import CONFIRM, LOOK, slow_call
from lib.jobs import validate as validation
from lib.media.request.members import unknown_members
from lib.media.request.models import TranscodeRequest
from lib.platform.errors import ProbeError, Refused

app = create_app(__name__)
route = Routes(app, "Uploads")

PROBES_PER_MINUTE = 30
VALIDATIONS_PER_MINUTE = 60
CONFIRMS_PER_MINUTE = 120
SLOW = ("too_many_slow_calls", "busy")
STORED = "20261123-101500-9f2c11aa-holiday.mov"


@route(
    "POST",
    "/v1/upload/presigned-url",
    access=JOBS,
    body=Body(
        PresignRequest,
        {"filename": "holiday.mov", "contentType": "video/quicktime", "fileSize": 991017},
        plain=True,
    ),
    answer=PresignedAnswer,
    errors=[
        *("invalid_file_type", "invalid_file_size", "file_too_large", "upload_limit"),
        "storage_unavailable",
    ],
)
def create_upload(caller: Caller, body: Any) -> PresignedAnswer:
    """Get a link to upload a file to, valid for 15 minutes"""
    return PresignedAnswer(True, uploads.presign(caller, body))


@route(
    "POST",
    "/v1/upload/confirm",
    access=Credential("jobs", window="confirm", per_minute=CONFIRMS_PER_MINUTE),
    body=Body(ConfirmRequest, {"filename": STORED, "fileSize": 991017}, plain=True),
    answer=ConfirmedAnswer,
    errors=[
        *("invalid_file_size", "upload_incomplete", "file_size_mismatch"),
        *("file_not_found", "file_deleted", "storage_unavailable"),
        *SLOW,
    ],
)
def confirm_upload(caller: Caller, body: Any) -> ConfirmedAnswer:
    """Confirm that the file was sent; it is checked and probed"""
    with slow_call(caller, CONFIRM):
        return ConfirmedAnswer(True, uploads.confirm(caller, body))


@route(
    "DELETE",
    "/v1/upload/{filename}",
    access=JOBS,
    answer=delete.Deleted,
    errors=["file_not_found", "file_in_use", "deletion_pending"],
)
def delete_upload(caller: Caller, filename: str) -> delete.Deleted:
    """Delete an upload now"""
    return delete.delete_upload(caller.account_id, filename)


@route(
    "POST",
    "/v1/ffprobe",
    access=Credential("jobs", window="ffprobe", per_minute=PROBES_PER_MINUTE),
    body=Body(
        uploads.ProbeRequest,
        {"url": f"gs://uploads/3f0c8a4e-9d3b-4c55-8d0e-0a6a3c1f2b7d/{STORED}"},
    ),
    answer=Probed,
    errors=[
        *("not_a_stored_file", "file_too_large", "file_not_found", "file_deleted"),
        *("unreadable_media", "file_unavailable"),
        *SLOW,
    ],
    error_models={
        "not_a_stored_file": ProbeError,
        "file_too_large": ProbeError,
        "file_not_found": ProbeError,
        "file_deleted": ProbeError,
        "unreadable_media": ProbeError,
        "file_unavailable": ProbeError,
    },
)
def probe(caller: Caller, body: uploads.ProbeRequest) -> Probed:
    """Probe an upload; free, creates no job, 2 at once"""
    with slow_call(caller, LOOK):
        return Probed(body.url, uploads.inspect(caller, body.url))


@route(
    "POST",
    "/v1/validate",
    access=Credential("jobs", window="validate", per_minute=VALIDATIONS_PER_MINUTE),
    body=Body(
        TranscodeRequest,
        {
            "inputs": [{"url": "https://example.com/holiday.mov"}],
            "outputFormat": "webm",
            "preset": {"quality": "high", "resolution": "720p"},
        },
        plain=True,
    ),
    most_bytes=1_000_000,
    answer=validation.Validation,
    errors=[
        *("invalid_job", "file_not_found", "file_deleted", "unreadable_media"),
        "storage_unavailable",
        *SLOW,
    ],
    error_models={"invalid_job": Refused},
    tag="Jobs",
)
def validate(caller: Caller, body: Any) -> validation.Validation:
    """Show what this request would do and cost; free, creates no job, 2 at once"""
    request = parse(body, TranscodeRequest)
    with slow_call(caller, LOOK):
        return validation.validate(caller, request, unknown_members(body, TranscodeRequest))
