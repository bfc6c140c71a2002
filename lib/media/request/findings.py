"""What the check of a request finds: faults, bounded in number, and what a plan needs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lib.media.errors import Refusal, Refused
from lib.media.request.models import Remote, Sources, TranscodeRequest
from lib.media.request.virtual import Virtual

MAX_REFUSALS = 50
MAX_REFUSAL_CHARACTERS = 25_000
"""Characters of all refusals, so that an answer stays below 100 KB."""
MAX_WARNINGS = 50
MAX_SUGGESTIONS = 5
"""Unknown names of a request for which similar names are suggested."""


class Findings:
    """One pass over a request that collects all faults, up to MAX_REFUSALS."""

    def __init__(self, request: TranscodeRequest, sources: Sources) -> None:
        self.request = request
        self.sources = sources
        self.urls: list[str] = []
        self.refusals: list[Refusal] = []
        self.characters = 0
        self.suggestions = 0
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.remotes: list[Remote] = []
        self.virtual: list[Virtual] = []

    def refuse(self, what: str, rule: str, instead: str = "") -> None:
        """Add a refusal. Raises Refused with all of them when there are too many."""
        refusal = Refusal(_printable(what), _short(rule), _short(instead))
        self.characters += len(ascii(refusal))
        if len(self.refusals) == MAX_REFUSALS - 1 or self.characters > MAX_REFUSAL_CHARACTERS:
            count = len(self.refusals)
            more = Refusal("the request", f"it has more faults than these {count}.", _FIX_THESE)
            raise Refused([*self.refusals, more])
        self.refusals.append(refusal)

    def similar(self, name: str, known: Iterable[str]) -> str:
        """A suggestion of names that look like `name`; empty when there is none."""
        self.suggestions += 1
        if self.suggestions > MAX_SUGGESTIONS:
            return ""
        close = difflib.get_close_matches(name[:60], known, 3)
        return f"Did you mean {' or '.join(close)}? " if close else ""


def _printable(text: str) -> str:
    """A caller's text as a message shows it."""
    short = text[:100]
    return short if short.isprintable() else repr(short)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[:MAX_SENTENCE]}…"


MAX_SENTENCE = 500
"""Characters of a rule, or of advice."""
_FIX_THESE = "Fix these and send the request again."
