"""Routes that take bytes: signed uploads, and uploads by a caller."""

from __future__ import annotations

from flask import Blueprint, Response, request

from standins.supabase.storage.bodies import read_upload
from standins.supabase.storage.callers import Caller
from standins.supabase.storage.errors import invalid_request
from standins.supabase.storage.rows import Content, Object, facts, keep, try_write
from standins.supabase.storage.service import StorageService, answer, check_key, upsert


def routes(service: StorageService) -> Blueprint:
    """The routes below `/object` that take bytes, or sign links that do."""
    blueprint = Blueprint("uploads", __name__)

    @blueprint.post("/object/upload/sign/<bucket>/<key:key>")
    def sign_upload(bucket: str, key: str) -> Response:
        caller = service.caller()
        try_write(service, caller, bucket, check_key(key), upsert=upsert())
        token = service.links.sign_upload(bucket, key, upsert=upsert(), owner=caller.owner)
        return answer({"url": f"/object/upload/sign/{bucket}/{key}?token={token}", "token": token})

    @blueprint.put("/object/upload/sign/<bucket>/<key:key>")
    def upload_by_link(bucket: str, key: str) -> Response:
        link = service.links.verify(link_token(), bucket, key, "upload")
        _receive(service, None, bucket, key, owner=link.owner, upsert=link.upsert)
        return answer({"Key": f"{bucket}/{key}"})

    @blueprint.post("/object/<bucket>/<key:key>")
    def upload(bucket: str, key: str) -> Response:
        return upload_as(service.caller(), bucket, key, upsert=upsert())

    @blueprint.put("/object/<bucket>/<key:key>")
    def update(bucket: str, key: str) -> Response:
        return upload_as(service.caller(), bucket, key, upsert=True)

    def upload_as(caller: Caller, bucket: str, key: str, *, upsert: bool) -> Response:
        row = _receive(service, caller, bucket, key, owner=caller.owner, upsert=upsert)
        return answer({"Key": f"{bucket}/{key}", "Id": str(row.id)})

    return blueprint


def link_token() -> str:
    """The token in the address. Raises StorageError (400)."""
    token = request.args.get("token")
    if token is None:
        raise invalid_request("querystring must have required property 'token'")
    return token


def _receive(
    service: StorageService,
    caller: Caller | None,
    bucket_id: str,
    key: str,
    *,
    owner: str | None,
    upsert: bool,
) -> Object:
    """Take the request's bytes as the object; refused before they are read where possible."""
    bucket = service.bucket(bucket_id)
    upload = read_upload(request)
    bucket.check(upload.size_hint, upload.content_type)
    try_write(service, caller, bucket_id, check_key(key), upsert=upsert)
    stored = service.files.receive(upload.chunks, bucket.limit())
    metadata = facts(stored, upload.content_type, upload.cache_control)
    content = Content(stored.version, metadata, upload.metadata, owner)
    return keep(service, bucket_id, key, content, upsert=upsert)
