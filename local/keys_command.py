"""`make key`: an API key for an account, made when there is none for the address."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psycopg

from local import people


def create(settings: Mapping[str, str], email: str, label: str, plan: str) -> str:
    """A new key of the account behind `email`, which is put on `plan`.

    Works against whatever `settings` point at: the person is made by Supabase Auth's admin call,
    the account by the database's own trigger.
    """
    with psycopg.connect(settings["POSTGRES_URL"], autocommit=True) as connection:
        find = "select id from app.accounts where lower(email) = lower(%s)"
        found = connection.execute(find, (email,)).fetchone()
        if found is None:
            people.add(settings, email)
            found = connection.execute(find, (email,)).fetchone()
        if found is None:
            raise RuntimeError("the account was not made by the trigger on auth.users")
        connection.execute("update app.accounts set plan_id = %s where id = %s", (plan, found[0]))
    os.environ.update({name: value for name, value in settings.items() if value})
    from lib.accounts import keys

    return keys.create(found[0], keys.NewKey(label)).key
