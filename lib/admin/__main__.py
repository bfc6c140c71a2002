"""The operator's commands, against the database and the deployment that the settings name.

`python -m lib.admin …`, or `make admin ARGS="…"` for the stack of this machine.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import msgspec

from lib.admin import accounts, argument_types, jobs, service, signals, stuck
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
_Add = Callable[..., argparse.ArgumentParser]
"""Adds a command with its function; returns its parser, for its arguments."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command: 0 when done, 1 when refused or not well, 2 for a wrong command line."""
    args = _parser().parse_args(arguments)
    command: Callable[[Arguments], int | None] = args.run
    try:
        return command(args) or 0
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
            command.add_argument("--reason", required=True, type=argument_types.reason)
        return command

    _add_account_commands(add)
    _add_job_commands(add)
    _add_service_commands(add)
    _add_privacy_commands(add)
    return parser


def _add_account_commands(add: _Add) -> None:
    find = add("find", _find, "accounts by address, account id, job id or key")
    find.add_argument("term")
    show = add("show", _show, "an account: plan, usage, keys, jobs")
    show.add_argument("account", type=UUID)
    grant = add("grant", _grant, "minutes on top of the plan, for this month", reason=True)
    grant.add_argument("account", type=UUID)
    grant.add_argument("minutes", type=argument_types.minutes)
    suspend = add("suspend", _suspend, "refuse an account's calls with the reason, cancel its jobs",
                  reason=True)  # fmt: skip
    suspend.add_argument("account", type=UUID)
    resume = add("resume", _resume, "let a suspended account work again", reason=True)
    resume.add_argument("account", type=UUID)


def _add_job_commands(add: _Add) -> None:
    jobs_of = add("jobs", _jobs, "an account's newest jobs")
    jobs_of.add_argument("account", type=UUID)
    jobs_of.add_argument("--status", choices=("pending", "processing", "completed", "failed",
                                              "canceled"))  # fmt: skip
    refund = add("refund", _refund, "give back what a job was charged", reason=True)
    refund.add_argument("job", type=UUID)
    retry = add("retry", _retry, "a new job of a failed one's request", reason=True)
    retry.add_argument("job", type=UUID)
    cancel = add("cancel", _cancel, "cancel a job that has not ended, uncharged", reason=True)
    cancel.add_argument("job", type=UUID)
    add("stuck", _stuck, "work that does not go on by itself; 1 when there is any")
    task = add("retry-task", _retry_task, "retry a task that fails or was given up", reason=True)
    task.add_argument("task", type=UUID)


def _add_service_commands(add: _Add) -> None:
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
    log = add("log", _log, "what was done with these commands, newest first")
    log.add_argument("account", type=UUID, nargs="?")


def _add_privacy_commands(add: _Add) -> None:
    add("reports", _reports, "jobs that their owners report")
    about = "links to a reported job's files; notifies the owner"
    open_files = add("open-files", _open_files, about, reason=True)
    open_files.add_argument("job", type=UUID)
    open_files.add_argument("--minutes", type=int, required=True, help="1 to 1440")
    open_files.add_argument("--legal-reference", type=argument_types.reason,
                            help="what the law requires it for")  # fmt: skip
    close = add("close-report", _close_report, "end a job's reports, and new access", reason=True)
    close.add_argument("job", type=UUID)
    publish = add("publish-policy", _publish, "a new version of the policies; notifies everyone")
    publish.add_argument("version", type=argument_types.version)
    publish.add_argument("--summary", required=True, type=argument_types.summary,
                         help="what is new in it")  # fmt: skip


def _find(args: Arguments) -> int:
    rows = accounts.find(args.term, who=args.who)
    answer("accounts", rows, as_json=args.json)
    return 0 if rows else 1


def _show(args: Arguments) -> None:
    answers(accounts.show(args.account, who=args.who), as_json=args.json)


def _jobs(args: Arguments) -> None:
    answer("jobs", jobs.listed(args.account, args.status, who=args.who), as_json=args.json)


def _grant(args: Arguments) -> None:
    grant = grants.grant(args.account, args.minutes, reason=args.reason, who=args.who)
    if grant is None:
        raise accounts.unknown()
    answer("granted", [grant._asdict()], as_json=args.json)


