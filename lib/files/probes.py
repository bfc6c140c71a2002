"""Probing a job's files."""

from __future__ import annotations

from pathlib import Path

from lib.files.open import JobFile
from lib.media.deadline import Deadline
from lib.media.errors import MediaError
from lib.media.model import Probe
from lib.media.run.probe import measure, probe


def is_exact(probe: Probe | None) -> bool:
    """Whether what was found of a file at its upload need not be looked for again."""
    return probe is not None and probe.duration is not None and not probe.estimated


def probed(file: JobFile, folder: Path, *, exact: bool, deadline: Deadline | None = None) -> Probe:
    """What a file holds. Raises MediaError.

    `exact` reads a file through whose header claims no length, or guesses it: what is billed is
    the true one.
    """
    try:
        result = probe(file.place, folder=folder, size=file.size, deadline=deadline)
        if exact:
            return measure(file.place, result, folder=folder, deadline=deadline)
        return result
    except MediaError:
        file.check()
        raise
