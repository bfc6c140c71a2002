"""What an answer is made of: lists a page at a time, and objects in place of their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from standins.stripe.errors import invalid
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService, public
from standins.stripe.state import Thing

PAGE = ("limit", "starting_after", "ending_before", "created")
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_MAX_DEPTH = 4
Condition = tuple[str, tuple[object, ...]]
Embed = Callable[[StripeService, Thing], Thing]


def whole(data: list[Thing], url: str) -> Thing:
    """A list that is complete."""
    return {
        "object": "list",
        "data": [public(each) for each in data],
        "has_more": False,
        "url": url,
    }


def page(
    service: StripeService,
    parameters: Parameters,
    url: str,
    kind: str,
    equal: Mapping[str, object] | None = None,
    *conditions: Condition,
) -> Thing:
    """A page of the objects of a kind, newest first, as the list parameters ask."""
    limit = parameters.integer("limit")
    if limit is not None and not 1 <= limit <= 100:
        raise invalid("Invalid limit: must be between 1 and 100", "limit")
    limit = limit or 10
    after, before = parameters.text("starting_after"), parameters.text("ending_before")
    more = [*conditions, *_created(parameters)]
    for name, cursor, sign in (("starting_after", after, "<"), ("ending_before", before, ">")):
        if cursor:
            service.get(kind, cursor, name)
            place = "(select seq from things where id = ?)"
            more.append((f"seq {sign} {place}", (cursor,)))
    backwards = bool(before and not after)
    things = service.state.find(kind, equal, *more, limit=limit + 1, oldest_first=backwards)
    data = things[:limit]
    if backwards:
        data.reverse()
    data = [public(each) for each in data]
    return {"object": "list", "data": data, "has_more": len(things) > limit, "url": url}


def _created(parameters: Parameters) -> list[Condition]:
    field = "json_extract(body, '$.created')"
    if isinstance(parameters.plain().get("created"), dict):
        bounds = parameters.inside("created")
        bounds.only(*_COMPARE)
        return [
            (f"{field} {sign} ?", (bounds.integer(name),))
            for name, sign in _COMPARE.items()
            if name in bounds
        ]
    exact = parameters.integer("created")
    return [] if exact is None else [(f"{field} = ?", (exact,))]


def expand(
    service: StripeService, thing: Thing, paths: list[str], embeds: Mapping[tuple[str, str], Embed]
) -> Thing:
    """The object as it is shown, with the objects that `paths` name in place of their ids.

    `embeds` makes fields that are only there when asked for, by object and name.
    """
    result = public(thing)
    for path in paths:
        names = path.split(".")
        if len(names) > _MAX_DEPTH + (names[0] == "data"):
            raise invalid("You cannot expand more than 4 levels of a property.", "expand")
        _expand(service, result, names, path, embeds)
    return result


def _expand(
    service: StripeService,
    thing: Thing,
    names: list[str],
    path: str,
    embeds: Mapping[tuple[str, str], Embed],
) -> None:
    name, *rest = names
    kind = thing.get("object", "")
    if name not in thing and (kind, name) in embeds:
        thing[name] = embeds[kind, name](service, thing)
    if name not in thing or name == "id":
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    value: Any = thing[name]
    if isinstance(value, str):
        other = service.state.get(value)
        if other is None:
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        value = thing[name] = public(other)
    elif isinstance(value, list):
        thing[name] = value = [public(each) if isinstance(each, dict) else each for each in value]
    elif isinstance(value, dict):
        thing[name] = value = dict(value)
    for each in value if isinstance(value, list) else [value] if value is not None else []:
        if rest:
            if not isinstance(each, dict):
                raise invalid(f"This property cannot be expanded ({path}).", "expand")
            _expand(service, each, rest, path, embeds)
