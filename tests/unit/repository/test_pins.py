"""Supply chain: every package is pinned with the hashes of its files, and installed by them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib.media.run import ffmpeg
from tools import build, pins

ROOT = Path(__file__).parents[3]
FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))
ENTRY = re.compile(
    r"[a-z0-9-]+(\[[a-z,]+\])?==\S+( ; [^\\]+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+"
)


def entries(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith("#"))


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", text, re.MULTILINE))


def test_every_file_is_written_by_make_pins() -> None:
    assert sorted(f"{name}.txt" for name in pins.FILES) == FILES


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_has_hashes(file: str) -> None:
    text = entries((ROOT / file).read_text())
    left = ENTRY.sub("", text)
    assert left == "", left
    assert len(re.findall("==", text)) >= 1


@pytest.mark.parametrize("wrong", [
    "flask==3.1.3\n", "flask>=3 \\\n    --hash=sha256:" + "0" * 64 + "\n", "-r other.txt\n",
    "flask==3.1.3 \\\n    --hash=md5:" + "0" * 32 + "\n", "git+https://example.com/x\n",
])  # fmt: skip
def test_a_requirement_without_hashes_would_be_noticed(wrong: str) -> None:
    assert ENTRY.sub("", wrong) != ""


@pytest.mark.parametrize("name", pins.FILES)
def test_the_short_lists_are_what_is_pinned(name: str) -> None:
    listed = _listed(pins.LISTS / f"{name}.in")
    assert listed
    assert listed.items() <= pinned(name).items()
    for other in pins.FILES[name]:
        assert pinned(other).items() <= pinned(name).items()


def _listed(path: Path) -> dict[str, str]:
    """The packages that a list names, with those of the lists it includes."""
    names: dict[str, str] = {}
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            names |= _listed(path.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            package, _, version = line.partition(";")[0].partition("==")
            names[package.partition("[")[0]] = version
    return names


def test_nothing_is_installed_without_hashes() -> None:
    """Not by make, not by Vercel's build, not by the script that fetches pip, not in .ci/run."""
    install = re.compile(r"pip3? (?:install|download)(?:[^\n\\]|\\\n)*")
    for name in ("Makefile", ".ci/run", "tools/venv.sh"):
        for command in install.findall((ROOT / name).read_text()):
            assert "--require-hashes" in command, (name, command)
    assert '"--require-hashes"' in (ROOT / "tools" / "build.py").read_text()
    assert not re.search(r"npm (install|i) .*-g|npm i(nstall)? ", (ROOT / ".ci/run").read_text())


def test_the_build_has_the_floor_of_the_worker() -> None:
    assert build.FLOOR == ffmpeg.FLOOR


@pytest.mark.parametrize(("name", "recent"), [
    ("ffmpeg-linux-x86_64-v9.0.2", True), ("ffmpeg-linux-x86_64-v9.1", True),
    ("ffmpeg-linux-x86_64-v9.0.1", False), ("ffmpeg-linux-x86_64-v7.0.2", False),
    ("ffmpeg-linux-x86_64", False), ("ffmpeg-linux-x86_64-vN-1-g2", False),
])  # fmt: skip
def test_the_build_takes_a_recent_ffmpeg_alone(name: str, recent: bool) -> None:
    assert (build.version_of(f"imageio_ffmpeg/binaries/{name}") >= build.FLOOR) is recent


def test_the_supabase_cli_is_pinned_where_people_copy_it() -> None:
    for name in ("README.md", "web/docs/deploy.md"):
        text = (ROOT / name).read_text()
        assert text.count("npx supabase")
        for tool in ("supabase", "vercel"):
            pinned = re.findall(rf"npx {tool}@\d+\.\d+\.\d+ ", text)
            assert len(pinned) == text.count(f"npx {tool}")
