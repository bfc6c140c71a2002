"""One attempt at one job: fetch, probe, plan, encode, store, finish."""

from __future__ import annotations

import errno
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

from lib.files import addresses, names, open
from lib.files.open import JobFile
from lib.files.output import OutputUpload, Stored
from lib.files.stores import storage
from lib.jobs import queue, transitions
from lib.jobs.api_models import Category, FfmpegOptions, JobOutput
from lib.jobs.lease import Lease, Leftover
from lib.jobs.planning import planned
from lib.jobs.receipt import Receipt, ReceiptOutput, decisions
from lib.jobs.worker.lookup import look_up
from lib.jobs.worker.meter import Meter
from lib.jobs.worker.phases import Phases
from lib.media import cage, ffmpeg, scratch, subtitles
from lib.media.deadline import Deadline
from lib.media.errors import Canceled, MediaError, NoSpace, OutOfTime, Refused, is_full
from lib.media.ffmpeg import cores as machine_cores
from lib.media.plan import Plan
from lib.media.planner import billable_seconds
from lib.media.probe import Probe, probe
from lib.media.request import Checked, Remote, check
from lib.media.run import Limits, Outcome, run_or_encode
from lib.media.slots import Slot
from lib.platform import log
from lib.platform.settings import settings
from lib.telemetry import heartbeat
from lib.usage.price import minutes, quota_sentence, upgrade_url

BEAT_SECONDS = 1.0
"""How often the lease is renewed, the progress stored and a cancel noticed."""
END_SECONDS = 5.0
"""How long before the platform stops the process an attempt ends, so that its end is written."""
WORTH_RETRYING = 1.2
"""A job cut off by the platform is tried again where it would have so many times the time."""
MAX_TOGETHER = 10
"""The inputs of a job together may be so many times as large as one may be."""
MAX_IMAGE_BYTES = 50 * 1024**2
MEMORY_BYTES = 1536 * 1024**2


class _Pulse:
    """Renews the lease in a thread of its own; `lost` is set once the lease is lost."""

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
        renewed = time.monotonic()
        while not self._done.wait(BEAT_SECONDS):
            try:
                if not queue.beat(self._lease, settings().lease_seconds, self.progress):
                    self.lost.set()
                renewed = time.monotonic()
                heartbeat.note()
            except Exception:  # the database is away: work on for as long as the lease lasts
                if time.monotonic() - renewed > settings().lease_seconds:
                    self.lost.set()


