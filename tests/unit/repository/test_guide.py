"""The guide to deploying: one source, and it names what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tools import guide

ROOT = Path(__file__).parents[3]
TEXT = guide.PAGE.read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
NAMES = set(re.findall(r"^([A-Z][A-Z0-9_]+)=", EXAMPLE, re.M))


def test_the_readme_has_the_page_as_it_is() -> None:
    assert guide.README.read_text() == guide.readme(), "run `make guide`"
    assert "### Steps" in guide.part() and "#### 1. Clone the repository" in guide.part()


def test_each_step_ends_with_a_check() -> None:
    steps = re.split(r"^### \d+\. ", TEXT.partition("## Good to know")[0], flags=re.M)[1:]
    assert len(steps) >= 12
    for step in steps:
        assert len(re.findall(r"^Check: ", step, re.M)) == 1, step[:60]
    numbers = re.findall(r"^### (\d+)\.", TEXT, re.M)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


def test_limits_and_costs_come_first() -> None:
    first = TEXT.partition("## Steps")[0]
    for fact in ("non-commercial", "1 vCPU", "2 vCPU", "300 s", "800 s", "1,800 s", "500 MB",
                 "50 MB", "2 mails an hour", "members of your team"):  # fmt: skip
        assert fact in first, fact


def test_every_command_and_setting_of_the_guide_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = set(re.findall(r"make (?:-s )?([a-z-]+)\b", "\n".join(
        re.findall(r"`(make [^`]+)`", TEXT) + re.findall(r"```bash\n(.*?)```", TEXT, re.S)
    )))  # fmt: skip
    assert {"supabase-setup", "doctor", "key", "admin", "stripe-setup"} <= commands <= targets
    used = set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", TEXT))
    assert used <= NAMES, used - NAMES


def test_every_setting_that_is_read_is_explained() -> None:
    read: set[str] = set()
    for path in ((ROOT / "lib/platform/settings.py"), (ROOT / "tools/hosted/environment.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                read |= {node.value} if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", node.value) else set()
    platform = {name for name in read if name.startswith(("VERCEL_", "NEXT_PUBLIC_"))}
    aliases = {"SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY"}
    assert read - platform - aliases <= NAMES, read - platform - aliases - NAMES
    for name in aliases | {each for each in platform if each.startswith("NEXT_PUBLIC_")}:
        assert name in EXAMPLE


def test_sentences_that_operators_need_are_there() -> None:
    for sentence in ("object versioning", "CDN", "Add user", "SUPABASE_AUTH_ISSUER",
                     "JWT signing keys", "Do not run `supabase config push`"):  # fmt: skip
        assert sentence in TEXT, sentence
