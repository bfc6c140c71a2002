"""One attempt at one job: its inputs, probes, plan, run, output and settlement."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import msgspec

from lib.files import addresses, names
from lib.files.addresses import Address
from lib.files.output import OutputUpload, Stored, StoredOutput
from lib.files.stores import storage
from lib.jobs import transitions
from lib.jobs.api_models import FfmpegOptions
from lib.jobs.lease import Lease
from lib.jobs.planning import planned
from lib.jobs.receipt import Receipt, ReceiptOutput, decisions
from lib.jobs.worker.cleanup import clean
from lib.jobs.worker.deadline import Clock
from lib.jobs.worker.folder import Folder
from lib.jobs.worker.inputs import Inputs
from lib.jobs.worker.lookup import Lookup, look_up
from lib.jobs.worker.meter import Meter
from lib.jobs.worker.phases import Phases, log_end
from lib.media.errors import Canceled, MediaError, OutOfTime
from lib.media.model import Probe
from lib.media.plan.model import Plan
from lib.media.plan.price import billable_seconds
from lib.media.request.check import check
from lib.media.request.models import Checked
from lib.media.run import ffmpeg, sandbox
from lib.media.run.ffmpeg import cores as machine_cores
from lib.media.run.runner import Limits, Outcome, run_or_encode
from lib.media.slots import Slot
from lib.usage.price import minutes, quota_sentence, upgrade_url

MEMORY_BYTES = 1536 * 1024**2
EARLY = "The upload of the output began while ffmpeg ran."


@dataclass(frozen=True)
class Prepared:
    """What is to be run, and what it is expected to cost."""

    plan: Plan
    probes: list[Probe]
    seconds: float
    meter: Meter


@dataclass(frozen=True)
class Encoded:
    """What ffmpeg did, and the seconds to charge."""

    plan: Plan
    outcome: Outcome
    seconds: float


class Attempt:
    """An attempt's steps, in order: open_inputs, probe, plan, run, store, settle.

    Steps raise MediaError, Canceled, StorageError, PostgresError, OSError.
    """

    def __init__(
        self, lease: Lease, clock: Clock, slot: Slot, folder: Folder, phases: Phases
    ) -> None:
        self._lease = lease
        self._clock = clock
        self._slot = slot
        self._folder = folder
        self._phases = phases
        self._stack = ExitStack()
        self._inputs = Inputs(self._stack, lease, clock, slot)
        slot.owner = lease.account_id
        slot.deadline = clock.deadline
        slot.stopped = clock.stopped

    def execute(self) -> None:
        """Do all steps; the job is completed then, unless its lease was lost."""
        checked = check(self._lease.request, addresses.sources())
        with self._stack:
            if self._lease.attempt > 1:
                clean(self._lease)
            known = look_up(self._lease.account_id, checked.urls)
            self.open_inputs(checked)
            probes = self.probe(checked, known)
            prepared = self.plan(checked, probes)
            address, label = self._output(checked, prepared.plan)
            path = self._folder.output(prepared.plan.output.format.extension)
            mime_type, growing = prepared.plan.output.format.mime_type, prepared.plan.output.appends
            self._phases.begin("ffmpeg")
            with OutputUpload(address, path, mime_type, growing=growing) as upload:
                encoded = self.run(checked, prepared)
                stored = self.store(upload)
            self.settle(encoded, stored, address, label)

    def out_of_time(self) -> OutOfTime:
        """The error when the attempt's time is up."""
        return self._clock.out_of_time(self._inputs.files)

    def open_inputs(self, checked: Checked) -> None:
        """Bring the inputs within reach of ffmpeg."""
        for number, url in enumerate(checked.urls):
            self._inputs.open(url, self._folder.input(number))
        self._clock.raise_if_stopped()

    def probe(self, checked: Checked, known: Lookup) -> list[Probe]:
        """What each input holds."""
        self._phases.begin("probe")
        return [
            known.probed(file, url, self._folder.path, self._clock.deadline)
            for file, url in zip(self._inputs.files, checked.urls, strict=True)
        ]

    def plan(self, checked: Checked, probes: list[Probe]) -> Prepared:
        """Decide what to run, reserve what it costs, and fetch what its options name."""
        plan = self._planned(checked, probes)
        seconds = billable_seconds(checked, probes) or 0.0
        self._describe(plan, probes, seconds)
        meter = Meter(self._lease, seconds)
        self._phases.begin("fetch")
        for remote in checked.remotes:
            self._inputs.bring(remote, self._folder)
        self._clock.raise_if_stopped()
        return Prepared(plan, probes, seconds, meter)

    def run(self, checked: Checked, prepared: Prepared) -> Encoded:
        """Run ffmpeg and measure what it read and made.

        An error of the minutes or of a source takes precedence over ffmpeg's own error.
        """

        def encoding() -> Plan:
            changed = msgspec.structs.replace(checked, may_copy=False)
            second = self._planned(changed, prepared.probes)
            self._describe(second, prepared.probes, prepared.seconds)
            return second

        files, meter, limits = self._inputs.files, prepared.meter, self._limits()
        output = self._folder.output(prepared.plan.output.format.extension)
        stops = meter.stops(self._clock.pulse.stopped)
        try:
            plan, outcome = run_or_encode(
                prepared.plan,
                encoding,
                [file.place for file in files],
                output,
                limits=limits,
                on_progress=self._clock.pulse.report,
                canceled=stops,
                on_seconds=meter.watch,
            )
            seconds = meter.settle(plan, outcome, files, prepared.probes, output, limits, stops)
        except Canceled:
            meter.check()
            raise
        except MediaError:
            self._inputs.check()
            raise
        self._inputs.check()
        return Encoded(plan, outcome, seconds)

    def store(self, upload: OutputUpload) -> Stored:
        """Store what is not stored yet of the output."""
        self._clock.phase = "storing"
        self._phases.begin("store")
        with self._slot.waiting(back=False):
            return upload.store(self._clock.stopped)

    def settle(self, encoded: Encoded, stored: Stored, address: Address, label: str) -> None:
        """End the job with its receipt, and charge it."""
        outcome, seconds = encoded.outcome, encoded.seconds
        receipt = self._receipt(encoded, stored)
        finished = transitions.complete(
            self._lease,
            outputs=[
                StoredOutput(
                    bucket=address.bucket,
                    key=address.key,
                    filename=label,
                    content_type=encoded.plan.output.format.mime_type,
                    format=encoded.plan.output.format.extension,
                    size_bytes=outcome.output.size_bytes,
                )
            ],
            minutes=minutes(seconds),
            output_seconds=outcome.output.duration_seconds,
            processing_seconds=round(outcome.wall_seconds, 3),
            receipt=receipt,
        )
        if not finished:  # canceled or taken over meanwhile: no job owns what we stored
            storage.remove(address.bucket, [address.key])
            return
        log_end(
            self._lease,
            self._phases,
            "completed",
            finished,
            bytes_in=receipt.bytes_in,
            bytes_out=outcome.output.size_bytes,
            minutes=float(minutes(seconds)),
        )

    def _receipt(self, encoded: Encoded, stored: Stored) -> Receipt:
        inputs = [file.receipt() for file in self._inputs.files]
        plan, outcome = encoded.plan, encoded.outcome
        return Receipt(
            inputs=inputs,
            output=ReceiptOutput(outcome.output.size_bytes, stored.sha256),
            arguments=outcome.arguments,
            ffmpeg=ffmpeg.build(),
            wall_seconds=round(outcome.wall_seconds, 3),
            cpu_seconds=round(outcome.cpu_seconds, 3),
            bytes_in=sum(each.fetched_bytes for each in inputs),
            bytes_out=outcome.output.size_bytes,
            streams=decisions(plan),
            notes=[*plan.notes, *([EARLY] if stored.early else [])],
            cage=sandbox.features(),
        )

    def _output(self, checked: Checked, plan: Plan) -> tuple[Address, str]:
        """Where the output is stored, and what it is called."""
        lease, extension = self._lease, plan.output.format.extension
        first = names.label_in_row(lease.inputs[0].filename, checked.urls[0])
        label = names.output_label(first, extension)
        name = f"{names.stored_stem(label, names.OUTPUT)}.{extension}"
        return addresses.output(lease.account_id, lease.job_id, lease.attempt, name), label

    def _planned(self, checked: Checked, probes: list[Probe]) -> Plan:
        files, deadline = self._inputs.files, self._clock.deadline
        plan = planned(checked, files, probes, self._folder.path, deadline.left(), deadline)
        if plan.joined:
            for file in files:
                file.bring()
        return plan

    def _limits(self) -> Limits:
        """The plan's and the operator's; the time is what is left of the attempt's."""
        deadline = self._clock.deadline
        return Limits(
            wall_seconds=float("inf"),
            cpu_seconds=max(1, math.ceil(deadline.left())) * machine_cores(),
            output_bytes=self._lease.max_output_bytes,
            memory_bytes=MEMORY_BYTES,
            deadline=deadline,
        )

    def _describe(self, plan: Plan, probes: list[Probe], seconds: float) -> None:
        """Store what is known now. Raises MediaError when the month's minutes do not suffice."""
        lease = self._lease
        inputs = [
            msgspec.structs.replace(
                item,
                duration=probe.duration or 0.0,
                format=probe.format,
                size_bytes=str(probe.size_bytes),
            )
            for item, probe in zip(lease.inputs, probes, strict=True)
        ]
        described = transitions.reserve(
            lease,
            inputs=inputs,
            options=_options(plan),
            minutes=minutes(seconds),
            seconds=seconds,
        )
        if not described:
            raise MediaError(
                "quota",
                f"{quota_sentence(lease.plan_name, lease.minutes_per_month)}"
                f" {upgrade_url(lease.job_id)}",
            )


def _options(plan: Plan) -> FfmpegOptions:
    listed: list[dict[str, Any]] = [
        {"option": name} if value is None else {"option": name, "argument": value}
        for name, value in plan.output.options
    ]
    return FfmpegOptions(
        plan.source, listed, msgspec.to_builtins(plan.preset) if plan.preset else None
    )
