"""What needs no account: health, the OpenAPI document, and every route that does not exist."""

from flask import Response

from lib.http.app import answer, create_app
from lib.http.auth import carries
from lib.http.health import health
from lib.http.openapi import document
from lib.platform.settings import settings

app = create_app(__name__)


@app.get("/health-check")
def health_check() -> Response:
    report = health(for_operator=carries(settings().cron_secret))
    return answer(report, 200 if report.ok else 500)


@app.get("/openapi.yaml")
def openapi() -> Response:
    return Response(
        document(), mimetype="application/yaml", headers={"Cache-Control": "public, max-age=300"}
    )
