"""A part of the local stack that ends, and one that can't start."""

from __future__ import annotations

import os
import time

from local.processes.children import Child
from local.processes.supervisor import Supervisor


def test_a_part_that_can_not_start_is_tried_again_ever_later() -> None:
    part = Supervisor("the part", lambda: Child("no_such_module", [], dict(os.environ)))
    sentences: list[str] = []
    moments: list[float] = []
    end = time.monotonic() + 60
    while len(sentences) < 3 and time.monotonic() < end:
        if sentence := part.restart_ended():
            sentences.append(sentence)
            moments.append(time.monotonic())
        time.sleep(0.02)
    part.stop()
    assert sentences == [
        f"the part ended (exit 1) and did not start again; next try in {wait} s"
        for wait in (1, 2, 4)
    ]
    assert moments[1] - moments[0] >= 1
    assert moments[2] - moments[1] >= 2
