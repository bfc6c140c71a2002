"""One attempt at one job: fetch, probe, plan, encode, store, finish."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from lib.jobs import addresses, queue
from lib.jobs.create import minutes, quota_sentence, upgrade_url
from lib.jobs.queue import Lease
from lib.jobs.wire import FfmpegOptions, JobOutput
from lib.media.errors import Canceled, MediaError
from lib.media.plan import Plan, billable_seconds, make_plan
from lib.media.probe import Probe, measure, probe
from lib.media.run import Limits, run
from lib.platform import postgres, storage
from lib.platform.settings import settings

BEAT_SECONDS = 1.0
"""How often the lease is kept, the progress stored and a cancel noticed."""
FOLDER_PREFIX = "ffm-job-"
STORED_PREFIX = re.compile(r"^\d{8}-\d{6}-[0-9a-f]{8}-")
"""What `uploads.stored_name` puts before the caller's own name."""
MAX_OUTPUT_BYTES = 4 * 1024**3
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
    if lease.attempt > settings().max_attempts:
        _clean(lease)
        queue.fail(
            lease,
            "transient",
            f"The job was interrupted {settings().max_attempts} times and was given up. Nothing"
            " was charged: send it again.",
        )
        return
    with _folder() as folder, _Pulse(lease, stop) as pulse:
        try:
            _attempt(lease, folder, pulse, deadline)
        except MediaError as error:
            if error.category == "transient" and lease.attempt < settings().max_attempts:
                queue.postpone(lease, 2**lease.attempt)
            else:
                queue.fail(lease, error.category, str(error))
        except Canceled:
            if stop.is_set() and not pulse.lost.is_set():
                queue.postpone(lease, 0)
        except storage.StorageError:
            if lease.attempt < settings().max_attempts:
                queue.postpone(lease, 2**lease.attempt)
                raise
            queue.fail(
                lease,
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


def _attempt(lease: Lease, folder: Path, pulse: _Pulse, deadline: Deadline) -> None:
    request = lease.request
    if lease.attempt > 1:
        _clean(lease)
    known = _known_probes(lease)
    paths: list[Path] = []
    probes: list[Probe] = []
    for index, item in enumerate(request.inputs):
        path = folder / f"input{index}"
        _fetch(lease, item.url, path, pulse)
        if pulse.over():
            raise Canceled
        kept = known.get(item.url)
        paths.append(path)
        probes.append(_probed(path, kept))
    plan = make_plan(request, probes)
    seconds = billable_seconds(request, probes) or 0.0
    _describe(lease, plan, probes, seconds)
    output_name = _output_name(request.inputs[0].url, plan.format.extension)
    output = folder / f"output.{plan.format.extension}"
    limits = Limits(
        wall_seconds=min(settings().job_seconds, deadline.left()),
        cpu_seconds=settings().job_seconds * (os.cpu_count() or 1),
        output_bytes=MAX_OUTPUT_BYTES,
        memory_bytes=MEMORY_BYTES,
    )
    outcome = run(
        plan, paths, output, limits=limits, on_progress=pulse.report, cancelled=pulse.over
    )
    address = addresses.output(lease.account_id, lease.job_id, lease.attempt, output_name)
    storage.upload(*address, output, plan.format.mime_type)
    finished = queue.complete(
        lease,
        output=JobOutput(str(address), output_name, outcome.size_bytes, plan.format.extension),
        minutes=minutes(seconds),
        output_seconds=outcome.duration_seconds,
        processing_seconds=round(outcome.wall_seconds, 3),
    )
    if not finished:  # canceled or taken over meanwhile: what we stored is nobody's
        storage.remove(address.bucket, [address.object_name])


def _probed(path: Path, kept: Probe | None) -> Probe:
    """What the file holds: as confirm found it, if that is exact; else looked into and measured.

    What is billed is the true length, and not what a header claims or leaves out.
    """
    if (
        kept is not None
        and kept.size_bytes == path.stat().st_size
        and kept.duration is not None
        and not kept.estimated
    ):
        return kept
    return measure(path, probe(path))


def _fetch(lease: Lease, url: str, path: Path, pulse: _Pulse) -> None:
    """Bring an input into the job's folder. Raises MediaError, Canceled, StorageError."""
    limit = lease.max_input_bytes
    address = addresses.parse(url)
    if address is None:
        from lib.media import source  # slow to import, and most inputs are stored files

        source.fetch(
            url,
            path,
            max_bytes=limit,
            seconds=settings().fetch_seconds,
            allow=settings().source_allow,
            cancelled=pulse.over,
        )
        return
    try:
        size = storage.size(*address)
        if size > limit:
            raise MediaError(
                "file_size",
                f"The input has {size} bytes; the {lease.plan_name} plan takes {limit}. Upgrade"
                f" the plan or send a smaller file: {upgrade_url(lease.job_id)}",
            )
        storage.download(*address, path, pulse.over)
    except storage.Missing as error:
        raise MediaError(
            "upload",
            "The uploaded file is not there. PUT the bytes to the upload link and confirm them"
            " before the job is created.",
        ) from error


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


def _known_probes(lease: Lease) -> dict[str, Probe]:
    """What confirm found of the job's uploads, by their address."""
    names, _ = addresses.named(item.url for item in lease.request.inputs)
    rows = postgres.rows(
        """
        select object_name, probe from app.uploads
         where object_name = any(%(names)s::text[]) and probe is not null
        """,
        {"names": names},
    )
    return {
        f"{addresses.SCHEME}{storage.UPLOADS}/{row['object_name']}": msgspec.convert(
            row["probe"], Probe
        )
        for row in rows
    }


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
