"""A schema-driven fuzz of every route, with and without credentials: no 500, answers as stated."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance

from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import fresh_address
from tools.declared import documented
from tools.openapi import document

pytestmark = pytest.mark.slow
OPEN = {route.path for route in documented() if not route.needs_credential}
schema = schemathesis.openapi.from_dict(document())
EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
CHECKS = [not_a_server_error, content_type_conformance]


@schema.parametrize()
@EXAMPLES
def test_with_a_key(case: Any, stack: Stack, account: Account) -> None:
    headers = {"Authorization": f"Bearer {account.key}", "x-real-ip": fresh_address()}
    case.call_and_validate(base_url=stack.url, headers=headers, checks=CHECKS)


@schema.parametrize()
@EXAMPLES
def test_without_a_key(case: Any, stack: Stack) -> None:
    headers = {"x-real-ip": fresh_address()}  # limits by address have tests of their own
    answer = case.call_and_validate(base_url=stack.url, headers=headers, checks=CHECKS)
    open_too = case.operation.path in OPEN
    if case.path.startswith("/v1/") and not open_too and answer.request.method != "OPTIONS":
        assert answer.status_code in (400, 401, 404, 405, 413, 415), answer.text
