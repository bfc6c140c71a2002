"""`make key`: an API key for an account, which is created when the address has none."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psycopg

from lib.platform.settings import read_project
from local import people

NEW_PLAN = "pro"
"""The plan of an account that is created here, unless another one is asked for."""


def create(environ: Mapping[str, str], email: str, label: str, plan: str | None) -> str:
    """A new key of the account behind `email`, which goes to `plan`; None keeps its plan.

    Works against the project that `environ` names: the person is created by Supabase Auth's admin
    call, the account by the database's own trigger. Raises SettingsError, httpx.HTTPError.
    """
    project = read_project(environ)
    with psycopg.connect(project.postgres_url, autocommit=True) as connection:
        find = "select id from app.accounts where lower(email) = lower(%s)"
        row = connection.execute(find, (email,)).fetchone()
        if row is None:
            people.add(project, email)
            plan = plan or NEW_PLAN
            row = connection.execute(find, (email,)).fetchone()
        if row is None:
            raise RuntimeError("the account was not created by the trigger on auth.users")
        if plan is not None:
            connection.execute("update app.accounts set plan_id = %s where id = %s", (plan, row[0]))
    os.environ.update(project.environment())
    from lib.accounts import keys

    return keys.create(row[0], keys.NewKey(label)).key
