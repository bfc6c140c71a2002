"""Start-up of the built functions, against a bare Flask function built the same way."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.rows import Row
from tools import deployment

STARTS = 7
BARE = """from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def one():
    return jsonify(1)
"""


def startup(settings: Mapping[str, str]) -> list[Row]:
    """The median of `userInitDuration`, byte-compiled, the functions started in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = _built(_bare_tree(folder / "bare-tree"), folder)["api/bare"]
        ours = _built(deployment.copy_tree(folder / "tree"), folder)
        times: dict[str, list[float]] = {function: [] for function in ["bare", *ours]}
        for _ in range(STARTS):
            for function, path in [("bare", bare), *ours.items()]:
                running = deployment.Running(path, settings)
                times[function].append(running.init_milliseconds)
                running.stop()
    plain = statistics.median(times.pop("bare"))
    return [
        Row(
            f"start of {function}, median of {STARTS}",
            f"{statistics.median(each):.0f} ms",
            f"bare Flask {plain:.0f} ms",
            statistics.median(each) / plain,
            2,
        )
        for function, each in times.items()
    ]


def _built(tree: Path, folder: Path) -> dict[str, Path]:
    """Build the tree; where each function was laid out."""
    output = deployment.build(tree)
    laid = {}
    for name, function in deployment.functions(output, tree).items():
        laid[name] = function.unpack(folder / "unpacked" / name)
    return laid


def _bare_tree(tree: Path) -> Path:
    (tree / "api").mkdir(parents=True)
    (tree / "api" / "bare.py").write_text(BARE)
    flask = [
        line.rstrip(" \\")
        for line in (deployment.ROOT / "requirements.txt").read_text().splitlines()
        if line.lower().startswith("flask")
    ]
    (tree / "requirements.txt").write_text("\n".join(flask) + "\n")
    (tree / "vercel.json").write_text(json.dumps({"framework": None}))
    shutil.copy(deployment.ROOT / ".python-version", tree)
    return tree
