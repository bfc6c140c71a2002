"""The files of an attempt: its inputs, and those that its options name."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from lib.files.open import MAX_SERVED, JobFile, open_file
from lib.jobs.lease import Lease
from lib.jobs.worker.deadline import Clock
from lib.jobs.worker.folder import Folder
from lib.media.errors import MediaError
from lib.media.request.models import Remote
from lib.media.run import subtitles
from lib.media.run.probe import probe
from lib.media.slots import Slot
from lib.usage.price import upgrade_url

MAX_TOGETHER = 10
"""The inputs of a job together may be so many times as large as one may be."""
MAX_IMAGE_BYTES = 50 * 1024**2


class Inputs:
    """Opens files within the limits of the plan, until `stack` is closed."""

    def __init__(self, stack: ExitStack, lease: Lease, clock: Clock, slot: Slot) -> None:
        self.files: list[JobFile] = []
        self._stack = stack
        self._lease = lease
        self._clock = clock
        self._slot = slot

    def open(self, url: str, path: Path) -> None:
        """Add an input, within reach of ffmpeg. Raises MediaError, Canceled, StorageError."""
        lease = self._lease
        limit = lease.max_input_bytes
        file = self._open(
            url,
            path,
            limit,
            f"The input has {{size}} bytes; the {lease.plan_name} plan takes {limit}."
            f" Upgrade the plan or send a smaller file: {upgrade_url(lease.job_id)}",
        )
        self.files.append(file)
        most = MAX_TOGETHER * limit
        if sum(each.size for each in self.files) > most:
            raise MediaError(
                "file_size",
                f"The inputs together are larger than {most} bytes, which is {MAX_TOGETHER} times"
                f" the largest input of the {lease.plan_name} plan. Send fewer or smaller files, or"
                f" upgrade the plan: {upgrade_url(lease.job_id)}",
                "input_bytes",
            )
        if sum(each.served for each in self.files) > MAX_SERVED:
            with self._clock.fetching():
                file.settle()

    def bring(self, remote: Remote, folder: Folder) -> None:
        """Fetch a file that the options name. Raises MediaError, Canceled, StorageError."""
        if remote.kind == "subtitles":
            self._bring(remote, folder.source(remote), subtitles.MAX_BYTES, "subtitles")
            subtitles.rewrite(
                folder.source(remote),
                folder.remote(remote),
                limits=subtitles.LIMITS._replace(deadline=self._clock.deadline),
                canceled=self._clock.stopped,
            )
            return
        path = folder.remote(remote)
        self._bring(remote, path, min(self._lease.max_input_bytes, MAX_IMAGE_BYTES), "picture")
        if not probe(path, deadline=self._clock.deadline).still:
            raise MediaError(
                "validation",
                "The watermark is not an image. Send a PNG, JPEG or WebP file.",
                "watermark",
            )

    def check(self) -> None:
        """Raises what a source failed with."""
        for file in self.files:
            file.check()

    def _bring(self, remote: Remote, path: Path, limit: int, what: str) -> None:
        sentence = f"The {what} in the options: {{size}} bytes; at most {limit} are read."
        file = self._open(remote.url, path, limit, sentence)
        with self._clock.fetching():
            file.bring()

    def _open(self, url: str, path: Path, limit: int, too_large: str) -> JobFile:
        with self._clock.fetching():
            return open_file(
                self._stack,
                url,
                path,
                max_bytes=limit,
                too_large=too_large,
                canceled=self._clock.stopped,
                seconds=self._clock.fetch_seconds(),
                slot=self._slot,
            )
