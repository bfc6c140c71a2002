"""A stack whose jobs may take only seconds."""

from __future__ import annotations

import json
import os
from pathlib import Path

from local.processes.children import Child


class Impatient:
    """A stack in a process of its own (a process has one), whose jobs may take few seconds."""

    SECONDS = 3

    def __init__(self, folder: Path, source_allow: str) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._child = Child(
            "tests.rigs.processes.impatient",
            [str(folder / "stack"), source_allow, str(self.SECONDS)],
            # Job folders lie where nobody else makes any, so that what is left can be seen.
            {**os.environ, "TMPDIR": str(self.scratch)},
        )
        answer = json.loads(self._child.ready())
        self.url: str = answer["url"]
        self.key: str = answer["key"]
        self.postgres_url: str = answer["postgres"]

    def stop(self) -> None:
        """Stop it whole."""
        self._child.stop()
