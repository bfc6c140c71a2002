"""What needs no account: health, metrics, the OpenAPI document, and all that does not exist."""

from flask import Response

from lib.http import metrics, security_txt
from lib.http.app import answer, create_app
from lib.http.auth import carries, limit_address, require_secret
from lib.http.health import health, status
from lib.http.openapi import document
from lib.http.site import site
from lib.platform.settings import settings

app = create_app(__name__)

CALLS_PER_MINUTE = 240
STATUS_PER_MINUTE = 30


@app.get("/health-check")
def health_check() -> Response:
    limit_address("health", CALLS_PER_MINUTE)
    report = health(for_operator=carries(settings().cron_secret))
    return answer(report, 200 if report.ok else 500)


@app.get("/v1/status")
def service_status() -> Response:
    limit_address("status", STATUS_PER_MINUTE)
    return answer(status())


@app.get("/v1/site")
def site_settings() -> Response:
    limit_address("site", CALLS_PER_MINUTE)
    return answer(site(), headers={"Cache-Control": "public, max-age=300"})


@app.get("/metrics")
def operator_metrics() -> Response:
    require_secret(settings().cron_secret)
    return metrics.response()


@app.get("/.well-known/security.txt")
def security_contact() -> Response:
    limit_address("site", CALLS_PER_MINUTE)
    return Response(
        security_txt.text(),
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "public, max-age=3600"},
    )


@app.get("/openapi.yaml")
def openapi() -> Response:
    limit_address("openapi", CALLS_PER_MINUTE)
    return Response(
        document(), mimetype="application/yaml", headers={"Cache-Control": "public, max-age=300"}
    )
