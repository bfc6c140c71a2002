"""Finds text handling whose CPU time grows faster than the text. Run as a child process.

Hostile input can hold a process for hours in one call, so each case runs under a CPU timer, and the
whole child under a hard CPU limit. A case is superlinear when a text four times as long takes more
than eight times as long (linear: 4, quadratic: 16), or when a short text never ends.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from re import _constants as codes
from re import _parser as parser
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[3]
MAX_LENGTH = 20_000
"""The longest argument of a request."""
SIZES = (16, 32, 64, 2048, MAX_LENGTH)
NOTICEABLE_SECONDS = 0.04
"""Of CPU; what takes less at these sizes does no harm."""
CASE_SECONDS = 2
CHILD_SECONDS = 600
TAILS = ("\0", "!")
"""What no pattern ends with, so that it has to try all other ways to match."""
METHODS = {
    "match": 0,
    "fullmatch": 0,
    "search": 0,
    "findall": 0,
    "finditer": 0,
    "split": 0,
    "sub": 1,
}


class Pattern(NamedTuple):
    """A regular expression and how it is used."""

    where: str
    expression: str
    flags: int
    method: str


class OutOfTime(BaseException):
    """A case took more than CASE_SECONDS of CPU."""


def in_a_child(mode: str, data: Any = None) -> list[str]:
    """The superlinear cases that a child process finds. `mode` is `patterns` or `parsers`."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.rigs.linear_time.growth", mode],
        input=json.dumps(data),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3 * CHILD_SECONDS,
        check=False,
    )
    lines = child.stdout.splitlines()
    result = [line.removeprefix("slow ") for line in lines if line.startswith("slow ")]
    if lines[-1:] != ["done"]:  # killed at the CPU limit, or crashed
        last = next((line for line in reversed(lines) if line.startswith("case ")), "")
        result.append(f"never ended: {last} {child.stderr[-2000:]}")
    return result


def superlinear(work: Callable[[str], object], text: Callable[[int], str]) -> bool:
    """Whether the CPU time of `work` grows faster than the length of `text(length)`."""
    for size in SIZES:
        try:
            if _seconds(work, text(size)) < NOTICEABLE_SECONDS:
                continue
            if _ratio(work, text, size) > 8 and _ratio(work, text, size) > 8:
                return True
        except OutOfTime:
            return True
    return False


