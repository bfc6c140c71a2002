"""The address after signing in never leads to another site (web/src/client/own-path.js)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "web" / "src" / "client" / "own-path.js"
SITE = "https://micro.example"
OWN = {
    "/keys": "/keys",
    "/jobs?q=a%20b&next=//evil.example#top": "/jobs?q=a%20b&next=//evil.example#top",
    "keys": "/keys",
    "?a=1": "/?a=1",
    "/a//evil.example": "/a//evil.example",
    "/%2fevil.example": "/%2fevil.example",
    "/%2F%2Fevil.example": "/%2F%2Fevil.example",
    "/%5cevil.example": "/%5cevil.example",
    f"{SITE}/billing?job=5": "/billing?job=5",
    f"{SITE}:443/keys": "/keys",
    "https:/keys": "/keys",
    "\t/ke\nys": "/keys",
}
FOREIGN = [
    None, "", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
    "/.//evil.example/login", "/..//evil.example", "/a/..//evil.example", "/./\\evil.example",
    "/.\\/evil.example", "/%2e//evil.example", "/%2E%2e//evil.example", "/.\t//evil.example",
    f"{SITE}//evil.example", f"{SITE}/\\evil.example", f"{SITE}/.//evil.example",
    f"{SITE}@evil.example/", f"{SITE}.evil.example", "https://user@micro.example/keys",
    "http://micro.example/keys", "https://micro.example:444/keys", "https:evil.example/..//evil",
    "https:///evil.example", "https://evil.example", "ftp://micro.example/", "blob:" + SITE + "/x",
    "javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "http://[::1", "https://",
    "/.///evil.example", "/.//", "//",
]  # fmt: skip
CODE = """
import { ownPath } from %s;
const [site, addresses] = JSON.parse(process.argv[1]);
const results = addresses.map((each) => ownPath(each, site, "/dashboard"));
console.log(JSON.stringify(results.map((each) => [each, new URL(each, site).host])));
"""


def own_paths(addresses: list[str | None]) -> list[list[str]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; tests/browser checks the same in Chromium")
    code = CODE % json.dumps(MODULE.as_uri())
    command = [node, "--no-warnings", "--input-type=module", "-e", code]
    ran = subprocess.run(
        [*command, json.dumps([SITE, addresses])], capture_output=True, text=True, check=True
    )
    results: list[list[str]] = json.loads(ran.stdout)
    return results


def test_pages_of_the_site_are_kept() -> None:
    assert own_paths(list(OWN)) == [[path, "micro.example"] for path in OWN.values()]


def test_other_sites_become_the_default() -> None:
    results = own_paths(FOREIGN)
    wrong = [
        (address, result)
        for address, result in zip(FOREIGN, results, strict=True)
        if result != ["/dashboard", "micro.example"]
    ]
    assert wrong == []
