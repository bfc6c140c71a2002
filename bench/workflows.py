"""What people ask of ffmpeg, through the engine and by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.rows import Row
from lib.media.errors import MediaError, Refused
from tests.rigs.workflows import workflows as known

ROUNDS = 3


def workflows(folder: Path) -> list[Row]:
    """All workflows, each in turn with its command; what is in the files is known beforehand.

    As in the service, where a file is looked into when it is uploaded.
    """
    source, work = folder / "source", folder / "work"
    source.mkdir()
    known.make_fixtures(source)
    listed = known.load()
    ours = by_hand = 0.0
    failed = []
    for each in listed:
        through, raw = [], []
        try:
            probes = known.probed(each, source)
            for _ in range(ROUNDS):
                work.mkdir()
                through.append(known.run_ours(each, source, work, probes).seconds)
                raw.append(known.run_by_hand(each, source, work).seconds)
                shutil.rmtree(work)
        except (Refused, MediaError, subprocess.CalledProcessError) as error:
            shutil.rmtree(work, ignore_errors=True)
            failed.append(f"{each.name}: {error}")
            continue
        ours += min(through)
        by_hand += min(raw)
    for line in failed:
        print(line)
    return [
        Row(
            f"the {len(listed)} workflows, those that fail", f"{len(failed)}", "none",
            len(failed), 0,
        ),
        Row(
            f"the {len(listed)} workflows, best of {ROUNDS} each", f"{ours:.1f} s",
            f"by hand {by_hand:.1f} s", ours / by_hand, 1.1,
        ),
    ]  # fmt: skip
