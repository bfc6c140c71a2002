"""What is refused at once: a sentence that names it, nothing queued, nothing touched."""

from __future__ import annotations

import pytest

from tests.rigs.hostile.cases import REFUSED, Case, case_id
from tests.rigs.hostile.guest import Guest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", REFUSED, ids=case_id)
def test_refused(case: Case, guest: Guest, values: dict[str, str]) -> None:
    total = guest.total()
    answer = guest.send(case, values)
    guest.assert_wanted(case, answer, values)
    if answer.status_code != 201:
        assert guest.total() == total
