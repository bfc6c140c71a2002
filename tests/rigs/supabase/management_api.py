"""Supabase's Management API for tests: the settings of one project, as the real one answers them.

Secrets are answered as HMAC-SHA256 with the project's reference as the key. A Free project takes no
file size limit above 50 MB, and no mail templates without custom SMTP.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from standins.http.server import Server

REF = "abcdefghijklmnopqrst"
TOKEN = "sbp_0123456789abcdef0123456789abcdef01234567"
FREE_BYTES = 50 * 2**20
TYPES: dict[str, type] = {
    "site_url": str, "uri_allow_list": str, "hook_before_user_created_enabled": bool,
    "hook_before_user_created_uri": str, "disable_signup": bool, "external_email_enabled": bool,
    "mailer_autoconfirm": bool, "mailer_secure_email_change_enabled": bool,
    "password_min_length": int, "smtp_host": str, "smtp_port": str, "smtp_user": str,
    "smtp_pass": str, "smtp_admin_email": str, "smtp_sender_name": str,
} | {
    name: str
    for mail in ("confirmation", "recovery", "email_change", "invite", "magic_link",
                 "reauthentication")
    for name in (f"mailer_subjects_{mail}", f"mailer_templates_{mail}_content")
}  # fmt: skip


@dataclass
class Project:
    """A project as it is after its creation; `calls` are the changes that were asked for."""

    free: bool = True
    url: str = ""
    auth: dict[str, Any] = field(default_factory=lambda: {
        "site_url": "http://localhost:3000", "uri_allow_list": "", "disable_signup": False,
        "external_email_enabled": True, "mailer_autoconfirm": False, "password_min_length": 6,
        "mailer_secure_email_change_enabled": True, "smtp_host": None, "smtp_pass": None,
        "hook_before_user_created_enabled": False, "hook_before_user_created_uri": None,
        "mailer_subjects_confirmation": "Confirm Your Signup",
    })  # fmt: skip
    storage: dict[str, Any] = field(
        default_factory=lambda: {"fileSizeLimit": FREE_BYTES, "features": {}}
    )
    calls: list[dict[str, Any]] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        """The settings of Auth, its secrets hashed."""
        secret = self.auth.get("smtp_pass")
        hashed = secret and hmac.new(REF.encode(), secret.encode(), hashlib.sha256).hexdigest()
        return self.auth | {"smtp_pass": hashed}

    def refusal(self, values: dict[str, Any]) -> str | None:
        """Why the API does not take these settings of Auth."""
        for name, value in values.items():
            if name not in TYPES:
                return f"property {name} should not exist"
            if value is not None and type(value) is not TYPES[name]:
                return f"{name} must be a {TYPES[name].__name__}"
        if (
            self.free
            and not self.auth["smtp_host"]
            and any(name.startswith(("mailer_subjects_", "mailer_templates_")) for name in values)
        ):
            return "Email templates cannot be customized on the Free plan with the default SMTP"
        return None


@contextmanager
def serve(project: Project) -> Iterator[Project]:
    """Serve the API of this one project; its address is `project.url`."""
    app = Flask(__name__, static_folder=None)

    def error(status: int, message: str) -> tuple[Response, int]:
        return jsonify(message=message), status

    @app.before_request
    def _token() -> tuple[Response, int] | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "Unauthorized")
        if not request.path.startswith(f"/v1/projects/{REF}/config/"):
            return error(404, "Project not found")
        return None

    @app.get(f"/v1/projects/{REF}/config/auth")
    def _auth() -> Response:
        return jsonify(project.answer())

    @app.patch(f"/v1/projects/{REF}/config/auth")
    def _change_auth() -> Response | tuple[Response, int]:
        values = request.get_json()
        project.calls.append(values)
        refusal = project.refusal(values)
        if refusal:
            return error(400, refusal)
        project.auth |= values
        return jsonify(project.answer())

    @app.get(f"/v1/projects/{REF}/config/storage")
    def _storage() -> Response:
        return jsonify(project.storage)

    @app.patch(f"/v1/projects/{REF}/config/storage")
    def _change_storage() -> Response | tuple[Response, int]:
        values = request.get_json()
        project.calls.append(values)
        if project.free and values["fileSizeLimit"] > FREE_BYTES:
            return error(402, "The file size limit of Free projects is 50 MB")
        project.storage |= values
        return jsonify(project.storage)

    server = Server(app)
    with server:
        project.url = server.url
        yield project
