"""Every error has a code of the table, and every code of the table is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.platform.error_codes import CODES
from lib.platform.errors import Problem, unauthorized

ROOT = Path(__file__).parents[3]


def problems() -> Iterator[tuple[str, ast.expr]]:
    """The first argument of each Problem in the code, and where it stands."""
    for path in [*(ROOT / "lib").rglob("*.py"), *(ROOT / "api").glob("*.py")]:
        tree = ast.parse(path.read_text())
        subclasses = {
            node
            for each in ast.walk(tree)
            if isinstance(each, ast.ClassDef)
            and any(isinstance(base, ast.Name) and base.id == "Problem" for base in each.bases)
            for node in ast.walk(each)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            match node.func:
                case ast.Name(id="Problem"):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0]
                case ast.Attribute(attr="__init__") if node in subclasses:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0]


def codes(expression: ast.expr) -> set[str]:
    """The strings that an expression can be."""
    match expression:
        case ast.Constant(value=str(code)):
            return {code}
        case ast.IfExp(body=body, orelse=other):
            return codes(body) | codes(other)
        case _:
            return {ast.unparse(expression)}


def test_every_problem_has_a_code_of_the_table() -> None:
    wrong = {where: codes(code) - CODES.keys() for where, code in problems()}
    assert {where: names for where, names in wrong.items() if names} == {}


def test_every_code_is_used() -> None:
    used: set[str] = set().union(*(codes(code) for _, code in problems()))
    assert CODES.keys() - used == set()


@pytest.mark.parametrize("code", CODES)
def test_a_code_tells_what_it_means_and_what_to_do(code: str) -> None:
    assert 400 <= CODES[code].status < 600
    assert CODES[code].meaning.endswith(".")
    assert CODES[code].action.endswith(".")


def test_the_body_of_an_error() -> None:
    problem = Problem("job_not_found", "There is no job.", "More.", extra={"job_id": "7"})
    assert problem.status == 404
    assert problem.body() == {
        "error": "There is no job.",
        "message": "There is no job.",
        "code": "job_not_found",
        "details": "More.",
        "job_id": "7",
    }


def test_unauthorized_keeps_the_word_that_official_clients_match() -> None:
    assert unauthorized("Send a key.").body() == {
        "error": "unauthorized",
        "message": "Send a key.",
        "code": "unauthorized",
        "details": "Send a key.",
    }
