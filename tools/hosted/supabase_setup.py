"""`make supabase-setup`: sets up Auth and Storage of a hosted Supabase project. Safe to repeat.

Sets the Site URL and redirects, the hook before a user is created, SMTP, mails and the file size
limit. `--check` compares them and changes nothing. Secrets are never printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lib.platform.settings import SettingsError
from tools.hosted import environment, project_settings
from tools.hosted.environment import Hosting
from tools.hosted.management import Management, ManagementError, NotAccepted
from tools.hosted.project_settings import Difference, Group


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Set up or check the project: 0 when all is as it must be, 1 when not."""
    parser = argparse.ArgumentParser(prog="make supabase-setup", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    parser.add_argument("--env", type=Path, help="a file with settings, from `vercel env pull`")
    args = parser.parse_args(arguments)
    try:
        return run(environment.joined(args.env, environ), check=args.check)
    except (SettingsError, ManagementError) as error:
        print(error, file=sys.stderr)
        return 1


def run(environ: Mapping[str, str], *, check: bool) -> int:
    """Set up or check what `environ` names. Raises SettingsError, ManagementError."""
    hosting = environment.read(environ)
    management = Management(hosting.management_url, hosting.ref, hosting.token)
    try:
        return (_check if check else _set_up)(hosting, management)
    finally:
        management.close()


def _check(hosting: Hosting, management: Management) -> int:
    """Print each difference with its fix."""
    auth = management.read("auth")
    differences = [
        each
        for group in _groups(hosting, auth)
        for each in project_settings.differences(group, auth, hosting.ref)
    ]
    limit = int(management.read("storage").get("fileSizeLimit") or 0)
    storage = project_settings.storage_difference(hosting.storage_max_bytes, limit)
    for each in [*differences, *([storage] if storage else [])]:
        print(f"{each.name} is {each.current}; it must be {each.required}.")
        print(f"    fix: make supabase-setup, or {each.fix}")
    without = _no_smtp(hosting, auth)
    if without:
        print(project_settings.NO_SMTP)
    wrong = bool(differences or storage or without)
    print("" if wrong else f"Project {hosting.ref} is set up for {hosting.site_url}.")
    return 1 if wrong else 0


def _set_up(hosting: Hosting, management: Management) -> int:
    """Change what differs, a group at a time, so that one that is refused keeps no other back."""
    auth = management.read("auth")
    status = 0
    for group in _groups(hosting, auth):
        differences = project_settings.differences(group, auth, hosting.ref)
        if not differences:
            continue
        try:
            auth = management.change("auth", _to_send(group, differences))
        except NotAccepted as error:
            locked = all(each.name.startswith("mailer_") for each in differences)
            print(
                f"not set: {', '.join(each.name for each in differences)}: {error}", file=sys.stderr
            )
            if locked:
                print(project_settings.LOCKED, file=sys.stderr)
            status = status if locked and _no_smtp(hosting, auth) else 1
            continue
        for each in differences:
            print(f"{each.name}: {each.required} (was {each.current})")
    if _no_smtp(hosting, auth):
        print(project_settings.NO_SMTP, file=sys.stderr)
    status = max(status, _storage(hosting, management))
    if status == 0:
        print(f"Project {hosting.ref} is set up for {hosting.site_url}.")
    return status


def _storage(hosting: Hosting, management: Management) -> int:
    """Raise the file size limit where it is below what the service promises."""
    limit = int(management.read("storage").get("fileSizeLimit") or 0)
    difference = project_settings.storage_difference(hosting.storage_max_bytes, limit)
    if difference is None:
        return 0
    try:
        after = management.change("storage", {"fileSizeLimit": hosting.storage_max_bytes})
        limit = int(after.get("fileSizeLimit") or 0)
    except NotAccepted as error:
        print(f"not set: fileSizeLimit: {error}", file=sys.stderr)
    if limit < hosting.storage_max_bytes:
        print(project_settings.too_low(hosting.storage_max_bytes, limit), file=sys.stderr)
        return 1
    print(f"{difference.name}: {difference.required} (was {difference.current})")
    return 0


def _groups(hosting: Hosting, current: Mapping[str, Any]) -> list[Group]:
    """What must be, in the order in which it is set: SMTP unlocks the templates."""
    rules = project_settings.urls_and_rules(hosting, current)
    return [rules, project_settings.smtp(hosting.smtp), project_settings.templates()]


def _to_send(group: Group, differences: list[Difference]) -> Group:
    """The values that differ; SMTP as a whole, since the API takes it so."""
    if any(each.name.startswith("smtp_") for each in differences):
        return group
    return {each.name: group[each.name] for each in differences}


def _no_smtp(hosting: Hosting, current: Mapping[str, Any]) -> bool:
    return hosting.smtp is None and not current.get("smtp_host")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
