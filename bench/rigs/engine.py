"""A job as the worker does it, between its claim and its end, without database and Storage."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from lib.files import addresses, open
from lib.files.open import JobFile
from lib.files.probes import probed
from lib.jobs.planning import planned
from lib.media.plan.model import Plan
from lib.media.request.check import check
from lib.media.request.models import Checked, TranscodeRequest
from lib.media.run.runner import Limits, Outcome, run_or_encode
from lib.platform.settings import settings

LIMITS = Limits(wall_seconds=300, cpu_seconds=600, output_bytes=10**9, memory_bytes=1536 * 1024**2)
MAX_BYTES = 10**9


@contextmanager
def reaching(port: int) -> Iterator[None]:
    """Settings with which URL inputs may be on this port of this machine."""
    needed = ("POSTGRES_URL", "SUPABASE_URL", "SUPABASE_SECRET_KEY")
    values = dict.fromkeys(needed, "http://127.0.0.1:1") | {
        "API_URL": "http://127.0.0.1:1",
        "CRON_SECRET": "0" * 32,
        "SOURCE_ALLOW": f"127.0.0.1:{port}",
    }
    before = dict(os.environ)
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def from_urls(body: dict[str, Any]) -> tuple[Plan, Outcome]:
    """The job of a request, its inputs opened as the worker opens them."""
    checked = check(msgspec.convert(body, TranscodeRequest), addresses.sources())
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        opened = [
            open.open_file(
                stack,
                url,
                folder / f"input{number}",
                max_bytes=MAX_BYTES,
                too_large="",
                canceled=lambda: False,
            )
            for number, url in enumerate(checked.urls)
        ]
        return _done(checked, opened, folder)


def from_files(
    body: dict[str, Any], paths: Sequence[Path], *, may_copy: bool = True
) -> tuple[Plan, Outcome]:
    """The job of a request whose inputs lie here, whatever addresses it names."""
    checked = check(msgspec.convert(body, TranscodeRequest))
    checked.may_copy = may_copy
    with TemporaryDirectory(dir=paths[0].parent) as name:
        folder = Path(name)
        opened = []
        for number, path in enumerate(paths):
            place = folder / f"input{number}"
            place.hardlink_to(path)  # the sandbox shows ffmpeg this folder alone
            opened.append(JobFile(place, path.stat().st_size))
        return _done(checked, opened, folder)


def _done(checked: Checked, opened: Sequence[JobFile], folder: Path) -> tuple[Plan, Outcome]:
    probes = [probed(file, folder, exact=True) for file in opened]
    plan = planned(checked, opened, probes, folder, LIMITS.wall_seconds)
    if plan.joined:
        for file in opened:
            file.bring()

    def encoding() -> Plan:
        changed = msgspec.structs.replace(checked, may_copy=False)
        return planned(changed, opened, probes, folder, LIMITS.wall_seconds)

    done = run_or_encode(
        plan,
        encoding,
        [file.place for file in opened],
        folder / f"output.{plan.output.format.extension}",
        limits=LIMITS,
        on_progress=lambda percent: None,
        canceled=lambda: False,
    )
    for file in opened:
        file.check()
    return done
