"""Clearing very many files, by the sweep in repeated runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bench import sweep
from local.stack import Stack

RUNS = """
import json
from bench import sweep
runs = sweep.clear(3)
print(json.dumps([[swept.uploads, swept.outputs, swept.failed] for swept, _ in runs]))
"""


@pytest.mark.slow
def test_a_hundred_thousand_files_are_cleared_by_repeated_runs(tmp_path: Path) -> None:
    with Stack(tmp_path, functions=False) as stack:
        sweep.fill(stack)
        assert sweep.left(stack) == sweep.FILES
        # Two sweeps at once, each in a process of its own: none does the other's work again.
        environment = os.environ | stack.settings | {"WORKER_URL": stack.url}
        sweeps = [
            subprocess.Popen(
                [sys.executable, "-c", RUNS], env=environment, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        answer = [json.loads(each.communicate(timeout=300)[0]) for each in sweeps]
        assert sweep.left(stack) == 0
        runs = [run for each in answer for run in each]
        assert sum(run[0] + run[1] for run in runs) == sweep.FILES
        assert sum(run[2] for run in runs) == 0
        assert len(runs) > 2
        with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
            recorded = connection.execute(
                "select count(distinct key), count(*) from app.deletions where reason = 'expired'"
            ).fetchone()
        assert recorded == (sweep.FILES, sweep.FILES)
