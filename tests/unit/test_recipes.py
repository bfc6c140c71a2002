"""Recipes of CONTRIBUTING.md, followed in a scratch copy: they list every file that changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tools.deployment import ROOT, copy_tree

STEP = re.compile(r"^\d+\. `([^`]+)`: (.*)$", re.MULTILINE)
CONDITION = re.compile(r"\bonly (?:if|for|with|then)\b")
PLACEHOLDER = re.compile(r"[A-Z]{2,}(?=[._/]|$)")
pytestmark = pytest.mark.slow


class Step(NamedTuple):
    """A file that a recipe lists."""

    path: str
    needed: bool
    """Whether every change of this kind touches it."""

    def fits(self, path: str) -> bool:
        """Whether `path` is this file; words such as NAME stand for any name."""
        parts = (re.escape(part) for part in PLACEHOLDER.split(self.path))
        return re.fullmatch("[^/]+".join(parts), path) is not None


def recipe(title: str) -> list[Step]:
    """The files that a recipe lists, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    part = text.partition(f"\n### {title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    return [Step(path, not CONDITION.search(about)) for path, about in STEP.findall(part)]


class Copy:
    """A copy of the project in which a recipe is followed."""

    def __init__(self, folder: Path) -> None:
        self.tree = copy_tree(folder)
        self._before = self._files()

    def edit(self, path: str, anchor: str, added: str) -> None:
        """Add text behind an anchor."""
        file = self.tree / path
        before, text, after = file.read_text().partition(anchor)
        assert text, f"{path} has no {anchor!r}"
        file.write_text(before + anchor + added + after)

    def write(self, path: str, text: str) -> None:
        """Write a new file."""
        assert not (self.tree / path).exists()
        (self.tree / path).write_text(text)

    def python(self, *arguments: str) -> str:
        """Run Python in the copy; its output."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST")
        } | {"PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.tree, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert ran.returncode == 0, f"{arguments}\n{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}"
        return ran.stdout

    def check(self, *tests: str) -> None:
        """The static checks that a change of this kind concerns, and some of its tests."""
        self.python("-m", "ruff", "check", "--no-cache", ".")
        self.python("-m", "ruff", "format", "--no-cache", "--check", ".")
        self.python("-m", "tools.generated", "--check")
        self.python(
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests),
            *("-p", "no:schemathesis", "-m", "not slow"),
        )

    def touched(self) -> set[str]:
        """The files that are not as they were."""
        after = self._files()
        return {path for path in self._before | after if self._before.get(path) != after.get(path)}

    def _files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.tree)): path.read_bytes()
            for path in self.tree.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "project")


def add_filter(copy: Copy) -> list[str]:
    """Allow bitplanenoise, its option narrower than ffmpeg's own 1 to 16."""
    policy = "lib/media/request/policy.py"
    copy.edit(policy, 'VIDEO = _words(\n    """\n', "    bitplanenoise\n")
    bound = '    ("bitplanenoise", "bitplane"): (1, 8),\n'
    copy.edit(policy, "TIGHTER: dict[tuple[str, str], tuple[float, float]] = {\n", bound)
    copy.python("-m", "tools.filters")
    copy.python("-m", "tools.allowed")
    said = copy.python("-c", TRY.format(8)) + copy.python("-c", TRY.format(9))
    assert said.split("\n")[0] == "accepted"
    assert "bitplanenoise=bitplane" in said and "from 1 to 8" in said
    return ["tests/unit/repository/test_tables.py", "tests/unit/media/request/test_graph.py"]


TRY = """
from lib.media.errors import Refused
from lib.media.request.check import check
from lib.media.request.models import Filter, Input, TranscodeRequest
graph = Filter("bitplanenoise=bitplane={}")
try:
    check(TranscodeRequest([Input("https://example.com/a.mp4")], "mp4", filters=[graph]))
    print("accepted")
except Refused as refused:
    print(refused.refusals)
"""


def add_route(copy: Copy) -> list[str]:
    """GET /v1/account/allowance."""
    copy.write("lib/accounts/allowance.py", ALLOWANCE)
    api = "api/account.py"
    copy.edit(api, "from lib.accounts import account, ", "allowance, ")
    copy.edit(api, (copy.tree / api).read_text(), DECLARED)
    copy.python("-m", "tools.generated")
    return ["tests/unit/http/test_openapi.py", "tests/unit/http/test_error_codes.py"]


ALLOWANCE = '''"""What an account's plan allows."""

from __future__ import annotations

import msgspec

from lib.accounts.callers import Caller


class Allowance(msgspec.Struct):
    """What a plan allows."""

    requests_per_minute: int
    """Requests a minute."""


def allowance(caller: Caller) -> Allowance:
    """The limits of the caller's plan."""
    return Allowance(caller.plan.requests_per_minute)
'''
DECLARED = '''

@route("GET", "/v1/account/allowance", access=READ, answer=allowance.Allowance)
def get_allowance(caller: Caller) -> allowance.Allowance:
    """What your plan allows"""
    return allowance.allowance(caller)
'''


def add_virtual_option(copy: Copy) -> list[str]:
    """@mirror, which flips the video."""
    models = "lib/media/request/virtual.py"
    copy.edit(models, "    range: Annotated[float, Meta(ge=1, le=50)] = 11\n", MIRROR_MODEL)
    union = re.search(r"^Virtual = .*?(?=\n\n)", (copy.tree / models).read_text(), re.M | re.S)
    assert union
    copy.edit(models, union[0], " | Mirror")
    copy.edit(models, "TYPES: dict[str, type[Virtual]] = {\n", '    "@mirror": Mirror,\n')
    copy.write("lib/media/plan/options/mirror.py", MIRROR_STEP)
    steps = "lib/media/plan/options/__init__.py"
    copy.edit(
        steps, "from lib.media.plan.draft import Draft\n",
        "from lib.media.plan.options.mirror import mirror\n",
    )  # fmt: skip
    copy.edit(steps, "Callable[[Draft, Any], Draft]] = {\n", "    virtual.Mirror: mirror,\n")
    cases = "tests/unit/media/plan/test_argv.py"
    copy.edit(cases, '        "silent video": ([video(sound=False)], {}),\n', MIRROR_CASE)
    arguments = "tests/unit/media/request/test_members.py"
    copy.edit(
        arguments, '"@watermark": {"input": 0},\n', '        "@mirror": {"axis": "vertical"},\n'
    )
    copy.python("-m", "ruff", "format", "--no-cache", models)
    copy.python("-m", "tools.allowed")
    golden = copy.tree / "tests/unit/media/plan/golden_argv.json"
    before = golden.read_text().splitlines()
    copy.python("-m", "tests.unit.media.plan.test_argv")
    new = [line for line in golden.read_text().splitlines() if line not in before]
    assert len(new) == 1 and "vflip" in new[0]
    return ["tests/unit/repository/test_tables.py", cases, arguments]


MIRROR_MODEL = '''

class Mirror(_VirtualOption):
    """The video mirrored."""

    axis: Literal["horizontal", "vertical"] = "horizontal"
'''
MIRROR_STEP = '''"""@mirror: the video mirrored."""

from __future__ import annotations

from lib.media.plan.draft import Draft, filter_video
from lib.media.request import graph, virtual


def mirror(draft: Draft, option: virtual.Mirror) -> Draft:
    """Flip the video."""
    if not draft.video:
        return draft
    return filter_video(draft, graph.parse("hflip" if option.axis == "horizontal" else "vflip"))
'''
MIRROR_CASE = (
    '        "mirrored": ([video()], {"options": options(("@mirror", {"axis": "vertical"}))}),\n'
)


@pytest.mark.parametrize(
    ("title", "follow"),
    [
        ("Add a filter", add_filter),
        ("Add a route", add_route),
        ("Add a virtual option", add_virtual_option),
    ],
)
def test_a_change_by_a_recipe_touches_only_the_files_it_lists(
    copy: Copy, title: str, follow: Callable[[Copy], list[str]]
) -> None:
    steps = recipe(title)
    assert steps
    tests = follow(copy)
    touched = copy.touched()
    assert {path for path in touched if not any(step.fits(path) for step in steps)} == set()
    missing = [step.path for step in steps if step.needed and not any(map(step.fits, touched))]
    assert missing == [], "the recipe lists files that the change did not need"
    copy.check(*tests)
