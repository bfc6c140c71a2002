"""The operator's commands, against the database and the deployment that the settings name.

`python -m lib.admin …`, or `make admin ARGS="…"` for the stack of this machine.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import UUID

import msgspec

from lib.admin import accounts, jobs, service, signals, stuck
from lib.admin.output import Refused, answer, answers
from lib.billing import stripe_events, stripe_setup
from lib.outbox import mail
from lib.platform import schedule, wake
from lib.platform.errors import Problem
from lib.platform.postgres import PostgresError
from lib.platform.settings import SettingsError
from lib.privacy import policies, reports, staff
from lib.usage import grants, ledger

Arguments = argparse.Namespace
MOST_MINUTES = Decimal(1_000_000)


def main(arguments: list[str] | None = None) -> int:
    """Run one command: 0 when done, 1 when refused or not well, 2 for a wrong command line."""
    asked = _parser().parse_args(arguments)
    command: Callable[[Arguments], int | None] = asked.run
    try:
        return command(asked) or 0
    except (Refused, staff.Refused, SettingsError) as error:
        return _failed(str(error))
    except Problem as problem:
        return _failed(problem.error)
    except PostgresError as error:
        return _failed(f"The database does not do this: {error}")


def _failed(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.admin", description=__doc__)
    parser.add_argument("--as", dest="who", default=_user(), help="who acts, for the log")
    parser.add_argument("--json", action="store_true", help="JSON for scripts")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[Arguments], int | None], about: str, *, reason: bool = False
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        if reason:
            command.add_argument("--reason", required=True, type=_reason)
        return command

    find = add("find", _find, "accounts by address, account id, job id or key")
    find.add_argument("term")
    show = add("show", _show, "an account: plan, usage, keys, jobs")
    show.add_argument("account", type=UUID)
    listed = add("jobs", _jobs, "an account's newest jobs")
    listed.add_argument("account", type=UUID)
    listed.add_argument("--status", choices=("pending", "processing", "completed", "failed",
                                             "canceled"))  # fmt: skip
    grant = add("grant", _grant, "minutes on top of the plan, for this month", reason=True)
    grant.add_argument("account", type=UUID)
    grant.add_argument("minutes", type=_minutes)
    refund = add("refund", _refund, "give back what a job was charged", reason=True)
    refund.add_argument("job", type=UUID)
    suspend = add("suspend", _suspend, "refuse an account's calls with the reason, cancel its jobs",
                  reason=True)  # fmt: skip
    suspend.add_argument("account", type=UUID)
    resume = add("resume", _resume, "let a suspended account work again", reason=True)
    resume.add_argument("account", type=UUID)
    retry = add("retry", _retry, "a new job of a failed one's request", reason=True)
    retry.add_argument("job", type=UUID)
    cancel = add("cancel", _cancel, "cancel a job that has not ended, uncharged", reason=True)
    cancel.add_argument("job", type=UUID)
    add("stuck", _stuck, "work that does not go on by itself; 1 when there is any")
    task = add("retry-task", _retry_task, "retry a task that fails or was given up", reason=True)
    task.add_argument("task", type=UUID)
    add("health", _health, "whether the deployment works, and its queue; 1 when it does not")
    add("signals", _signals, "signs of abuse in the record of calls")
    mails = add("mails", _mails, "what every mail looks like, with sample values")
    mails.add_argument("name", nargs="?", help="one mail; all of them by default")
    mails.add_argument("--folder", type=Path, help="write .txt and .html files there")
    add("audit", _audit, "balances of minutes that differ from their ledger; 1 when any does")
    add("schedule", _schedule, "let the database's clock call the crons, where it has one")
    add("stripe-setup", _stripe_setup, "products, prices, portal and webhook at Stripe")
    replay = add("replay-stripe", _replay_stripe, "process Stripe's events that are open or lost")
    replay.add_argument("--days", type=int, default=7, choices=range(1, 31), metavar="1-30")
    add("reports", _reports, "jobs that their owners report")
    opened = add("open-files", _open_files, "links to a reported job's files; notifies the owner",
                 reason=True)  # fmt: skip
    opened.add_argument("job", type=UUID)
    opened.add_argument("--minutes", type=int, required=True, help="1 to 1440")
    opened.add_argument("--legal-reference", type=_reason, help="what the law requires it for")
    close = add("close-report", _close_report, "end a job's reports, and new access", reason=True)
    close.add_argument("job", type=UUID)
    publish = add("publish-policy", _publish, "a new version of the policies; notifies everyone")
    publish.add_argument("version", type=_version)
    publish.add_argument("--summary", required=True, type=_summary, help="what is new in it")
    log = add("log", _log, "what was done with these commands, newest first")
    log.add_argument("account", type=UUID, nargs="?")
    return parser


def _find(asked: Arguments) -> int:
    found = accounts.find(asked.term, who=asked.who)
    answer("accounts", found, as_json=asked.json)
    return 0 if found else 1


def _show(asked: Arguments) -> None:
    answers(accounts.show(asked.account, who=asked.who), as_json=asked.json)


def _jobs(asked: Arguments) -> None:
    answer("jobs", jobs.listed(asked.account, asked.status, who=asked.who), as_json=asked.json)


def _grant(asked: Arguments) -> None:
    given = grants.grant(asked.account, asked.minutes, reason=asked.reason, who=asked.who)
    if given is None:
        raise accounts.unknown()
    answer("granted", [given._asdict()], as_json=asked.json)


def _refund(asked: Arguments) -> None:
    given = grants.refund(asked.job, reason=asked.reason, who=asked.who)
    if given is None:
        raise Refused("Nothing was charged for this job.")
    if given.before:
        raise Refused("This job's minutes were given back before.")
    answer("refunded", [{"account": given.account_id, "minutes": given.minutes}],
           as_json=asked.json)  # fmt: skip


def _suspend(asked: Arguments) -> None:
    canceled = accounts.suspend(asked.account, reason=asked.reason, who=asked.who)
    answer("suspended", [{"account": asked.account, "jobs_canceled": canceled}],
           as_json=asked.json)  # fmt: skip


def _resume(asked: Arguments) -> None:
    accounts.resume(asked.account, reason=asked.reason, who=asked.who)
    answer("resumed", [{"account": asked.account}], as_json=asked.json)


def _retry(asked: Arguments) -> None:
    made = jobs.retry(asked.job, reason=asked.reason, who=asked.who)
    answer("retried", [{"job": asked.job, "as": made}], as_json=asked.json)


def _cancel(asked: Arguments) -> None:
    jobs.stop(asked.job, reason=asked.reason, who=asked.who)
    answer("canceled", [{"job": asked.job}], as_json=asked.json)


def _stuck(asked: Arguments) -> int:
    found = stuck.stuck()
    answer("stuck", found, as_json=asked.json)
    return 1 if found else 0


def _retry_task(asked: Arguments) -> None:
    stuck.retry_task(asked.task, reason=asked.reason, who=asked.who)
    answer("due again", [{"task": asked.task}], as_json=asked.json)


def _health(asked: Arguments) -> int:
    ok, rows = service.health()
    answer("health", rows, as_json=asked.json)
    return 0 if ok else 1


def _signals(asked: Arguments) -> None:
    answers(signals.signals(), as_json=asked.json)


def _mails(asked: Arguments) -> None:
    names = mail.names()
    if asked.name and asked.name not in names:
        raise Refused(f"There is no mail {asked.name}. There are: {', '.join(names)}.")
    for name in [asked.name] if asked.name else names:
        subject, text, html = mail.preview(name)
        if asked.folder:
            asked.folder.mkdir(parents=True, exist_ok=True)
            (asked.folder / f"{name}.txt").write_text(f"Subject: {subject}\n\n{text}")
            (asked.folder / f"{name}.html").write_text(html)
        else:
            shown = html if asked.name else ""
            sys.stdout.write(f"== {name}\nSubject: {subject}\n\n{text}\n{shown}\n")


def _audit(asked: Arguments) -> int:
    found = ledger.differences()
    answer("differences", [each._asdict() for each in found], as_json=asked.json)
    return 1 if found else 0


def _schedule(asked: Arguments) -> int:
    called = schedule.schedule()
    rows = [{"address": address, "when": when} for address, when in called.items()]
    answer("called by the database", rows, as_json=asked.json)
    if not called:
        sys.stderr.write("This database has no clock: the crons of vercel.json do it alone.\n")
    return 0


def _stripe_setup(asked: Arguments) -> None:
    done = stripe_setup.set_up()
    steps = done.steps or ["all was set up before"]
    answer("Stripe", [{"step": each} for each in steps], as_json=asked.json)
    if done.webhook_secret:  # to the keyboard alone: Stripe tells it this once
        sys.stdout.write(f"\nSet STRIPE_WEBHOOK_SECRET={done.webhook_secret}\n")


def _replay_stripe(asked: Arguments) -> int:
    counts = stripe_events.replay(asked.days)
    answer("replayed", [msgspec.structs.asdict(counts)], as_json=asked.json)
    return 1 if counts.failed else 0


def _reports(asked: Arguments) -> None:
    answer("reports", reports.unanswered(), as_json=asked.json)


def _open_files(asked: Arguments) -> None:
    files = staff.open(
        asked.job,
        reason=asked.reason,
        minutes=asked.minutes,
        who=asked.who,
        legal_reference=asked.legal_reference,
    )
    wake.tasks()
    answer("files", [each._asdict() for each in files], as_json=asked.json)


def _close_report(asked: Arguments) -> None:
    number = reports.close(asked.job, reason=asked.reason, who=asked.who)
    if not number:
        raise Refused("This job has no open report.")
    answer("closed", [{"job": asked.job, "reports": number}], as_json=asked.json)


def _publish(asked: Arguments) -> None:
    if not policies.publish(asked.version, asked.summary, asked.who):
        raise Refused(f"Version {asked.version} was published before. Choose another name.")
    wake.tasks()
    answer("published", [{"version": asked.version}], as_json=asked.json)


def _log(asked: Arguments) -> None:
    answer("log", service.log(asked.account), as_json=asked.json)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _reason(text: str) -> str:
    if not text.strip() or len(text) > 500 or not text.isprintable():
        raise argparse.ArgumentTypeError("a sentence of at most 500 letters is needed")
    return text.strip()


def _version(text: str) -> str:
    if not policies.VERSION.fullmatch(text):
        raise argparse.ArgumentTypeError("letters, digits, dots and dashes are needed, such as 2.1")
    return text


def _summary(text: str) -> str:
    if not text.strip() or len(text) > policies.MAX_SUMMARY or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"one paragraph of at most {policies.MAX_SUMMARY} letters is needed"
        )
    return text.strip()


def _minutes(text: str) -> Decimal:
    try:
        minutes = Decimal(text).quantize(Decimal("0.0001"))
    except InvalidOperation:
        raise argparse.ArgumentTypeError("a number of minutes is needed, such as 120") from None
    if not minutes.is_finite() or not 0 < minutes <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"from 0.0001 to {MOST_MINUTES} minutes can be granted")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
