"""The whole service on one machine: Postgres, the Supabase stand-ins, a worker, the functions."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from local import clock, keys_command, mail, migrate, postgres, private, server, site
from local.children import Child
from local.supabase import keys

SETTINGS = "settings.env"
DEMO_EMAIL = "demo@localhost.localdomain"


class PortTaken(Exception):
    """The port asked for is in use."""


class Stack:
    """Everything running, its data in `folder`; stopped whole by leaving the context.

    `port` is the API's and `supabase_port` the stand-ins' (0: any free one); `overrides` are
    settings of the product that differ from the defaults of one machine; without `functions` only
    the database and the stand-ins run. With `project`, the addresses and keys of a Supabase
    project, these don't run: the functions and the worker use the project. Raises PortTaken.
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
        self.folder = folder
        try:
            self._listen(port)
            made = keys.load(folder / "keys.json")
            if functions:
                self.stripe = self._stripe("0")  # gets ready while the database starts
            self.settings = dict(project) if project else self._supabase(supabase_port, made)
            if functions:
                self.settings |= {
                    "STRIPE_URL": self.stripe.ready(),
                    "STRIPE_SECRET_KEY": made.stripe_secret,
                    "STRIPE_WEBHOOK_SECRET": made.stripe_webhook_secret,
                }
            self.mails = mail.MailSink(folder / "mail")
            smtp = mail.SmtpServer(self.mails)
            self._stack.callback(smtp.stop)
            self.settings |= {
                "MAIL_TRANSPORT": "smtp",
                "SMTP_URL": smtp.url,
                "WORKER_SECRET": made.worker_secret,
                "CRON_SECRET": made.cron_secret,
                "API_URL": self.url,
                "LOG_FILE": str(folder.resolve() / private.LOG),
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
        private.protect(self.folder)
        try:
            api = server.Server(port=port, threads=32)
        except OSError as error:
            raise PortTaken(
                f"Port {port} is taken by another program. Choose another: PORT={port + 1} make up"
            ) from error
        self._stack.callback(api.stop)
        self._api = api
        self.url = api.url

    def _supabase(self, port: int, made: keys.Keys) -> dict[str, str]:
        """Start the database and the stand-ins; their addresses and keys."""
        database = postgres.start(self.folder / "postgres")
        self._stack.callback(database.stop)
        migrate.migrate(database.url)
        self.supabase = self._child(
            "local.supabase",
            [str(self.folder), database.url, str(port), self.url],
            dict(os.environ),
        )
        return {
            "POSTGRES_URL": database.url,
            "SUPABASE_URL": self.supabase.ready(),
            "SUPABASE_PUBLISHABLE_KEY": made.publishable,
            "SUPABASE_SECRET_KEY": made.secret,
        }

    def _keep_tidy(self) -> None:
        """Delete old mails and log lines, as long as this runs."""
        stopped = threading.Event()
        self._stack.callback(stopped.set)
        private.keep_tidy(self.folder, stopped)

    def _serve(self) -> None:
        """Start the worker and the functions."""
        self.worker = self._child("local.worker", ["0"], os.environ | self.settings)
        self.settings["WORKER_URL"] = f"{self.worker.ready()}/internal/worker"
        # The functions are served by this very process; they read their settings from here.
        os.environ.update(self.settings)
        from local import functions

        app = functions.dispatcher(sorted({route.function for route in functions.routes()}))
        self._api.serve(
            site.serve(
                functions.configuration(),
                functions.ROOT / "public",
                self.settings["SUPABASE_URL"],
                app,
            )
        )
        stopped = threading.Event()
        self._stack.callback(stopped.set)
        clock.start(functions.crons(), self.url, self.settings["CRON_SECRET"], stopped)

    def _stripe(self, port: str) -> Child:
        return self._child("local.stripe", [str(self.folder), port, self.url], dict(os.environ))

    def _child(self, module: str, arguments: list[str], environment: dict[str, str]) -> Child:
        child = Child(module, arguments, environment)
        self._stack.callback(child.stop)
        return child

    @property
    def site(self) -> str:
        """Whether the website is there, for who has started this."""
        from local import functions

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

    def mend(self) -> list[str]:
        """Start again what ended by itself; the names of these parts. What fails is tried anew."""
        mended = []
        if not self.supabase.alive():
            port = self.settings["SUPABASE_URL"].rpartition(":")[2]
            arguments = [str(self.folder), self.settings["POSTGRES_URL"], port, self.url]
            self.supabase = self._child("local.supabase", arguments, dict(os.environ))
            mended += ["the Supabase stand-in"] if _started(self.supabase) else []
        if not self.stripe.alive():
            self.stripe = self._stripe(self.settings["STRIPE_URL"].rpartition(":")[2])
            mended += ["the stand-in for Stripe"] if _started(self.stripe) else []
        if not self.worker.alive():
            port = str(urlsplit(self.settings["WORKER_URL"]).port)
            # Another program may have taken the port: a worker that can't be called still looks at
            # the queue by itself.
            for each in (port, "0"):
                self.worker = self._child("local.worker", [each], os.environ | self.settings)
                if _started(self.worker):
                    mended.append("the worker")
                    break
        return mended

    def write_environment(self) -> None:
        """Write the addresses and keys: dev.env for other programs, all settings for our own."""
        shared = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "POSTGRES_URL")
        _write(
            self.folder / "dev.env",
            {
                "FFMPEG_MICRO_API_URL": self.url,
                "FFMPEG_MICRO_API_KEY": self.demo_key(),
            }
            | {name: self.settings[name] for name in shared},
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


def _started(child: Child) -> bool:
    try:
        child.ready()
    except RuntimeError:
        return False
    return True


def _write(path: Path, values: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
