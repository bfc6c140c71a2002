"""How a resource names its routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from standins.stripe.state import Thing


class Route(NamedTuple):
    """A call: `handler(service, parameters, **ids of the rule)` gives the object to answer."""

    method: str
    rule: str
    handler: Callable[..., Thing]
