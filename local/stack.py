"""The whole service on one machine: Postgres, the Supabase stand-ins, a worker, the functions.

Each is a process of its own (`processes`). This one starts and restarts them, and has the mail
sink and the clock in threads.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from lib.platform.settings import Project, read_project
from local import keys, keys_command, migrate, permissions, retention
from local.processes.children import Child
from local.processes.supervisor import Supervisor
from local.vercel import clock, functions
from standins import mail
from standins.http.server import LOOPBACK

SETTINGS = "settings.env"
DEMO_EMAIL = "demo@localhost.localdomain"


class PortTaken(Exception):
    """The port asked for is in use."""


class Stack:
    """Everything running, its data in `folder`; stopped whole by leaving the context.

    `port` is the API's and `supabase_port` the stand-ins' (0: any free one); `overrides` are
    settings of the product that differ from the defaults of one machine; without `functions` only
    the database and the stand-ins run. With `project`, the settings of a Supabase project
    (`Project.environment`), these don't run: the functions and the worker use the project. Raises
    PortTaken.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        supabase_port: int = 0,
        overrides: Mapping[str, str] | None = None,
        functions: bool = True,
        project: Mapping[str, str] | None = None,
    ) -> None:
        self._stack = ExitStack()
        self._parts: list[Supervisor] = []
        self.folder = folder
        try:
            self._listen(port)
            stack_keys = keys.load(folder / "keys.json")
            if functions:
                self.stripe = self._stripe()  # gets ready while the database starts
            self.settings = dict(project) if project else self._supabase(supabase_port, stack_keys)
            if functions:
                self.settings |= {
                    "STRIPE_URL": self.stripe.ready(),
                    "STRIPE_SECRET_KEY": stack_keys.stripe_secret,
                    "STRIPE_WEBHOOK_SECRET": stack_keys.stripe_webhook_secret,
                }
            self.mails = mail.MailSink(folder / "mail")
            smtp = mail.SmtpServer(self.mails)
            self._stack.callback(smtp.stop)
            self.settings |= {
                "MAIL_TRANSPORT": "smtp",
                "SMTP_URL": smtp.url,
                "WORKER_SECRET": stack_keys.worker_secret,
                "CRON_SECRET": stack_keys.cron_secret,
                "API_URL": self.url,
                "LOG_FILE": str(folder.resolve() / retention.LOG),
                "FUNCTION_SECONDS": str(24 * 3600),
                "JOB_SECONDS": str(2 * 3600),
            } | dict(overrides or {})
            self._keep_tidy()
            if functions:
                self._serve()
        except BaseException:
            self._stack.close()
            raise

    def _listen(self, port: int) -> None:
        """Take the API's port."""
        permissions.protect(self.folder)
        try:
            self._listening = socket.create_server((LOOPBACK, port), backlog=256)
        except OSError as error:
            raise PortTaken(
                f"Port {port} is taken by another program. Choose another: PORT={port + 1} make up"
            ) from error
        self._stack.callback(self._listening.close)
        self.url = f"http://{LOOPBACK}:{self._listening.getsockname()[1]}"

    def _supabase(self, port: int, stack_keys: keys.StackKeys) -> dict[str, str]:
        """Start the database and the stand-ins; their addresses and keys."""
        folder = str(self.folder / "postgres")
        self.database = self._part(
            "Postgres", lambda: Child("local.processes.postgres", [folder], dict(os.environ))
        )
        database_url = self.database.ready()
        migrate.migrate(database_url)
        address = _Address(port)
        self.supabase = self._part(
            "the Supabase stand-in",
            lambda: Child(
                "local.processes.supabase",
                [str(self.folder), database_url, str(address.port), self.url],
                dict(os.environ),
            ),
        )
        url = address.keep(self.supabase.ready())
        return Project(database_url, url, stack_keys.secret, stack_keys.publishable).environment()

    def _keep_tidy(self) -> None:
        """Delete old mails and log lines, as long as this runs."""
        stop = threading.Event()
        self._stack.callback(stop.set)
        retention.keep_tidy(self.folder, stop)

    def _serve(self) -> None:
        """Start the worker and the functions."""
        address = _Address(0)
        self.worker = self._part(
            "the worker",
            lambda: Child(
                "local.processes.worker", [str(address.port)], os.environ | self.settings
            ),
        )
        self.settings["WORKER_URL"] = f"{address.keep(self.worker.ready())}/internal/worker"
        os.environ.update(self.settings)  # for our own commands in this process
        descriptor = self._listening.fileno()
        self.web = self._part(
            "the web process",
            lambda: Child(
                "local.processes.web", [str(descriptor)], os.environ | self.settings, [descriptor]
            ),
        )
        self.web.ready()
        stop = threading.Event()
        self._stack.callback(stop.set)
        clock.start(functions.crons(), self.url, self.settings["CRON_SECRET"], stop)
        # These need nothing of each other at their end, and stop at the same time.
        for part in (self.web, self.worker, self.stripe):
            self._stack.callback(part.ask_to_stop)

    def _stripe(self) -> Supervisor:
        arguments = [str(self.folder), "0", self.url]  # it keeps its port by itself
        return self._part(
            "the stand-in for Stripe",
            lambda: Child("local.processes.stripe", arguments, dict(os.environ)),
        )

    def _part(self, name: str, start: Callable[[], Child]) -> Supervisor:
        part = Supervisor(name, start)
        self._parts.append(part)
        self._stack.callback(part.stop)
        return part

    @property
    def site(self) -> str:
        """Whether the website is built, as a line for the terminal."""
        built = (functions.ROOT / "public" / "index.html").is_file()
        return "with its website" if built else "without its website, which Node builds"

    def demo_key(self) -> str:
        """An API key of this machine's own account, made at first use and kept."""
        path = self.folder / "demo-key"
        if not path.exists():
            key = keys_command.create(self.settings, DEMO_EMAIL, "demo", plan="pro")
            path.touch(mode=0o600)
            path.write_text(key)
        return path.read_text()

    def restart_ended(self) -> list[str]:
        """Start again what ended by itself; a sentence for each. What fails is tried again."""
        return [sentence for part in self._parts if (sentence := part.restart_ended())]

    def write_environment(self) -> None:
        """Write the addresses and keys: dev.env for other programs, all settings for our own."""
        _write(
            self.folder / "dev.env",
            {
                "FFMPEG_MICRO_API_URL": self.url,
                "FFMPEG_MICRO_API_KEY": self.demo_key(),
            }
            | read_project(self.settings).environment(),
        )
        _write(self.folder / SETTINGS, self.settings)

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


class _Address:
    """The port of a part that chose it at its first start and keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def keep(self, url: str) -> str:
        self.port = urlsplit(url).port or 0
        return url


def _write(path: Path, values: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
