"""The plan for a job's files on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lib.files.open import JobFile
from lib.media.deadline import Deadline
from lib.media.model import Probe
from lib.media.plan.model import Machine, Plan
from lib.media.plan.planner import make_plan, wants_fingerprints
from lib.media.request.models import Checked
from lib.media.run.ffmpeg import cores
from lib.media.run.probe import fingerprint


def planned(
    checked: Checked,
    files: Sequence[JobFile],
    probes: Sequence[Probe],
    folder: Path,
    seconds: float,
    deadline: Deadline | None = None,
) -> Plan:
    """The plan for local files, on this machine, with `seconds` to run. Raises MediaError.

    `files` may be empty when there is but one.
    """
    alike = False
    if wants_fingerprints(checked, probes):
        fingerprints = {fingerprint(file.place, folder=folder, deadline=deadline) for file in files}
        alike = len(fingerprints) == 1 and () not in fingerprints
    return make_plan(checked, probes, Machine(cores(), seconds), coded_alike=alike)