class _Work:
    """What the steps of one attempt share: its time, its slot, whether it goes on."""

    def __init__(self, lease: Lease, pulse: _Pulse, deadline: Deadline, slot: Slot) -> None:
        self.lease = lease
        self.pulse = pulse
        self.deadline = deadline
        self.slot = slot
        self.phase: Literal["fetching", "working", "storing"] = "fetching"
        self.files: list[JobFile] = []
        self.fetched = 0.0
        """Seconds that files took which were fetched as a whole."""
        slot.owner = lease.account_id
        slot.deadline = deadline
        slot.stopped = self.over

    def over(self) -> bool:
        """Whether to stop: the job was canceled or taken over, we are stopping, or time is up."""
        return self.pulse.over() or self.deadline.passed

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Note that what is done in the context is to wait for a file."""
        self.phase = "fetching"
        began = time.monotonic()
        try:
            yield
        finally:
            self.fetched += time.monotonic() - began
        self.phase = "working"

    def stop_if_over(self) -> None:
        """Raises Canceled."""
        if self.over():
            raise Canceled

    def out_of_time(self) -> OutOfTime:
        """The error for a job that is not done when its time is up, by what it was doing."""
        allowed = f"the {self.deadline.seconds:.0f} seconds that the job may take"
        if self.phase == "storing":
            return OutOfTime(
                "storage",
                f"The output could not be stored within {allowed}. Nothing was charged: send the"
                " job again.",
            )
        waited = self.fetched + max((file.waited for file in self.files), default=0.0)
        if self.phase == "fetching" or waited > self.deadline.seconds / 2:
            return OutOfTime(
                "upload",
                f"The input arrived too slowly: it was not complete within {allowed}. Upload the"
                " file instead, or use a faster server.",
            )
        return OutOfTime(
            "processing_limit",
            f"The job needed more than {allowed}. Send a shorter input, a smaller size or faster"
            " options.",
        )


def process(lease: Lease, stop: threading.Event, life: Deadline, slot: Slot) -> None:
    """Bring the job to its end, or leave it to be tried again.

    `life` is the time until the platform stops the process. `slot` is lent while the job waits for
    its sources. Raises nothing but what the database fails with when nothing can be written.
    """
    started = Phases()
    seconds = min(settings().job_seconds, lease.max_job_seconds)
    deadline = Deadline(seconds, Deadline(life.left() - END_SECONDS))
    try:
        if lease.attempt > settings().max_attempts:
            _give_up(lease, started)
        else:
            _run(lease, stop, deadline, slot, started)
    except MediaError as error:
        _end_badly(lease, started, error, deadline)
    except Refused as refused:  # accepted under earlier rules
        _end_badly(lease, started, MediaError("validation", str(refused), "refused"), deadline)
    except Exception as error:  # whatever it is, the job ends after a few attempts
        failure = _failure(error)
        if not isinstance(failure, NoSpace):
            log_failure(error, lease)
        _end_badly(lease, started, failure, deadline, retry=True)


def _run(
    lease: Lease, stop: threading.Event, deadline: Deadline, slot: Slot, started: Phases
) -> None:
    """One attempt. Raises MediaError, StorageError, PostgresError, OSError."""
    with scratch.folder("job") as folder, _Pulse(lease, stop) as pulse:
        work = _Work(lease, pulse, deadline, slot)
        try:
            _attempt(work, folder, started)
        except Canceled:
            if not pulse.over():
                raise work.out_of_time() from None
            if not pulse.lost.is_set():
                transitions.postpone(lease, 0)
        except OutOfTime:
            if deadline.passed:
                raise work.out_of_time() from None
            raise


def _failure(error: Exception) -> MediaError:
    """The error that a caller sees for an internal failure."""
    if is_full(error):
        failure: MediaError = NoSpace()
    elif isinstance(error, storage.StorageError):
        failure = MediaError(
            "storage",
            "The file store failed several times. Nothing was charged: send the job again.",
            "storage",
        )
    else:
        failure = MediaError("unknown", transitions.BROKEN, "internal")
    failure.__cause__ = error
    return failure


def _end_badly(
    lease: Lease, started: Phases, error: MediaError, deadline: Deadline, *, retry: bool = False
) -> None:
    """Give the job back where another attempt may do better, else end it as failed."""
    if isinstance(error, NoSpace):
        log_failure(error, lease)
    if lease.attempt < settings().max_attempts:
        if retry or error.category == "transient" or isinstance(error, NoSpace):
            transitions.postpone(lease, 2**lease.attempt)
            return
        timed_out = isinstance(error, OutOfTime) or error.category == "upload"
        if timed_out and deadline.left() < 1 and _more_time(lease, deadline):
            transitions.postpone(lease, 0)
            return
    _fail(lease, started, error.category, str(error), error.reason)


def _more_time(lease: Lease, deadline: Deadline) -> bool:
    """Whether the platform cut an attempt short, and a fresh one would have clearly more time."""
    fresh = min(
        settings().job_seconds, lease.max_job_seconds, settings().function_seconds - END_SECONDS
    )
    return deadline.cut_short and fresh > WORTH_RETRYING * deadline.seconds


def _give_up(lease: Lease, started: Phases) -> None:
    """End a job whose workers died too often."""
    _fail(
        lease,
        started,
        "transient",
        f"The job was interrupted {settings().max_attempts} times and was given up. Nothing"
        " was charged: send it again.",
        "interrupted",
    )
    try:
        _clean(lease)
    except storage.StorageError as error:  # the sweep deletes what no job owns
        log.warning("outputs not removed", error, job_id=lease.job_id)


def log_failure(error: BaseException, lease: Lease | Leftover | None) -> None:
    """The line for what went wrong on our side, with the job it went wrong for."""
    each: BaseException | None = error
    while each is not None and not isinstance(each, OSError):
        each = each.__cause__ or each.__context__
    fields: dict[str, Any] = {} if each is None else {"errno": each.errno}
    if each is None and isinstance(error, NoSpace):  # ffmpeg met it, not we
        fields = {"errno": errno.ENOSPC}
    if lease is not None:
        fields |= {"job_id": lease.job_id, "account_id": lease.account_id}
    if isinstance(lease, Lease):
        fields["attempt"] = lease.attempt
    log.error("worker failed", error, **fields)


def clean_leftover(leftover: Leftover) -> None:
    """Delete what an ended job's lost worker may have stored, then forget its ticket."""
    names = storage.folder(
        storage.OUTPUTS, addresses.output_folder(leftover.account_id, leftover.job_id)
    )
    storage.remove(storage.OUTPUTS, names)
    queue.drop(leftover)


