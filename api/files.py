"""/v1/upload, /v1/ffprobe, /v1/validate: links to upload to, confirmation, a look before a job."""

from flask import Response

from lib.files import delete, uploads
from lib.http.app import answer, create_app
from lib.http.auth import authenticate
from lib.http.body import json_body, parse
from lib.http.slow import CONFIRM, LOOK, slow_call
from lib.jobs.validate import validate
from lib.media.request.members import unknown_members
from lib.media.request.models import TranscodeRequest

app = create_app(__name__)

PROBES_PER_MINUTE = 30
VALIDATIONS_PER_MINUTE = 60
CONFIRMS_PER_MINUTE = 120


@app.post("/v1/upload/presigned-url")
def presign_upload() -> Response:
    caller = authenticate()
    return answer({"success": True, "result": uploads.presign(caller, json_body())})


@app.post("/v1/upload/confirm")
def confirm_upload() -> Response:
    caller = authenticate(window="confirm", per_minute=CONFIRMS_PER_MINUTE)
    body = json_body()
    with slow_call(caller, CONFIRM):
        return answer({"success": True, "result": uploads.confirm(caller, body)})


@app.delete("/v1/upload/<filename>")
def delete_upload(filename: str) -> Response:
    return answer(delete.delete_upload(authenticate().account_id, filename))


@app.post("/v1/ffprobe")
def ffprobe() -> Response:
    caller = authenticate(window="ffprobe", per_minute=PROBES_PER_MINUTE)
    url = parse(json_body(), uploads.ProbeRequest).url
    with slow_call(caller, LOOK):
        return answer({"url": url, "metadata": uploads.inspect(caller, url)})


@app.post("/v1/validate")
def validate_request() -> Response:
    caller = authenticate(window="validate", per_minute=VALIDATIONS_PER_MINUTE)
    body = json_body()
    request = parse(body, TranscodeRequest)
    with slow_call(caller, LOOK):
        return answer(validate(caller, request, unknown_members(body, TranscodeRequest)))
