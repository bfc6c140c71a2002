"""The stock JavaScript client against the stand-ins; here, since Node is needed for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

from local.stack import Stack

FOLDER = Path(__file__).parent / "js"


def test_a_person_s_life_with_the_stock_javascript_client(stack: Stack, tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json", "client.js"):
        shutil.copy(FOLDER / name, tmp_path)
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=tmp_path, check=True
    )
    email = f"{uuid.uuid4()}@example.com"
    run = subprocess.run(
        ["node", "client.js"],
        cwd=tmp_path,
        env=os.environ | stack.settings | {"EMAIL": email, "SITE": stack.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    output = json.loads(run.stdout)
    assert "13 or older" in output.pop("without_over_13")
    # The stand-in has no REST surface of its own; hosted, the schema is not exposed there.
    assert output.pop("rows") is None
    assert output.pop("files") in ([], None)
    assert output == {
        "session_before_confirmation": None,
        "before_confirmation": "email_not_confirmed",
        "confirmed": "signup",
        "name": "Ann",
        "refreshed": True,
        "wrong_password": "invalid_credentials",
        "account": email,
        "new_password": email,
    }