def _fail(
    lease: Lease, started: Phases, category: Category, message: str, reason: str = ""
) -> None:
    try:
        ended = transitions.fail(lease, category, message, reason)
    except Exception as error:
        log_failure(error, lease)
        ended = transitions.abandon(lease)
    if ended:
        figures = {"category": category} | ({"reason": reason} if reason else {})
        _log_end(lease, started, "failed", ended, **figures)


def _log_end(
    lease: Lease, started: Phases, status: str, ended: transitions.Ended, **figures: Any
) -> None:
    """A line for each job that ended; its seconds are those of the last attempt."""
    log.info(
        "job",
        job_id=lease.job_id,
        account_id=lease.account_id,
        status=status,
        attempt=lease.attempt,
        queued_seconds=round(ended.queued_seconds, 3),
        **started.fields(),
        **figures,
    )


def _attempt(work: _Work, folder: Path, started: Phases) -> None:
    lease = work.lease
    checked = check(lease.request, addresses.sources())
    if lease.attempt > 1:
        _clean(lease)
    known = look_up(lease.account_id, checked.urls)
    with ExitStack() as stack:
        files = work.files
        for number, url in enumerate(checked.urls):
            _open_input(stack, work, url, folder / f"input{number}")
        work.stop_if_over()
        started.begin("probe")
        probes = [
            known.probed(file, url, folder, work.deadline)
            for file, url in zip(files, checked.urls, strict=True)
        ]
        plan = _planned(checked, work, probes, folder)
        seconds = billable_seconds(checked, probes) or 0.0
        _describe(lease, plan, probes, seconds)
        meter = Meter(lease, seconds)
        started.begin("fetch")
        for remote in checked.remotes:
            _bring(stack, work, remote, folder)
        work.stop_if_over()
        output = folder / f"output.{plan.format.extension}"

        def encoding() -> Plan:
            changed = msgspec.structs.replace(checked, may_copy=False)
            second = _planned(changed, work, probes, folder)
            _describe(lease, second, probes, seconds)
            return second

        first = names.label_in_row(lease.inputs[0].filename, checked.urls[0])
        label = names.output_label(first, plan.format.extension)
        name = f"{names.stored_stem(label, names.OUTPUT)}.{plan.format.extension}"
        address = addresses.output(lease.account_id, lease.job_id, lease.attempt, name)
        started.begin("ffmpeg")
        with OutputUpload(address, output, plan.format.mime_type, growing=plan.appends) as upload:
            plan, outcome, seconds = _encode(work, plan, encoding, output, meter, probes)
            work.phase = "storing"
            started.begin("store")
            with work.slot.waiting(back=False):
                stored = upload.store(work.over)
        item = JobOutput(str(address), label, outcome.size_bytes, plan.format.extension)
        _finish(lease, plan, files, item, stored, outcome, seconds, started)


def _encode(
    work: _Work,
    plan: Plan,
    encoding: Callable[[], Plan],
    output: Path,
    meter: Meter,
    probes: list[Probe],
) -> tuple[Plan, Outcome, float]:
    """Run ffmpeg and measure what it read and made, in seconds to charge.

    What the minutes or a source failed with counts before what ffmpeg makes of it. Raises
    MediaError, Canceled.
    """
    limits = _limits(work)
    stops = meter.stops(work.pulse.over)
    try:
        plan, outcome = run_or_encode(
            plan,
            encoding,
            [file.place for file in work.files],
            output,
            limits=limits,
            on_progress=work.pulse.report,
            cancelled=stops,
            on_seconds=meter.watch,
        )
        seconds = meter.settle(plan, outcome, work.files, probes, output, limits, stops)
    except Canceled:
        meter.check()
        raise
    except MediaError:
        for file in work.files:
            file.check()
        raise
    for file in work.files:
        file.check()
    return plan, outcome, seconds


