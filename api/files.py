"""/v1/upload, /v1/ffprobe, /v1/validate: links to upload to, confirmation, a look before a job."""

from flask import Response

from lib.http.app import answer, create_app
from lib.http.auth import authenticate
from lib.http.body import json_body, parse
from lib.jobs import addresses, admission, delete, uploads
from lib.jobs.validate import validate
from lib.media.request import TranscodeRequest

app = create_app(__name__)

PROBES_PER_MINUTE = 30
VALIDATIONS_PER_MINUTE = 60


@app.post("/v1/upload/presigned-url")
def presign_upload() -> Response:
    caller = authenticate()
    return answer({"success": True, "result": uploads.presign(caller, json_body())})


@app.post("/v1/upload/confirm")
def confirm_upload() -> Response:
    caller = authenticate()
    return answer({"success": True, "result": uploads.confirm(caller, json_body())})


@app.delete("/v1/upload/<filename>")
def delete_upload(filename: str) -> Response:
    return answer(delete.delete_upload(authenticate().account_id, filename))


@app.post("/v1/ffprobe")
def ffprobe() -> Response:
    data = json_body(authenticate_first=authenticate)
    url = data.get("url") if isinstance(data, dict) else None
    objects, _ = addresses.named([url] if isinstance(url, str) else [])
    caller = authenticate(objects=objects, window="ffprobe", per_minute=PROBES_PER_MINUTE)
    url = parse(data, uploads.ProbeRequest).url
    return answer({"url": url, "metadata": uploads.inspect(caller, url)})


@app.post("/v1/validate")
def validate_request() -> Response:
    data = json_body(authenticate_first=authenticate)
    objects, jobs = addresses.named(admission.named(data))
    caller = authenticate(
        objects=objects, jobs=jobs, window="validate", per_minute=VALIDATIONS_PER_MINUTE
    )
    return answer(validate(caller, parse(data, TranscodeRequest)))