def _refund(args: Arguments) -> None:
    refund = grants.refund(args.job, reason=args.reason, who=args.who)
    if refund is None:
        raise Refused("Nothing was charged for this job.")
    if refund.before:
        raise Refused("This job's minutes were given back before.")
    answer("refunded", [{"account": refund.account_id, "minutes": refund.minutes}],
           as_json=args.json)  # fmt: skip


def _suspend(args: Arguments) -> None:
    canceled = accounts.suspend(args.account, reason=args.reason, who=args.who)
    answer("suspended", [{"account": args.account, "jobs_canceled": canceled}],
           as_json=args.json)  # fmt: skip


def _resume(args: Arguments) -> None:
    accounts.resume(args.account, reason=args.reason, who=args.who)
    answer("resumed", [{"account": args.account}], as_json=args.json)


def _retry(args: Arguments) -> None:
    new_id = jobs.retry(args.job, reason=args.reason, who=args.who)
    answer("retried", [{"job": args.job, "as": new_id}], as_json=args.json)


def _cancel(args: Arguments) -> None:
    jobs.stop(args.job, reason=args.reason, who=args.who)
    answer("canceled", [{"job": args.job}], as_json=args.json)


def _stuck(args: Arguments) -> int:
    rows = stuck.stuck()
    answer("stuck", rows, as_json=args.json)
    return 1 if rows else 0


def _retry_task(args: Arguments) -> None:
    stuck.retry_task(args.task, reason=args.reason, who=args.who)
    answer("due again", [{"task": args.task}], as_json=args.json)


def _health(args: Arguments) -> int:
    ok, rows = service.health()
    answer("health", rows, as_json=args.json)
    return 0 if ok else 1


def _signals(args: Arguments) -> None:
    answers(signals.signals(), as_json=args.json)


def _mails(args: Arguments) -> None:
    names = mail.names()
    if args.name and args.name not in names:
        raise Refused(f"There is no mail {args.name}. There are: {', '.join(names)}.")
    for name in [args.name] if args.name else names:
        subject, text, html = mail.preview(name)
        if args.folder:
            args.folder.mkdir(parents=True, exist_ok=True)
            (args.folder / f"{name}.txt").write_text(f"Subject: {subject}\n\n{text}")
            (args.folder / f"{name}.html").write_text(html)
        else:
            source = html if args.name else ""
            sys.stdout.write(f"== {name}\nSubject: {subject}\n\n{text}\n{source}\n")


def _audit(args: Arguments) -> int:
    differences = ledger.differences()
    answer("differences", [each._asdict() for each in differences], as_json=args.json)
    return 1 if differences else 0


def _schedule(args: Arguments) -> int:
    called = schedule.schedule()
    rows = [{"address": address, "when": when} for address, when in called.items()]
    answer("called by the database", rows, as_json=args.json)
    if not called:
        sys.stderr.write("This database has no clock: the crons of vercel.json do it alone.\n")
    return 0


def _stripe_setup(args: Arguments) -> None:
    done = stripe_setup.set_up()
    steps = done.steps or ["all was set up before"]
    answer("Stripe", [{"step": each} for each in steps], as_json=args.json)
    if done.webhook_secret:  # to the keyboard alone: Stripe tells it this once
        sys.stdout.write(f"\nSet STRIPE_WEBHOOK_SECRET={done.webhook_secret}\n")


def _replay_stripe(args: Arguments) -> int:
    counts = stripe_events.replay(args.days)
    answer("replayed", [msgspec.structs.asdict(counts)], as_json=args.json)
    return 1 if counts.failed else 0


def _reports(args: Arguments) -> None:
    answer("reports", reports.unanswered(), as_json=args.json)


def _open_files(args: Arguments) -> None:
    files = staff.open(
        args.job,
        reason=args.reason,
        minutes=args.minutes,
        who=args.who,
        legal_reference=args.legal_reference,
    )
    wake.tasks()
    answer("files", [each._asdict() for each in files], as_json=args.json)


def _close_report(args: Arguments) -> None:
    number = reports.close(args.job, reason=args.reason, who=args.who)
    if not number:
        raise Refused("This job has no open report.")
    answer("closed", [{"job": args.job, "reports": number}], as_json=args.json)


def _publish(args: Arguments) -> None:
    if not policies.publish(args.version, args.summary, args.who):
        raise Refused(f"Version {args.version} was published before. Choose another name.")
    wake.tasks()
    answer("published", [{"version": args.version}], as_json=args.json)


def _log(args: Arguments) -> None:
    answer("log", service.log(args.account), as_json=args.json)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
