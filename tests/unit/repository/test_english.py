"""No text that people read has a phrase from our old English: see PHRASES for what to write.

Covers every text file of the repository: documents, the site, mails, errors, comments, docstrings,
names in code. The sentences that official clients match (docs/contract.md) are in MATCHED, with
names that ffmpeg itself has.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Each pattern, and what to write instead.
PHRASES = {
    r"anew": "again, new",
    r"(tell|tells|told|telling) of": "mention, report, notify about",
    r"(is|are|was|were|be) told": "is notified, shown, reported, passed",
    r"told (as|from|apart)": "reported as, distinguished from",
    r"no more(?! (than|people|trial))": "no longer",
    r"(is|are|was|were) over": "has expired, has ended",
    r"of ours": "our",
    r"somebody of": "a member of our staff",
    r"none of (ours|yours|it)": "not ours",
    r"(for|of|by|to) who (?!is calling|is)\w+s": "for someone who …",
    r"(?:^|[.:] )Who (knows|asks|wants|needs|has|reads|follows) .*[^?]$": "If you …, those who …",
    r"shall": "must, will",
    r"yet (get|be|come)": "may still …",
    r"may yet": "may still",
    r"(is|was|moment) to come": "in the future, pending",
    r"the sounds?": "audio",
    r"the picture": "the video, the image",
    r"(make|made|makes) of it": "convert to, do with it",
    r"call too many": "requests over the limit",
    r"so far as": "as far as, where",
    r"finds? out": "learn, determine, see",
    r"stands? in for": "replaces",
    r"(take|takes|taken) back": "undo, revoke, reclaim",
    r"but for": "except, except for",
    r"in good order": "cleanly, normally",
    r"at hand": "available",
    r"(a|the) cage|caged": "sandbox",
    r"rides? (only|along|with)": "is bundled",
    r"own legs": "does not rely on",
    r"(?<!there )(is|are) no (?!longer|way|one)\w+": "is not a …",
    r"has not (a|an|the|any)": "does not have",
    r"what (became|becomes|came|comes) of": "the outcome of, what happened to",
    r"as far as (it|they) (is|are|shows|goes|matters)": "where …",
    r"for ever": "forever",
    r"once more": "again",
    r"in the name of who": "on behalf of",
    r"reckon(s|ed|ing)?": "count, calculate, depend on",
    r"people with aids": "accessibility",
    r"stumbles? over": "fails on",
    r"lest": "so that … not",
    r"(whence|whither|hither|hence|thus|thereby|whereby|thereof|hereby)": "so, by which",
    r"(upon|whilst|amongst|albeit|ere|oft)": "on, while, among, although",
    r"ought to": "should",
    r"naught|nought": "nothing, zero",
    r"betimes|forthwith": "soon, at once",
    r"(?<!job )cancell(ed|ing)": "canceled, canceling",
    r"colou?red words|words drawn|pictures of words": "rendered text",
    r"colours?|coloured|COLOURS?": "color",
    r"behaviours?": "behavior",
    r"(favour|honour|labour|neighbour)(s|ed|ite|ites)?": "favor, honor, …",
    r"catalogues?": "catalog",
    r"centre[ds]?": "center",
    r"licences?": "license",
    r"(normal|organ|recogn|serial|deserial|initial|synchron|optim|minim|maxim|summar|author|priorit|"
    r"custom|sanit|final)is(e|es|ed|ing|ation)": "-ize",
    r"analys(e|es|ed|ing)": "analyze",
    r"travell(ed|ing)|labell(ed|ing)|modell(ed|ing)|signall(ed|ing)": "one l",
    r"artefacts?": "artifact",
    r"programmes?": "program",
    r"ageing|acknowledgement|judgement": "aging, acknowledgment, judgment",
}
MATCHED = ("Job cancelled successfully", '"color", "colour", "c"', "`color`, `colour`, `c`")
GENERATED = re.compile(
    r"package-lock\.json$|requirements[\w-]*\.txt$|golden_argv\.json$|exchanges\.json$|commands\.json$"
)
LISTS = {f"tests/unit/repository/test_{each}.py" for each in ("english", "names")}
SUPPLIED = {"LICENSE"}


def texts() -> dict[str, str]:
    """The text files of the repository by path."""
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    files: dict[str, str] = {}
    for name in listing.stdout.splitlines():
        if name in SUPPLIED or name in LISTS or GENERATED.search(name):
            continue
        try:
            files[name] = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return files


def hits(files: dict[str, str]) -> list[str]:
    """Each use of a phrase: the place, what to write instead, and the line."""
    lines = []
    # Lower case and no lookbehind: only so does `re` skip quickly to a pattern's first letters.
    patterns = [
        (re.compile(rf"(?:{phrase.lower()})(?![\w-])", re.MULTILINE), better)
        for phrase, better in PHRASES.items()
    ]
    for name, text in files.items():
        lower = text.lower()
        for pattern, better in patterns:
            for match in pattern.finditer(lower):
                if re.match(r"[\w-]", lower[match.start() - 1 : match.start()]):
                    continue
                number = lower.count("\n", 0, match.start())
                line = text.split("\n")[number].strip()
                if not any(each in line for each in MATCHED):
                    lines.append(f"{name}:{number + 1}: {match[0]!r}, write {better!r}: {line}")
    return lines


def test_no_phrase_of_our_old_english() -> None:
    lines = hits(texts())
    assert not lines, f"{len(lines)} phrases to rewrite:\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("This link is over.", 1),
        ("The caller is told of the error.", 2),
        ("There is no key.", 0),
        ("A Job cancelled successfully", 0),
        ("A cancelled job", 1),
        ("no more than ten", 0),
    ],
)
def test_patterns_match(line: str, expected: int) -> None:
    assert len(hits({"a.md": line})) == expected
