"""The service on one machine: `python -m local up|demo|worker|key|admin|reset`, as the Makefile."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local import permissions

if TYPE_CHECKING:
    from lib.platform.settings import Project
    from local.stack import Stack

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".local"
OUTPUT = ROOT / "demo-output"
SUPABASE_PORT = 54321


def main() -> int:
    """Run one command; the exit status."""
    os.umask(permissions.FOR_OTHERS)  # files of all commands are their user's alone
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything and stay")
    up.add_argument("--port", type=int, default=3000)
    up.add_argument("--data", type=Path, default=DATA, help="where everything is kept")
    demo = commands.add_parser("demo", help="run the main job once, from upload to download")
    demo.add_argument("--video", type=Path)
    demo.add_argument("--format", default="mp4")
    demo.add_argument("--resolution")
    demo.add_argument("--quality", default="medium")
    commands.add_parser("worker", help="one more worker against the running stack")
    key = commands.add_parser("key", help="make an API key")
    key.add_argument("--email", default="demo@localhost.localdomain")
    key.add_argument("--label", default="made by make key")
    key.add_argument(
        "--plan",
        choices=("free", "starter", "pro"),
        help="the account's plan; without it a new account is on pro and another keeps its plan",
    )
    commands.add_parser("admin", help="the operator's commands: `admin --help`")
    commands.add_parser("reset", help="delete all data")
    if sys.argv[1:2] == ["admin"]:  # has a command line of its own
        return _admin(sys.argv[2:])
    arguments = parser.parse_args()
    handler = {"up": _up, "demo": _demo, "worker": _worker, "key": _key, "reset": _reset}
    return handler[arguments.command](arguments)


PRODUCTION = (
    "These are the settings of a deployment in production (VERCEL_ENV=production). Its jobs and"
    " tasks would run here, with stand-ins for Stripe and mails. Open a terminal without these"
    " settings, or use those of another project."
)


def _up(arguments: argparse.Namespace) -> int:
    from lib.billing import stripe_setup
    from lib.platform.settings import SettingsError, names_project, read_project
    from local import client, sample
    from local.migrate import OtherMigrations
    from local.stack import PortTaken, Stack

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    overrides = {"SOURCE_ALLOW": os.environ.get("SOURCE_ALLOW", "")}
    if os.environ.get("PUBLIC_URL"):  # behind a proxy; standins.http.hosts accepts its name
        overrides["API_URL"] = os.environ["PUBLIC_URL"]
    try:
        project = read_project(os.environ) if names_project(os.environ) else None
        if project and os.environ.get("VERCEL_ENV") == "production":
            print(PRODUCTION, file=sys.stderr)
            return 1
        folder = _data_of(arguments.data, project)
        stack = Stack(
            folder,
            port=arguments.port,
            supabase_port=SUPABASE_PORT,
            overrides=overrides,
            project=project.environment() if project else None,
        )
    except (OtherMigrations, PortTaken, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    with stack:
        stack.write_environment()
        stripe_setup.set_up()
        clip = sample.make(folder / "sample.mp4")
        file_url = client.upload(stack.url, stack.demo_key(), clip)
        print(_welcome(stack, file_url, standins=project is None), flush=True)
        while not stopped.wait(0.5):
            for sentence in stack.restart_ended():
                print(sentence, file=sys.stderr, flush=True)
        print("\nstopping", flush=True)
    return 0


def _data_of(folder: Path, project: Project | None) -> Path:
    """Where a stack keeps its data: one that runs on a project has a folder for that project."""
    if project is None:
        return folder
    name = re.sub(r"[^a-z0-9.]+", "-", urlsplit(project.url).netloc.lower())
    return folder / "projects" / name


def _demo(arguments: argparse.Namespace) -> int:
    from local.client import CallFailed
    from local.demo import demo

    if arguments.video and not arguments.video.is_file():
        print(f"There is no file {arguments.video}.", file=sys.stderr)
        return 2
    preset = {"quality": arguments.quality} | (
        {"resolution": arguments.resolution} if arguments.resolution else {}
    )
    request: dict[str, Any] = {"outputFormat": arguments.format, "preset": preset}
    try:
        demo(DATA / "demo", OUTPUT, request, arguments.video)
    except CallFailed as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    _load_environment()
    from local.processes import worker

    worker.main([])
    return 0


def _key(arguments: argparse.Namespace) -> int:
    _load_environment()
    import httpx

    from lib.platform.settings import SettingsError
    from local import keys_command

    try:
        print(keys_command.create(os.environ, arguments.email, arguments.label, arguments.plan))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"Supabase Auth did not create the account: {error}", file=sys.stderr)
        return 1
    return 0


def _admin(arguments: list[str]) -> int:
    _load_environment()
    from lib.admin.__main__ import main as admin

    return admin(arguments)


def _reset(arguments: argparse.Namespace) -> int:
    if (DATA / "postgres" / "postmaster.pid").exists():
        print("The stack is running; stop it first (Ctrl-C in its window).", file=sys.stderr)
        return 1
    shutil.rmtree(DATA, ignore_errors=True)
    print("all data of this machine's stack is gone")
    return 0


def _load_environment() -> None:
    """Take the running stack's settings, unless the environment names another project."""
    from lib.platform.settings import names_project
    from local.stack import SETTINGS

    if names_project(os.environ):
        return
    path = DATA / SETTINGS
    if not path.exists():
        sys.exit("There is no running stack. Start one with `make up`.")
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)


def _welcome(stack: Stack, file_url: str, *, standins: bool) -> str:
    key = stack.demo_key()
    supabase = stack.settings["SUPABASE_URL"]
    sink = f"{supabase}/mail  (what would have been sent, for 7 days)"
    if standins:
        supabase += "  (stand-ins for Auth and Storage)"
    else:
        supabase += "  (the project in your environment; its jobs and tasks run here)"
        sink = f"{stack.folder}/mail  (ours; Auth's go where the project sends them)"
    auth = f'-H "Authorization: Bearer {key}"'
    job = json.dumps(
        {
            "inputs": [{"url": file_url}],
            "outputFormat": "webm",
            "preset": {"quality": "medium", "resolution": "480p"},
        }
    )
    folder = os.path.relpath(stack.folder)
    newest = f"{stack.url}/v1/transcodes?limit=1"
    return rf"""
FFmpeg Micro is up. Ctrl-C stops it; data stays in {folder}/ until `make reset`.

  API       {stack.url}, {stack.site}
  Supabase  {supabase}
  key       {key}
  mails     {sink}
  Stripe    {stack.settings["STRIPE_URL"]}  (a stand-in: no card, no money)
  log       {folder}/log.jsonl, a line for each call and job, for 30 days
  settings  {folder}/dev.env, for other programs

A sample clip is uploaded. Transcode it, look at the job, save the result:

  curl -s {stack.url}/v1/transcodes {auth} -H "Content-Type: application/json" -d '{job}'
  curl -s "{newest}" {auth}
  curl -s -o result.webm "$(curl -s "{stack.url}/v1/transcodes/$(curl -s "{newest}" {auth} \
    | sed 's/.*"items":\[{{"id":"\([^"]*\)".*/\1/')/download" {auth} \
    | sed 's/{{"url":"\([^"]*\)"}}/\1/')" && ls -l result.webm
"""


if __name__ == "__main__":
    sys.exit(main())
