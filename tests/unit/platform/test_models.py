"""Typed models in several threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, threading
import msgspec
from lib import models
from lib.media.request import virtual
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
def convert():
    start.wait()
    for model in virtual.TYPES.values():
        try:
            models.convert({"text": "a", "style": {"x": "1"}, "url": "http://a/b"}, model)
        except msgspec.ValidationError:
            pass
threads = [threading.Thread(target=convert) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_first_conversions_in_many_threads_do_not_crash_the_process() -> None:
    """msgspec.convert itself crashes in most of these runs."""
    for _ in range(8):
        run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True)
        assert run.returncode == 0, run.stderr


def test_nothing_converts_by_itself() -> None:
    for folder in ("api", "lib", "local", "standins"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            allowed = path in (
                ROOT / "lib" / "models.py",
                ROOT / "standins" / "models.py",
                ROOT / "lib" / "media" / "request" / "tables.py",
            )
            direct = "msgspec.convert(" in text or ("type=" in text and "json.decode(" in text)
            assert allowed or not direct or not _decodes_models(text), path


def _decodes_models(text: str) -> bool:
    """Whether msgspec is asked for a typed model, by convert or decode."""
    if "msgspec.convert(" in text:
        return True
    calls = (call.partition(")")[0] for call in text.split("json.decode(")[1:])
    return any("type=" in call and "dict[str, Any]" not in call for call in calls)
