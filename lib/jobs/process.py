"""One attempt at one job: fetch, probe, plan, encode, store, finish."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from lib.jobs import addresses, files, queue
from lib.jobs.addresses import Address
from lib.jobs.create import minutes, quota_sentence, upgrade_url
from lib.jobs.files import JobFile
from lib.jobs.known import look_up
from lib.jobs.meter import Meter
from lib.jobs.output import OutputUpload, Stored
from lib.jobs.prepare import planned
from lib.jobs.queue import Lease
from lib.jobs.receipt import Receipt, ReceiptOutput, decisions
from lib.jobs.wire import Category, FfmpegOptions, JobOutput
from lib.media import cage, ffmpeg, subtitles
from lib.media.errors import Canceled, MediaError
from lib.media.ffmpeg import cores as machine_cores
from lib.media.plan import Plan
from lib.media.planner import billable_seconds
from lib.media.probe import Probe, probe
from lib.media.request import Checked, Remote, check
from lib.media.run import Limits, Outcome, run_or_encode
from lib.platform import log, storage
from lib.platform.settings import settings

BEAT_SECONDS = 1.0
"""How often the lease is kept, the progress stored and a cancel noticed."""
FOLDER_PREFIX = "ffm-job-"
STORED_PREFIX = re.compile(r"^\d{8}-\d{6}-[0-9a-f]{8}-")
"""What `uploads.stored_name` puts before the caller's own name."""
MAX_IMAGE_BYTES = 50 * 1024**2
MEMORY_BYTES = 1536 * 1024**2


class Deadline:
    """The moment this process is stopped by its platform; never, for a plain process."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; infinite without a deadline."""
        return float("inf") if self._end is None else self._end - time.monotonic()


class _Pulse:
    """Keeps the lease in a thread of its own; `lost` is set once the job is ours no more."""

    def __init__(self, lease: Lease, stop: threading.Event) -> None:
        self._lease = lease
        self._stop = stop
        self._done = threading.Event()
        self.lost = threading.Event()
        self.progress: float | None = None
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> _Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def over(self) -> bool:
        """Whether to stop working: the job was canceled or taken over, or we are stopping."""
        return self.lost.is_set() or self._stop.is_set()

    def report(self, percent: float) -> None:
        """Note the progress; it is stored with the next beat."""
        self.progress = percent

    def _beat(self) -> None:
        kept = time.monotonic()
        while not self._done.wait(BEAT_SECONDS):
            try:
                if not queue.beat(self._lease, settings().lease_seconds, self.progress):
                    self.lost.set()
                kept = time.monotonic()
            except Exception:  # the database is away: work on for as long as the lease lasts
                if time.monotonic() - kept > settings().lease_seconds:
                    self.lost.set()


def process(lease: Lease, stop: threading.Event, deadline: Deadline) -> None:
    """Bring the job to its end, or leave it to be tried again. Raises nothing a caller caused."""
    started = time.monotonic()
    if lease.attempt > settings().max_attempts:
        _clean(lease)
        _fail(
            lease,
            started,
            "transient",
            f"The job was interrupted {settings().max_attempts} times and was given up. Nothing"
            " was charged: send it again.",
        )
        return
    with _folder() as folder, _Pulse(lease, stop) as pulse:
        try:
            _attempt(lease, folder, pulse, deadline, started)
        except MediaError as error:
            if error.category == "transient" and lease.attempt < settings().max_attempts:
                queue.postpone(lease, 2**lease.attempt)
            else:
                _fail(lease, started, error.category, str(error))
        except Canceled:
            if stop.is_set() and not pulse.lost.is_set():
                queue.postpone(lease, 0)
        except storage.StorageError:
            if lease.attempt < settings().max_attempts:
                queue.postpone(lease, 2**lease.attempt)
                raise
            _fail(
                lease,
                started,
                "storage",
                "The file store failed several times. Nothing was charged: send the job again.",
            )
            raise


def clean_leftover(leftover: queue.Leftover) -> None:
    """Delete what an ended job's lost worker may have stored, then forget its ticket."""
    names = storage.folder(
        storage.OUTPUTS, addresses.output_folder(leftover.account_id, leftover.job_id)
    )
    storage.remove(storage.OUTPUTS, names)
    queue.drop(leftover)


