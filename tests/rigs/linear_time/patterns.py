"""Collects every regular expression of the service, wherever it is written."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from tests.rigs.linear_time.growth import METHODS, Pattern

PACKAGES = ("lib", "local", "standins", "api")


def modules() -> Iterator[ModuleType]:
    """Every one of our modules that can be imported without starting something."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for each in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not each.name.endswith("__main__") and each.name not in PROGRAMS:
                yield importlib.import_module(each.name)


PROGRAMS = ("lib.media.run.sandbox_exec",)
"""Modules that act when they are imported."""


def collect(result: Iterator[ModuleType] | list[ModuleType]) -> tuple[list[Pattern], list[str]]:
    """The patterns of modules, and the places that build patterns from something else."""
    loaded = list(result)
    trees = {each: ast.parse(Path(str(each.__file__)).read_text()) for each in loaded}
    used = _used(trees.values())
    patterns: set[Pattern] = set()
    dynamic: list[str] = []
    for module, tree in trees.items():
        seen: set[int] = set()
        for name, value in vars(module).items():
            for compiled, enclosed in _within(value, seen):
                methods = {"fullmatch"} if enclosed else used.get(name, {"search"})
                for method in sorted(methods):
                    patterns.add(_pattern(f"{module.__name__}.{name}", compiled, method))
        for call, function in _calls(tree):
            where = f"{module.__name__}.{function}"
            try:
                compiled = re.compile(_value(call.args[0], module), _flags(call, module))
            except NameError:
                dynamic.append(where)
                continue
            method = call.func.attr  # type: ignore[attr-defined]
            if method in METHODS:
                patterns.add(_pattern(where, compiled, method))
            elif not function:
                continue  # re.compile at module level: found above
            else:
                patterns.add(_pattern(where, compiled, "search"))
    return sorted(patterns), sorted(set(dynamic))


def _pattern(where: str, compiled: re.Pattern[Any], method: str) -> Pattern:
    text = compiled.pattern
    flags = compiled.flags & ~re.UNICODE
    return Pattern(
        where, text.decode("latin-1") if isinstance(text, bytes) else text, flags, method
    )


def _within(value: Any, seen: set[int]) -> Iterator[tuple[re.Pattern[Any], bool]]:
    """The patterns in a value: itself, its members, and what its functions enclose.

    True with those that values.pattern encloses, whose method can't be seen by name.
    """
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, re.Pattern):
        yield value, False
    elif isinstance(value, dict):
        for each in list(value.values()):
            yield from _within(each, seen)
    elif isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _within(each, seen)
    elif isinstance(value, FunctionType) and value.__closure__:
        for name, cell in zip(value.__code__.co_freevars, value.__closure__, strict=True):
            if name == "expression" and isinstance(cell.cell_contents, str):
                yield re.compile(cell.cell_contents), True
            else:
                yield from _within(cell.cell_contents, seen)


def _calls(tree: ast.AST, function: str = "") -> Iterator[tuple[ast.Call, str]]:
    """Each call re.<function>(pattern, …), and the function that it is in."""
    for node in ast.iter_child_nodes(tree):
        inside = function
        if isinstance(node, ast.FunctionDef):
            inside = f"{function}.{node.name}".strip(".")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and (node.func.attr in METHODS or node.func.attr in ("compile", "subn"))
        ):
            yield node, inside
        yield from _calls(node, inside)


def _value(node: ast.expr, module: ModuleType) -> Any:
    """The value of an expression of our own source. Raises NameError for a local variable."""
    code = compile(ast.Expression(node), "<pattern>", "eval")
    return eval(code, dict(vars(module)))  # noqa: S307


def _flags(call: ast.Call, module: ModuleType) -> int:
    names = [each.value for each in call.keywords if each.arg == "flags"]
    at = {"sub": 4, "subn": 4, "split": 3}.get(call.func.attr, 2)  # type: ignore[attr-defined]
    if call.func.attr == "compile":  # type: ignore[attr-defined]
        at = 1
    names += call.args[at : at + 1]
    return int(_value(names[0], module)) if names else 0


def _used(trees: Any) -> dict[str, set[str]]:
    """The methods that are called on each name: {"_TOKEN": {"match"}}."""
    used: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or node.attr not in METHODS:
                continue
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            used.setdefault(name, set()).add(node.attr)
    return used
