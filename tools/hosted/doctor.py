"""`make doctor`: what is wrong with a deployment, with the fix, most important first.

It reads the settings in the environment, those of a file, or those of this machine's running stack,
and looks at the database, Supabase, Stripe and the deployment itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lib.platform import settings
from lib.platform.settings import SettingsError
from tools.hosted import checks, environment
from tools.hosted.checks import Finding
from tools.hosted.gather import gather

STACK = Path(__file__).parent.parent.parent / ".local" / "settings.env"


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Print what is wrong: 0 when nothing is, 1 when something does not work."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--env", type=Path, help="a file with settings, from `vercel env pull`")
    parser.add_argument("--url", help="the deployment's address, when it is not API_URL")
    args = parser.parse_args(arguments)
    file = args.env or (None if settings.names_project(environ) else _stack())
    try:
        known = environment.joined(file, environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    if args.url:
        known["API_URL"] = args.url
    findings = checks.findings(gather(known))
    print(report(findings))
    return 1 if any(each.error for each in findings) else 0


def report(findings: list[Finding]) -> str:
    """The findings as text."""
    lines = []
    for number, each in enumerate(findings, 1):
        kind = "" if each.error else "note: "
        lines += [f"{number}. {kind}{each.problem}", f"   fix: {each.fix}"]
    errors = sum(each.error for each in findings)
    if errors:
        return "\n".join([*lines, "", f"{errors} to fix. Begin with the first: others may follow"
                                      " from it."])  # fmt: skip
    return "\n".join([*lines, "Nothing is wrong."])


def _stack() -> Path | None:
    """The settings of this machine's own stack, if there is one."""
    return STACK if STACK.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
