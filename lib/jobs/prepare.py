"""What stands between a job's files and its plan: looking into them, and deciding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lib.jobs.files import JobFile
from lib.media.deadline import Deadline
from lib.media.errors import MediaError
from lib.media.model import Probe
from lib.media.plan.model import Machine, Plan
from lib.media.plan.planner import make_plan, wants_fingerprints
from lib.media.request.models import Checked
from lib.media.run.ffmpeg import cores
from lib.media.run.probe import fingerprint, measure, probe


def kept_is_exact(kept: Probe | None) -> bool:
    """Whether what was found of a file at its upload need not be looked for again."""
    return kept is not None and kept.duration is not None and not kept.estimated


def probed(file: JobFile, folder: Path, *, exact: bool, deadline: Deadline | None = None) -> Probe:
    """What a file holds. Raises MediaError.

    `exact` reads a file through whose header claims no length, or guesses it: what is billed is
    the true one.
    """
    try:
        found = probe(file.place, folder=folder, size=file.size, deadline=deadline)
        if exact:
            return measure(file.place, found, folder=folder, deadline=deadline)
        return found
    except MediaError:
        file.check()
        raise


def planned(
    checked: Checked,
    files: Sequence[JobFile],
    probes: Sequence[Probe],
    folder: Path,
    seconds: float,
    deadline: Deadline | None = None,
) -> Plan:
    """The plan for files at hand, on this machine, with `seconds` to run. Raises MediaError.

    `files` may be empty when there is but one.
    """
    alike = False
    if wants_fingerprints(checked, probes):
        told = {fingerprint(file.place, folder=folder, deadline=deadline) for file in files}
        alike = len(told) == 1 and () not in told
    return make_plan(checked, probes, Machine(cores(), seconds), coded_alike=alike)
