"""The docs of the site say what is so: their requests are accepted, the errors they quote exist."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lib.media.request.check import check
from lib.media.request.models import TranscodeRequest

ROOT = Path(__file__).parents[3]
GUIDES = sorted((ROOT / "web" / "docs").glob("*.md"))


def requests(text: str) -> Iterator[dict[str, Any]]:
    """Every create request in a guide: JSON by itself, in curl, in a workflow of n8n."""
    code = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    code += re.findall(r"-d '(\{.*?\})'", text, re.DOTALL)
    for each in code:
        try:
            answer = json.loads(each)
        except json.JSONDecodeError:
            continue  # it is put together by a shell
        bodies = [node["parameters"].get("jsonBody") for node in answer.get("nodes", ())]
        for result in [answer, *(json.loads(body) for body in bodies if body)]:
            if "outputFormat" in result:
                yield result


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_request_in_a_guide_is_accepted(guide: Path) -> None:
    for request in requests(guide.read_text()):
        checked = check(msgspec.convert(request, TranscodeRequest))
        assert not checked.warnings


def test_there_are_requests_in_the_guides() -> None:
    assert sum(1 for guide in GUIDES for _ in requests(guide.read_text())) >= 8


def test_every_error_that_is_quoted_exists() -> None:
    said = "\n".join(
        node.value
        for path in (ROOT / "lib").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    text = (ROOT / "web" / "docs" / "errors.md").read_text()
    table = text.partition("## Words you may meet")[2].partition("## Failed jobs")[0]
    quoted = re.findall(
        r"`([^`]+)`", " ".join(re.findall(r"^\| [0-9, ]+ \| (.*?) \|", table, re.M))
    )
    assert len(quoted) >= 20
    for error in quoted:
        for part in error.split("…"):
            assert part.strip() in said, error
