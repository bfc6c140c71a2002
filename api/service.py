"""What needs no account: health, metrics, the OpenAPI document, and all that does not exist."""

from typing import Any

from flask import Response

from lib.http.app import answer, create_app
from lib.http.auth import carries
from lib.http.routes.access import Open, Secret
from lib.http.routes.declaration import RawAnswer, Routes
from lib.http.service import health, security_txt
from lib.http.service import metrics as metrics_text
from lib.http.service import openapi as openapi_file
from lib.http.service import site as site_settings
from lib.platform.settings import settings

app = create_app(__name__)
route = Routes(app, "Service")

CALLS_PER_MINUTE = 240
STATUS_PER_MINUTE = 30


@route(
    "GET",
    "/health-check",
    access=Open("health", CALLS_PER_MINUTE),
    answer=health.Health,
)
def health_check() -> Response:
    """Check whether the service works"""
    report = health.health(for_operator=carries(settings().cron_secret))
    return answer(report, 200 if report.ok else 500)


@route("GET", "/v1/status", access=Open("status", STATUS_PER_MINUTE), answer=health.Status)
def status() -> health.Status:
    """Get the state of the service: its queue and its last sweep"""
    return health.status()


@route(
    "GET",
    "/v1/site",
    access=Open("site", CALLS_PER_MINUTE),
    answer=site_settings.Site,
    errors=["site_unavailable"],
)
def site() -> Any:
    """Get what the website needs at start"""
    return site_settings.site(), {"Cache-Control": "public, max-age=300"}


@route(
    "GET",
    "/metrics",
    access=Secret("cron_secret"),
    answer=RawAnswer("text/plain", "Prometheus text 0.0.4"),
)
def metrics() -> Response:
    """Get metrics for the operator, as Prometheus text; needs CRON_SECRET"""
    return metrics_text.response()


@route(
    "GET",
    "/.well-known/security.txt",
    access=Open("site", CALLS_PER_MINUTE),
    answer=RawAnswer("text/plain", "RFC 9116"),
)
def security_contact() -> Response:
    """Get where to report a vulnerability"""
    return Response(
        security_txt.text(),
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "public, max-age=3600"},
    )


@route(
    "GET",
    "/openapi.yaml",
    access=Open("openapi", CALLS_PER_MINUTE),
    answer=RawAnswer("application/yaml", "OpenAPI 3.1"),
)
def openapi() -> Response:
    """Get this document"""
    return Response(
        openapi_file.document(),
        mimetype="application/yaml",
        headers={"Cache-Control": "public, max-age=300"},
    )