def remove_stale_folders() -> None:
    """Delete working folders of processes that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        owner = path.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


def _fail(lease: Lease, started: float, category: Category, message: str) -> None:
    if queue.fail(lease, category, message):
        _log_end(lease, started, "failed", category=category)


def _log_end(lease: Lease, started: float, status: str, **figures: Any) -> None:
    """A line for each job that ended; its seconds are those of the last attempt."""
    log.info(
        "job",
        job_id=lease.job_id,
        account_id=lease.account_id,
        status=status,
        attempt=lease.attempt,
        seconds=round(time.monotonic() - started, 3),
        **figures,
    )


def _attempt(lease: Lease, folder: Path, pulse: _Pulse, deadline: Deadline, started: float) -> None:
    checked = check(lease.request, addresses.sources())
    if lease.attempt > 1:
        _clean(lease)
    known = look_up(lease.account_id, checked.urls)
    with ExitStack() as stack:
        files = [
            _open(stack, lease, url, folder / f"input{number}", pulse)
            for number, url in enumerate(checked.urls)
        ]
        _stop_if_over(pulse)
        probes = [
            known.probed(file, url, folder) for file, url in zip(files, checked.urls, strict=True)
        ]
        limits = _limits(lease, deadline)
        plan = _planned(checked, files, probes, folder, limits)
        seconds = billable_seconds(checked, probes) or 0.0
        _describe(lease, plan, probes, seconds)
        meter = Meter(lease, seconds)
        stops = meter.stops(pulse.over)
        for remote in checked.remotes:
            _bring(stack, lease, remote, folder, pulse)
        _stop_if_over(pulse)
        output = folder / f"output.{plan.format.extension}"

        def encoding() -> Plan:
            changed = msgspec.structs.replace(checked, may_copy=False)
            second = _planned(changed, files, probes, folder, limits)
            _describe(lease, second, probes, seconds)
            return second

        name = _output_name(checked.urls[0], plan.format.extension)
        address = addresses.output(lease.account_id, lease.job_id, lease.attempt, name)
        with OutputUpload(address, output, plan.format.mime_type, growing=plan.appends) as upload:
            try:
                plan, outcome = run_or_encode(
                    plan,
                    encoding,
                    [file.place for file in files],
                    output,
                    limits=limits,
                    on_progress=pulse.report,
                    cancelled=stops,
                    on_seconds=meter.watch,
                )
                seconds = meter.settle(plan, outcome, files, probes, output, limits, stops)
            except Canceled:
                meter.check()
                raise
            except MediaError:
                for file in files:
                    file.check()
                raise
            for file in files:
                file.check()
            stored = upload.store()
        _finish(lease, plan, files, address, stored, outcome, seconds, started)


def _finish(
    lease: Lease,
    plan: Plan,
    files: list[JobFile],
    address: Address,
    stored: Stored,
    outcome: Outcome,
    seconds: float,
    started: float,
) -> None:
    """End the job with its receipt."""
    inputs = [file.shown() for file in files]
    made = JobOutput(str(address), address.filename, outcome.size_bytes, plan.format.extension)
    finished = queue.complete(
        lease,
        output=made,
        minutes=minutes(seconds),
        output_seconds=outcome.duration_seconds,
        processing_seconds=round(outcome.wall_seconds, 3),
        receipt=Receipt(
            inputs=inputs,
            output=ReceiptOutput(outcome.size_bytes, stored.sha256),
            arguments=outcome.arguments,
            ffmpeg=ffmpeg.build(),
            wall_seconds=round(outcome.wall_seconds, 3),
            cpu_seconds=round(outcome.cpu_seconds, 3),
            bytes_in=sum(each.fetched_bytes for each in inputs),
            bytes_out=outcome.size_bytes,
            streams=decisions(plan),
            notes=[*plan.notes, *([_EARLY] if stored.early else [])],
            cage=cage.features(),
        ),
    )
    if not finished:  # canceled or taken over meanwhile: what we stored is nobody's
        storage.remove(address.bucket, [address.object_name])
        return
    _log_end(
        lease,
        started,
        "completed",
        bytes_in=sum(each.fetched_bytes for each in inputs),
        bytes_out=outcome.size_bytes,
        minutes=float(minutes(seconds)),
    )


_EARLY = "The upload of the output began while ffmpeg ran."


def _limits(lease: Lease, deadline: Deadline) -> Limits:
    """The plan's, the operator's, and what is left of this process' time: the least counts."""
    wall = min(settings().job_seconds, lease.max_job_seconds)
    return Limits(
        wall_seconds=min(wall, deadline.left()),
        cpu_seconds=wall * machine_cores(),
        output_bytes=lease.max_output_bytes,
        memory_bytes=MEMORY_BYTES,
    )


