"""The operator's commands, run as processes, and the log of what they did."""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from lib.admin import __main__ as program
from lib.platform import postgres
from local.stack import Stack

ROOT = Path(__file__).parents[2]


def admin(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command answers. It runs in this process, which has the stack's settings: a process
    of its own for each of them takes half a minute of the suite. The tests below start some."""
    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            status = program.main(["--as", "olga", *arguments])
        except SystemExit as left:  # a wrong command line
            status = int(left.code or 0)
    output.seek(0)
    return subprocess.CompletedProcess(arguments, status, output.read(), errors.getvalue())


def done(stack: Stack, *arguments: str) -> Any:
    """The JSON that a command answers."""
    run = admin(stack, "--json", *arguments)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def acts(account: str) -> list[tuple[str, str, str | None]]:
    rows = postgres.rows(
        "select who, act, reason from app.operator_log where account_id = %(it)s order by id",
        {"it": account},
    )
    return [(row["who"], row["act"], row["reason"]) for row in rows]