def _ratio(work: Callable[[str], object], text: Callable[[int], str], size: int) -> float:
    quarter, whole = text(max(1, size // 4)), text(size)
    short = min(_seconds(work, quarter) for _ in range(3))
    return min(_seconds(work, whole) for _ in range(3)) / max(short, 0.0005)


def _seconds(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, CASE_SECONDS)
    try:
        with contextlib.suppress(Exception):  # refusing the text is what it should do
            work(text)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - began


def attacks(expression: str, flags: int) -> Iterator[tuple[str, str]]:
    """(prefix, piece to repeat) of the pattern's own alphabet."""
    tree = parser.parse(expression, flags)
    seen: set[tuple[str, str]] = set()
    singles = sorted(_letters(tree))[:16]
    candidates = [("", letter) for letter in singles]
    for variant in range(3):
        candidates += _repeats(list(tree), "", variant)
        candidates.append(("", _sample(list(tree), variant)))
    bodies = list(dict.fromkeys(body for _, body in candidates if len(body) > 1))[:6]
    candidates += [("", body + letter) for body in bodies for letter in singles[:6]]
    candidates += [("", one + other) for one in singles[:5] for other in singles[:5]]
    for prefix, piece in candidates:
        if piece and (prefix, piece) not in seen:
            seen.add((prefix, piece))
            yield prefix, piece


def _letters(tree: Iterable[Any]) -> set[str]:
    """Characters that stand for each part of a pattern."""
    matches: set[str] = set()
    for code, value in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL):
            matches.add(chr(value))
        elif code is codes.IN:
            matches |= {letter for each in value for letter in _members(each)}
        for inner in _inner(code, value):
            matches |= _letters(inner)
    return matches or {"a"}


def _members(part: tuple[Any, Any]) -> list[str]:
    code, value = part
    if code is codes.LITERAL:
        return [chr(value)]
    if code is codes.RANGE:
        return [chr(value[0]), chr(value[1])]
    if code is codes.CATEGORY:
        return _CATEGORIES.get(value, [])
    return []


_CATEGORIES = {
    codes.CATEGORY_DIGIT: ["1"],
    codes.CATEGORY_SPACE: [" ", "\n"],
    codes.CATEGORY_WORD: ["a", "_"],
    codes.CATEGORY_NOT_DIGIT: ["a"],
    codes.CATEGORY_NOT_SPACE: ["a"],
    codes.CATEGORY_NOT_WORD: [" "],
}


def _inner(code: Any, value: Any) -> list[Any]:
    """The parts of a pattern within a part."""
    if code in _REPEATS:
        return [value[2]]
    if code is codes.SUBPATTERN:
        return [value[3]]
    if code is codes.BRANCH:
        return list(value[1])
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [value[1]]
    return [value] if code is codes.ATOMIC_GROUP else []


_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def _repeats(tree: list[Any], prefix: str, variant: int) -> list[tuple[str, str]]:
    """For each repetition: a text that leads to it, and what it repeats."""
    result: list[tuple[str, str]] = []
    for code, value in tree:
        for inner in _inner(code, value):
            if code in _REPEATS:
                body = _sample(list(inner), variant)
                result += [("", body), (prefix, body)]
            result += _repeats(list(inner), prefix, variant)
        prefix += _sample([(code, value)], variant)
    return result


def _sample(tree: list[Any], variant: int) -> str:
    """A text that a pattern matches. `variant` picks among classes, branches and counts."""
    text = ""
    for code, value in tree:
        if code is codes.LITERAL:
            text += chr(value)
        elif code is codes.NOT_LITERAL:
            text += "a" if value != ord("a") else "b"
        elif code is codes.ANY:
            text += "a"
        elif code is codes.IN:
            text += _class(value, variant)
        elif code in _REPEATS:
            count = value[0] if variant == 0 else max(1, value[0])
            text += _sample(list(value[2]), variant) * min(count, 10)
        elif code is codes.BRANCH:
            text += _sample(list(value[1][variant % len(value[1])]), variant)
        elif code not in (codes.ASSERT, codes.ASSERT_NOT):
            for inner in _inner(code, value):
                text += _sample(list(inner), variant)
    return text


def _class(parts: list[Any], variant: int) -> str:
    if parts[0][0] is codes.NEGATE:
        excluded = {letter for part in parts[1:] for letter in _members(part)}
        return next(letter for letter in "a b1{[<" if letter not in excluded)
    members = [letter for part in parts for letter in _members(part)]
    return members[variant % len(members)] if members else "a"


def check_patterns(patterns: Iterable[Pattern]) -> None:
    """Print the patterns that are superlinear."""
    for where, expression, flags, method in patterns:
        compiled = re.compile(expression, flags)
        call = getattr(compiled, method)
        binary = isinstance(compiled.pattern, bytes)

        def work(text: str, call: Any = call, method: str = method, binary: bool = binary) -> None:
            subject: Any = text.encode("latin-1", "replace") if binary else text
            result = call("", subject) if method == "sub" else call(subject)
            if method == "finditer":
                list(result)

        for prefix, piece in attacks(expression, flags & ~re.LOCALE):
            for tail in TAILS:
                say(f"case {where} {expression!r} {prefix!r} {piece!r}")

                def text(
                    size: int, prefix: str = prefix, piece: str = piece, tail: str = tail
                ) -> str:
                    return prefix + (piece * (size // len(piece) + 1))[:size] + tail

                if superlinear(work, text):
                    say(f"slow {where}: {expression!r} {method} of {prefix!r} + {piece!r} * n")
                    break
            else:
                continue
            break


def check_parsers(
    parsers: Iterable[tuple[str, Callable[[str], object]]], pieces: Iterable[str]
) -> None:
    """Print the parsers that are superlinear."""
    known = list(pieces)
    for name, parse in parsers:
        for piece in known:
            for tail in (TAILS[0], "")[: len(piece)]:
                say(f"case {name} {piece!r}")

                def text(size: int, piece: str = piece, tail: str = tail) -> str:
                    return (piece * (size // len(piece) + 1))[:size] + tail

                if superlinear(parse, text):
                    say(f"slow {name}: {piece!r} * n + {tail!r}")
                    break


def say(line: str) -> None:
    sys.stdout.write(line.replace("\n", " ") + "\n")
    sys.stdout.flush()


def _out_of_time(*_: object) -> None:
    raise OutOfTime


def main(mode: str) -> None:
    """Check what standard input names, or all parsers."""
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS + 1))
    signal.signal(signal.SIGPROF, _out_of_time)
    if mode == "patterns":
        check_patterns(Pattern(*each) for each in json.load(sys.stdin))
    else:
        from tests.rigs.linear_time import parsers

        check_parsers(parsers.PARSERS, parsers.PIECES)
    say("done")


if __name__ == "__main__":
    main(sys.argv[1])
