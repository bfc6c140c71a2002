"""The shapes of jobs on the wire, as official clients read them (docs/contract.md, section 4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec

from lib import models
from lib.files import addresses, links
from lib.jobs.receipt import Receipt
from lib.platform.times import stamp, stamp_or_none

Model = TypeVar("Model")
Status = Literal["pending", "processing", "completed", "failed", "canceled"]
STATUSES = ("pending", "processing", "completed", "failed", "canceled")
Category = Literal[
    "processing_limit", "file_size", "quota", "upload", "storage", "validation",
    "processing", "transient", "unknown",
]  # fmt: skip


class JobInput(msgspec.Struct, omit_defaults=True):
    """One input of a job."""

    url: str
    """As it was asked for: a public URL, or the gs:// address of an upload or output."""
    filename: str
    """The name its owner gave the upload, or the last segment of the URL, decoded."""
    duration: float
    """Seconds; 0 for a still image, and until it is known."""
    format: str
    """The container format; `unknown` until it is known."""
    size_bytes: str
    """Bytes as a decimal string; "0" until they are known."""
    options: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    """Options of this input."""
    downloadUrl: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815 -- the wire's name
    """Leads to a stored input for ten minutes; never stored."""


class JobOutput(msgspec.Struct):
    """One output of a completed job."""

    url: str
    """The gs:// address, which another job may read; a download link has a route of its own."""
    filename: str
    """The name of the download: that of the first input, with the output's extension."""
    size_bytes: int
    """The size in bytes."""
    format: str
    """The container format."""


class FfmpegOptions(msgspec.Struct):
    """The normalized options handed to ffmpeg, for audit."""

    source: Literal["preset", "raw_options", "virtual_options", "defaults"]
    """Where the options came from."""
    options: list[dict[str, Any]]
    """The options, in order."""
    preset: dict[str, Any] | None
    """The preset that was requested; null if none was."""


class Transcode(msgspec.Struct):
    """A job as it is read."""

    id: str
    """The job's id."""
    job_type: Literal["transcode", "transcribe"]
    """The kind of job."""
    status: Status
    """`pending`, then `processing`, then one of the others."""
    output_format: str
    """The output's format, as requested."""
    inputs: list[JobInput]
    """The inputs, in order."""
    outputs: list[JobOutput]
    """The outputs; empty until the job completes."""
    output_url: str | None
    """`outputs[0].url`; null until it is completed."""
    created_at: str
    """When the job was created, ISO 8601."""
    updated_at: str
    """When the job last changed, ISO 8601."""
    started_at: str | None
    """When a worker first started the job; null until then."""
    completed_at: str | None
    """When the job completed; null unless it did."""
    queue_position: int | None
    """Its place among the waiting when it was accepted."""
    lane: Literal["short", "long", "heavy"] | None
    """Which queue the job is in."""
    progress: float | None
    """Percent of the encoding that is done; null until it starts."""
    seconds_left: float | None
    """Estimated seconds left to encode, at the pace so far; null until it can be estimated."""
    billable_minutes: float
    """Held while it runs; once completed, what was measured and charged: the larger of the media
    time read and made. 0 when it failed or was canceled."""
    duration_seconds: float
    """Of the inputs, summed up."""
    processing_time_seconds: float | None
    """How long the job ran; null until it completes."""
    error_message: str | None
    """Why it failed, as a sentence."""
    error_category: Category
    """Means something only when it failed."""
    metadata: dict[str, Any]
    """`user` holds what the request had as `metadata`."""
    ffmpeg_options: FfmpegOptions | None
    """The options handed to ffmpeg; null until the job runs."""
    receipt: Receipt | None
    """Hashes, the argument list and figures of a completed job; null in lists."""
    request: dict[str, Any] | None
    """The request as it was made; null in lists."""
    user_id: str
    """The account's id."""
    files_expire_at: str | None = None
    """When the outputs are deleted."""
    files_deleted_at: str | None = None
    """When the job's files were deleted; null while they exist."""


class TranscodeList(msgspec.Struct):
    """A page of jobs; the total of a filtered list is counted to 2,000."""

    items: list[Transcode]
    """The jobs of this page."""
    page: int
    """The page's number, from 1."""
    limit: int
    """Jobs a page."""
    total: int
    """Jobs that match, on all pages."""
    next_cursor: str | None = None
    """The `cursor` of the next page; null when this is the last."""
    end_cursor: str | None = None
    """Where this page ends. With the order updated_at.asc, the `cursor` to ask with later for what
    changed since."""


class Accepted(msgspec.Struct):
    """The answer to a create."""

    id: str
    """The job's id."""
    status: Literal["pending"]
    """Always `pending`."""
    inputUrl: str  # noqa: N815 -- the wire's name
    """The first input's address."""
    outputFormat: str  # noqa: N815
    """The output's format, as requested."""
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    """`user` holds the metadata that was sent; absent if none was."""


class Canceled(msgspec.Struct):
    """The answer to a cancel."""

    success: bool
    """Always true."""
    message: str
    """A sentence that confirms it."""
    job: Transcode
    """The job as it is now."""


class Download(msgspec.Struct):
    """A signed link to an output."""

    url: str
    """A signed link to the file."""


def transcode(row: dict[str, Any]) -> Transcode:
    """A row of app.jobs as the caller sees it."""
    outputs = [
        JobOutput(output["url"], output["filename"], output["size_bytes"], output["format"])
        for output in row["outputs"] or ()
    ]
    billable = row["billable_minutes"]
    return Transcode(
        id=str(row["id"]),
        job_type=row["job_type"],
        status=row["status"],
        output_format=row["output_format"],
        inputs=_inputs(row),
        outputs=outputs,
        output_url=outputs[0].url if outputs else None,
        created_at=stamp(row["created_at"]),
        updated_at=stamp(row["updated_at"]),
        started_at=stamp_or_none(row["started_at"]),
        completed_at=stamp_or_none(row["completed_at"]),
        queue_position=row["queue_position"],
        lane=row["lane"],
        progress=row["progress"],
        seconds_left=_seconds_left(row),
        billable_minutes=float(row["reserved_minutes"] if billable is None else billable),
        duration_seconds=float(row["duration_seconds"] or 0),
        processing_time_seconds=row["processing_seconds"],
        error_message=row["error_message"],
        error_category=row["error_category"],
        metadata=row["metadata"],
        ffmpeg_options=_read(row["ffmpeg_options"], FfmpegOptions),
        receipt=_read(row["receipt"], Receipt),
        request=row["request"],
        user_id=str(row["account_id"]),
        files_expire_at=stamp_or_none(row["files_expire_at"]),
        files_deleted_at=stamp_or_none(row["files_deleted_at"]),
    )


def _read(value: Any, model: type[Model]) -> Model | None:
    return None if value is None else models.convert(value, model)


def _inputs(row: dict[str, Any]) -> list[JobInput]:
    inputs = models.convert(row["inputs"], list[JobInput])
    for index, each in enumerate(inputs):
        if each.url.startswith(addresses.SCHEME):
            each.downloadUrl = links.input_link(row["id"], index)
    return inputs


def _seconds_left(row: dict[str, Any]) -> float | None:
    """Seconds left at the pace since the start; None during the first percents."""
    if row["status"] != "processing" or not row["started_at"] or (row["progress"] or 0) < 2:
        return None
    passed: float = (datetime.now(UTC) - row["started_at"]).total_seconds()
    return round(max(0.0, passed * (100 / float(row["progress"]) - 1)), 1)
