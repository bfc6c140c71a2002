"""Members of a JSON object that its model does not have: they are named, and never stored.

See docs/contract.md, section 2.4.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from itertools import islice
from typing import Any, Union, get_args, get_origin

import msgspec

from lib.media.request import virtual
from lib.media.request.models import Option, TranscodeRequest

MOST_NAMED = 20
MOST_CHARACTERS = 100


def unknown_members(value: Any, model: type) -> list[str]:
    """The members of `value` that `model` does not have, as paths such as `inputs[0].name`.

    At most MOST_NAMED, each cut to MOST_CHARACTERS.
    """
    paths = islice(_unknown(value, model, ""), MOST_NAMED)
    return [each[:MOST_CHARACTERS] for each in paths]


def known_members(request: TranscodeRequest) -> TranscodeRequest:
    """The request with only those members of its virtual options that their models have.

    msgspec has dropped the others already. An argument that is JSON text becomes an object when
    something in it is dropped.
    """
    if not request.options:
        return request
    options = [_known_option(each) for each in request.options]
    return msgspec.structs.replace(request, options=options)


def _known_option(option: Option) -> Option:
    model = virtual.TYPES.get(option.option)
    if model is None:
        return option
    argument = option.argument
    if isinstance(argument, str) and argument.strip():
        argument = msgspec.json.decode(argument)
    if not isinstance(argument, dict) or next(_unknown(argument, model, ""), None) is None:
        return option
    return msgspec.structs.replace(option, argument=_known(argument, model))


def _known(value: Any, model: Any) -> Any:
    struct = _struct(model)
    if struct is None or not isinstance(value, dict):
        return value
    fields = {each.encode_name: each.type for each in msgspec.structs.fields(struct)}
    return {key: _known(each, fields[key]) for key, each in value.items() if key in fields}


def _unknown(value: Any, model: Any, path: str) -> Iterator[str]:
    """The paths of unknown members, in the order in which they were sent."""
    struct, items = _struct(model), _items(model)
    if isinstance(value, dict) and struct is not None:
        fields = {each.encode_name: each.type for each in msgspec.structs.fields(struct)}
        for key, each in value.items():
            where = f"{path}.{key}" if path else key
            if key not in fields:
                yield where
            else:
                yield from _unknown(each, fields[key], where)
    elif isinstance(value, list) and items is not None:
        for number, each in enumerate(value):
            yield from _unknown(each, items, f"{path}[{number}]")


def _struct(model: Any) -> type[msgspec.Struct] | None:
    """The struct that a field's type names, also beside None."""
    for each in _alternatives(model):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
    return None


def _items(model: Any) -> Any:
    """What a field's type holds a list of; None when it is not a list."""
    for each in _alternatives(model):
        if get_origin(each) is list:
            return get_args(each)[0]
    return None


def _alternatives(model: Any) -> Iterator[Any]:
    """The parts of a union, without annotations."""
    if hasattr(model, "__metadata__"):
        yield from _alternatives(get_args(model)[0])
    elif get_origin(model) in (Union, types.UnionType):
        for each in get_args(model):
            yield from _alternatives(each)
    else:
        yield model