def _finish(
    lease: Lease,
    plan: Plan,
    files: list[JobFile],
    item: JobOutput,
    stored: Stored,
    outcome: Outcome,
    seconds: float,
    started: Phases,
) -> None:
    """End the job with its receipt."""
    inputs = [file.shown() for file in files]
    finished = transitions.complete(
        lease,
        output=item,
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
        address = addresses.parse(item.url)
        assert address is not None  # noqa: S101 -- made by addresses.output
        storage.remove(address.bucket, [address.object_name])
        return
    _log_end(
        lease,
        started,
        "completed",
        finished,
        bytes_in=sum(each.fetched_bytes for each in inputs),
        bytes_out=outcome.size_bytes,
        minutes=float(minutes(seconds)),
    )


_EARLY = "The upload of the output began while ffmpeg ran."


def _limits(work: _Work) -> Limits:
    """The plan's and the operator's; the time is what is left of the attempt's."""
    return Limits(
        wall_seconds=float("inf"),
        cpu_seconds=max(1, math.ceil(work.deadline.left())) * machine_cores(),
        output_bytes=work.lease.max_output_bytes,
        memory_bytes=MEMORY_BYTES,
        deadline=work.deadline,
    )


def _planned(checked: Checked, work: _Work, probes: list[Probe], folder: Path) -> Plan:
    plan = planned(checked, work.files, probes, folder, work.deadline.left(), work.deadline)
    if plan.joined:
        for file in work.files:
            file.bring()
    return plan


def _open_input(stack: ExitStack, work: _Work, url: str, path: Path) -> None:
    """Add an input to the job's files, within the limits of all together. Raises as `_open`."""
    file = _open(stack, work, url, path)
    work.files.append(file)
    most = MAX_TOGETHER * work.lease.max_input_bytes
    if sum(each.size for each in work.files) > most:
        raise MediaError(
            "file_size",
            f"The inputs together are larger than {most} bytes, which is {MAX_TOGETHER} times the"
            f" largest input of the {work.lease.plan_name} plan. Send fewer or smaller files, or"
            f" upgrade the plan: {upgrade_url(work.lease.job_id)}",
            "input_bytes",
        )
    if sum(each.served for each in work.files) > open.MAX_SERVED:
        with work.fetching():
            file.settle()


def _open(stack: ExitStack, work: _Work, url: str, path: Path) -> JobFile:
    """An input within reach of ffmpeg. Raises MediaError, Canceled, StorageError."""
    lease = work.lease
    limit = lease.max_input_bytes
    with work.fetching():
        return open.open_file(
            stack,
            url,
            path,
            max_bytes=limit,
            too_large=f"The input has {{size}} bytes; the {lease.plan_name} plan takes {limit}."
            f" Upgrade the plan or send a smaller file: {upgrade_url(lease.job_id)}",
            canceled=work.over,
            seconds=_fetch_seconds(work),
            slot=work.slot,
        )


def _fetch_seconds(work: _Work) -> float:
    """How long to wait for one file's server at most."""
    return max(0.1, min(settings().fetch_seconds, work.deadline.left()))


def _bring(stack: ExitStack, work: _Work, remote: Remote, folder: Path) -> None:
    """A file that the options name, under the name the plan has for it."""
    subtitle = remote.kind == "subtitles"
    path = folder / (f"{remote.name}.source" if subtitle else remote.name)
    limit = subtitles.MAX_BYTES if subtitle else min(work.lease.max_input_bytes, MAX_IMAGE_BYTES)
    what = "subtitles" if subtitle else "picture"
    with work.fetching():
        brought = open.open_file(
            stack,
            remote.url,
            path,
            max_bytes=limit,
            too_large=f"The {what} in the options: {{size}} bytes; at most {limit} are read.",
            canceled=work.over,
            seconds=_fetch_seconds(work),
            slot=work.slot,
        )
        brought.bring()
    if subtitle:
        subtitles.rewrite(
            path,
            folder / remote.name,
            limits=subtitles.LIMITS._replace(deadline=work.deadline),
            canceled=work.over,
        )
    elif not probe(path, deadline=work.deadline).still:
        raise MediaError(
            "validation",
            "The watermark is not an image. Send a PNG, JPEG or WebP file.",
            "watermark",
        )


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
    stored = transitions.describe(
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
