"""The working folder of an attempt: where its files are, by their role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.media import scratch
from lib.media.request.models import Remote


class Folder:
    """Paths of an attempt's files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def input(self, number: int) -> Path:
        """Of the input with this number."""
        return self.path / f"input{number}"

    def output(self, extension: str) -> Path:
        """Of what ffmpeg writes."""
        return self.path / f"output.{extension}"

    def remote(self, remote: Remote) -> Path:
        """Of a file that the options name, under the name the plan has for it."""
        return self.path / remote.name

    def source(self, remote: Remote) -> Path:
        """Of such a file as it was fetched: subtitles are rewritten before they are used."""
        return self.path / f"{remote.name}.source"


@contextmanager
def working_folder() -> Iterator[Folder]:
    """A folder for one attempt, deleted at the end of the context."""
    with scratch.folder("job") as path:
        yield Folder(path)
