"""/v1/upload and /v1/ffprobe: links to upload to, confirmation, a look into a file."""

from flask import Response

from lib.http.app import answer, create_app
from lib.http.auth import authenticate
from lib.http.body import json_body, parse
from lib.jobs import addresses, uploads

app = create_app(__name__)

PROBES_PER_MINUTE = 30


@app.post("/v1/upload/presigned-url")
def presign_upload() -> Response:
    caller = authenticate()
    return answer({"success": True, "result": uploads.presign(caller, json_body())})


@app.post("/v1/upload/confirm")
def confirm_upload() -> Response:
    caller = authenticate()
    return answer({"success": True, "result": uploads.confirm(caller, json_body())})


@app.post("/v1/ffprobe")
def ffprobe() -> Response:
    data = json_body(authenticate_first=authenticate)
    url = data.get("url") if isinstance(data, dict) else None
    objects, _ = addresses.named([url] if isinstance(url, str) else [])
    caller = authenticate(objects=objects, window="ffprobe", per_minute=PROBES_PER_MINUTE)
    url = parse(data, uploads.ProbeRequest).url
    return answer({"url": url, "metadata": uploads.inspect(caller, url)})