def _planned(
    checked: Checked,
    files: list[JobFile],
    probes: list[Probe],
    folder: Path,
    limits: Limits,
) -> Plan:
    plan = planned(checked, files, probes, folder, limits.wall_seconds)
    if plan.joined:
        for file in files:
            file.bring()
    return plan


def _open(stack: ExitStack, lease: Lease, url: str, path: Path, pulse: _Pulse) -> JobFile:
    """An input within reach of ffmpeg. Raises MediaError, Canceled, StorageError."""
    limit = lease.max_input_bytes
    return files.open_file(
        stack,
        url,
        path,
        max_bytes=limit,
        too_large=f"The input has {{size}} bytes; the {lease.plan_name} plan takes {limit}. Upgrade"
        f" the plan or send a smaller file: {upgrade_url(lease.job_id)}",
        canceled=pulse.over,
    )


def _bring(stack: ExitStack, lease: Lease, remote: Remote, folder: Path, pulse: _Pulse) -> None:
    """A file that the options name, under the name the plan has for it."""
    subtitle = remote.kind == "subtitles"
    path = folder / (f"{remote.name}.source" if subtitle else remote.name)
    limit = subtitles.MAX_BYTES if subtitle else min(lease.max_input_bytes, MAX_IMAGE_BYTES)
    what = "subtitles" if subtitle else "picture"
    brought = files.open_file(
        stack,
        remote.url,
        path,
        max_bytes=limit,
        too_large=f"The {what} in the options: {{size}} bytes; at most {limit} are read.",
        canceled=pulse.over,
    )
    brought.bring()
    if subtitle:
        subtitles.rewrite(path, folder / remote.name)
    elif not probe(path).still:
        raise MediaError(
            "validation", "The watermark is no picture. Send a PNG, JPEG or WebP file."
        )


def _stop_if_over(pulse: _Pulse) -> None:
    if pulse.over():
        raise Canceled


def _describe(lease: Lease, plan: Plan, probes: list[Probe], seconds: float) -> None:
    """Store what is known now. Raises MediaError when the month's minutes do not suffice."""
    inputs = [
        msgspec.structs.replace(
            shown,
            duration=found.duration or 0.0,
            format=found.format,
            size_bytes=str(found.size_bytes),
        )
        for shown, found in zip(lease.inputs, probes, strict=True)
    ]
    stored = queue.describe(
        lease,
        inputs=inputs,
        options=_options(plan),
        minutes=minutes(seconds),
        seconds=seconds,
    )
    if not stored:
        raise MediaError(
            "quota",
            f"{quota_sentence(lease.plan_name, lease.minutes_per_month)}"
            f" {upgrade_url(lease.job_id)}",
        )


def _options(plan: Plan) -> FfmpegOptions:
    listed: list[dict[str, Any]] = [
        {"option": name} if value is None else {"option": name, "argument": value}
        for name, value in plan.options
    ]
    return FfmpegOptions(
        plan.source, listed, msgspec.to_builtins(plan.preset) if plan.preset else None
    )


def _clean(lease: Lease) -> None:
    """Delete what earlier attempts at the job stored."""
    folder = addresses.output_folder(lease.account_id, lease.job_id)
    earlier = [
        name
        for name in storage.folder(storage.OUTPUTS, folder)
        if int(name.removeprefix(folder).partition("/")[0]) < lease.attempt
    ]
    storage.remove(storage.OUTPUTS, earlier)


def _output_name(url: str, extension: str) -> str:
    """The output's file name: the input's, with the new extension."""
    last = url.partition("?")[0].partition("#")[0].rpartition("/")[2]
    stem = STORED_PREFIX.sub("", last.rpartition(".")[0] or last)
    safe = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-"
        for letter in stem[:80]
    ).strip("-")
    return f"{safe or 'output'}.{extension}"


@contextmanager
def _folder() -> Iterator[Path]:
    """A private folder that is gone afterwards; its name tells whose it is, should we be killed."""
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-") as name:
        yield Path(name)


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
