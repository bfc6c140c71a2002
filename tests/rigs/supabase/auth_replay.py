"""Recorded exchanges, replayed: requests filled in, answers compared.

In the recording, what differs from run to run stands as `<kind>` or, where the same value must
come back, as `<kind:number>`: bound at its first sight, and equal ever after. Two numbers of a
kind never have the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

KINDS = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "hash": r"[0-9a-f]{56}",
    "token": r"[a-z0-9]{12}",
    "prefix": r"[a-z0-9]{5}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z",
    "jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "unix": r"\d{10}",
    "code": r"\d{6}",
    "coordinate": r"[\w-]{43}",
}
PLACEHOLDER = re.compile(r"<([a-z]+)(?::(\d+))?>")
WATCHED = re.compile(
    r"content-type|location|cache-control|vary|link|x-.*|sb-auth-.*|access-control-.*"
)


@dataclass
class Bindings:
    """What the placeholders of a replay stand for so far."""

    values: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """A request's text with every placeholder replaced. KeyError for one not known yet."""
        return PLACEHOLDER.sub(lambda result: self.values[result[0]], text)

    def unknown(self, text: str) -> list[str]:
        """The placeholders of a text that stand for nothing yet."""
        matches = (match[0] for match in PLACEHOLDER.finditer(text))
        return [placeholder for placeholder in matches if placeholder not in self.values]

    def match(self, recorded: str, options: str, where: str) -> None:
        """Assert that a text is as recorded, and bind its placeholders."""
        names: list[str] = []

        def pattern(placeholder: re.Match[str]) -> str:
            names.append(placeholder[0])
            return f"({KINDS[placeholder[1]]})"

        pieces, end = [], 0
        for matches in PLACEHOLDER.finditer(recorded):
            if matches[1] not in KINDS:
                continue
            pieces += [re.escape(recorded[end : matches.start()]), pattern(matches)]
            end = matches.end()
        whole = re.fullmatch("".join([*pieces, re.escape(recorded[end:])]), options)
        assert whole, f"{where}: recorded {recorded!r}, answered {options!r}"
        for name, value in zip(names, whole.groups(), strict=True):
            if ":" in name:
                self.bind(name, value, where)

    def bind(self, name: str, value: str, where: str) -> None:
        """Let a placeholder stand for a value; assert that it does not stand for another."""
        known = self.values.setdefault(name, value)
        assert known == value, f"{where}: {name} was {known!r} and is {value!r}"
        kind = name.partition(":")[0]
        others = [
            other
            for other, entries in self.values.items()
            if entries == value and other != name and other.startswith(f"{kind}:")
        ]
        assert not others, f"{where}: {name} and {others} are both {value!r}"


def compare(bindings: Bindings, recorded: Any, options: Any, where: str) -> None:
    """Assert that JSON is as recorded: the same keys, and values that match."""
    if isinstance(recorded, dict):
        assert isinstance(options, dict), f"{where}: {options!r}"
        assert set(options) == set(recorded), f"{where}: keys {set(options) ^ set(recorded)}"
        for key, value in recorded.items():
            compare(bindings, value, options[key], f"{where}.{key}")
    elif isinstance(recorded, list):
        assert isinstance(options, list), f"{where}: {options!r}"
        assert len(options) == len(recorded), f"{where}: {options!r}"
        for index, value in enumerate(recorded):
            compare(bindings, value, options[index], f"{where}[{index}]")
    elif isinstance(recorded, str) and PLACEHOLDER.search(recorded):
        bindings.match(recorded, str(options), where)
    else:
        assert options == recorded, f"{where}: recorded {recorded!r}, answered {options!r}"
        assert type(options) is type(recorded), where


def compare_answer(
    bindings: Bindings, recorded: dict[str, Any], answer: httpx.Response, where: str
) -> None:
    """Assert that an answer is as recorded: status, the headers that matter, body."""
    assert answer.status_code == recorded["status"], f"{where}: {answer.text}"
    matches = {name: text for name, text in answer.headers.items() if WATCHED.fullmatch(name)}
    headers = recorded["headers"]
    assert set(matches) == set(headers), f"{where}: headers {set(matches) ^ set(headers)}"
    for name, text in headers.items():
        bindings.match(text, matches[name], f"{where} header {name}")
    body = recorded.get("body")
    if isinstance(body, str):
        bindings.match(body, answer.text.rstrip("\n"), where)
    elif body is None:
        assert answer.content == b"", where
    else:
        compare(bindings, body, answer.json(), where)
