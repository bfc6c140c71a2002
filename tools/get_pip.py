"""Puts pip into the Python that runs this, from the package index, when ensurepip is missing."""

import json
import os
import runpy
import sys
import tempfile
import urllib.request
from pathlib import Path

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")


def main() -> None:
    """Fetch the newest wheel of pip and let it install itself."""
    request = urllib.request.Request(  # noqa: S310 -- the address is the package index's
        f"{INDEX}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    wheels = [file for file in files if file["filename"].endswith("-none-any.whl")]
    stable = [file for file in wheels if file["filename"].split("-")[1].replace(".", "").isdigit()]
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder, stable[-1]["filename"])
        with urllib.request.urlopen(stable[-1]["url"]) as answer:  # noqa: S310
            wheel.write_bytes(answer.read())
        sys.path.insert(0, str(wheel))
        sys.argv = ["pip", "install", "--quiet", "--no-index", str(wheel)]
        runpy.run_module("pip", run_name="__main__")


main()
