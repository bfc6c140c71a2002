"""Installs the pinned pip into the Python that runs this, for one that lacks ensurepip."""

import hashlib
import json
import os
import re
import runpy
import sys
import tempfile
import urllib.request
from pathlib import Path

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
PINNED = Path(__file__).parent.parent / "requirements-pip.txt"


def main() -> None:
    """Download the wheel of pip that requirements-pip.txt pins and let it install itself."""
    pinned = PINNED.read_text()
    version = re.findall(r"^pip==(\S+)", pinned, re.MULTILINE)[0]
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", pinned)
    name = f"pip-{version}-py3-none-any.whl"
    request = urllib.request.Request(  # noqa: S310 -- the address is the package index's
        f"{INDEX}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        urls = [file["url"] for file in json.load(answer)["files"] if file["filename"] == name]
    if not urls:
        sys.exit(f"{INDEX} does not have {name}")
    with urllib.request.urlopen(urls[0]) as answer:  # noqa: S310
        content = answer.read()
    if hashlib.sha256(content).hexdigest() not in hashes:
        sys.exit(f"{urls[0]} does not have the hash in {PINNED.name}: refused")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder, name)
        wheel.write_bytes(content)
        sys.path.insert(0, str(wheel))
        sys.argv = ["pip", "install", "--quiet", "--no-index", str(wheel)]
        runpy.run_module("pip", run_name="__main__")


main()
