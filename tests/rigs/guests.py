"""A visitor with a trial key."""

from __future__ import annotations

import uuid

from lib.accounts import keys
from lib.platform import postgres
from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import fresh_address, stranger


class Guest(Account):
    """A visitor with the key that POST /v1/try answers."""

    def __init__(self, stack: Stack) -> None:
        self.address = fresh_address()
        with stranger(stack, self.address) as visitor:
            answer = visitor.post("/v1/try", json={})
        assert answer.status_code == 201, answer.text
        self.answer = answer.json()
        self.email = ""
        self.key = self.answer["key"]
        self.http = api_client.connect(stack.url, self.key)
        self.http.headers["x-real-ip"] = self.address

    @property
    def id(self) -> uuid.UUID:
        row = postgres.row(
            "select account_id from app.api_keys where hash = %(hash)s",
            {"hash": keys.digest(self.key)},
        )
        assert row
        return uuid.UUID(str(row["account_id"]))
