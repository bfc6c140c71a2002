"""Amounts, for people."""

from __future__ import annotations

from standins.stripe.state import Thing

_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def amount(cents: int, currency: str) -> str:
    """Such as $19.00."""
    sign = "-" if cents < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency.upper()} ")
    return f"{sign}{symbol}{abs(cents) / 100:,.2f}"


def rate(price: Thing) -> str:
    """What a price costs, such as $19.00 / month."""
    recurring = price["recurring"]
    count = recurring["interval_count"]
    interval = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
    return f"{amount(price['unit_amount'], price['currency'])} / {interval}"
