"""What needs no account: health, metrics, the OpenAPI document, and all that does not exist."""

from flask import Response

from lib.http import metrics
from lib.http.app import answer, create_app
from lib.http.auth import carries, require_secret
from lib.http.health import health
from lib.http.openapi import document
from lib.platform.settings import settings

app = create_app(__name__)


@app.get("/health-check")
def health_check() -> Response:
    report = health(for_operator=carries(settings().cron_secret))
    return answer(report, 200 if report.ok else 500)


@app.get("/metrics")
def operator_metrics() -> Response:
    require_secret(settings().cron_secret)
    return Response(metrics.text(), content_type=metrics.CONTENT_TYPE)


@app.get("/openapi.yaml")
def openapi() -> Response:
    return Response(
        document(), mimetype="application/yaml", headers={"Cache-Control": "public, max-age=300"}
    )
