"""Routes for resumable uploads (tus), with a caller's credential or below `/sign` with a link's.

Refusals are plain text with the true status here, except for unknown callers.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from flask import Blueprint, Response, g, request

from standins.supabase.storage import tus
from standins.supabase.storage.bodies import DEFAULT_TYPE, parse_metadata, raw_chunks
from standins.supabase.storage.callers import Caller
from standins.supabase.storage.errors import StorageError, invalid_signature
from standins.supabase.storage.files import StoredFile
from standins.supabase.storage.partials import Partial
from standins.supabase.storage.rows import Content, facts, keep, try_write
from standins.supabase.storage.service import StorageService, answer, check_key, upsert
from standins.supabase.storage.tus import TusError


def routes(service: StorageService) -> Blueprint:
    """The routes below `/upload/resumable`."""
    blueprint = Blueprint("resumable", __name__)
    uploads = ResumableUploads(service)
    blueprint.before_request(uploads.authenticate)

    @blueprint.errorhandler(TusError)
    def refused(error: TusError) -> Response:
        return tus.reply(error.status, error.text)

    @blueprint.errorhandler(StorageError)
    def refused_by_storage(error: StorageError) -> Response:
        return tus.reply(error.status, error.message)

    for all_uploads in ("/upload/resumable", "/upload/resumable/sign"):
        one = f"{all_uploads}/<upload_id>"
        blueprint.add_url_rule(all_uploads, view_func=uploads.options, methods=["OPTIONS"])
        blueprint.add_url_rule(one, view_func=uploads.options, methods=["OPTIONS"])
        blueprint.add_url_rule(all_uploads, view_func=uploads.create, methods=["POST"])
        blueprint.add_url_rule(one, view_func=uploads.offset, methods=["HEAD"])
        blueprint.add_url_rule(one, view_func=uploads.append, methods=["PATCH"])
        blueprint.add_url_rule(one, view_func=uploads.terminate, methods=["DELETE"])
    return blueprint


@dataclass(frozen=True)
class Permit:
    """In whose name an upload may go on; without a caller, by a link."""

    caller: Caller | None
    owner: str | None
    upsert: bool


@dataclass(frozen=True)
class ResumableUploads:
    """What each route does."""

    service: StorageService

    def authenticate(self) -> Response | None:
        """Before each request: who sends it, and do they speak our version? Raises TusError."""
        g.signed = "/upload/resumable/sign" in request.path
        if request.method == "OPTIONS":
            return None
        if not g.signed:
            try:
                g.caller = self.service.sender()
            except StorageError as error:
                return answer(error.body(), error.wire_status)
        if request.headers.get("Tus-Resumable") != tus.VERSION:
            raise TusError(412, "Tus-Resumable Required\n")
        return None

    def options(self, upload_id: str = "") -> Response:
        """What the server can do."""
        return Response(status=204, headers=tus.OPTIONS)

    def create(self) -> Response:
        """Announce an upload; its first bytes may come with it."""
        partial = self._announced()
        self.service.partials.create(partial)
        place = "resumable/sign" if g.signed else "resumable"
        upload_id = tus.encode_id(partial.bucket, partial.key, partial.version)
        headers = {"Location": f"{self.service.public_url}/upload/{place}/{upload_id}"}
        if request.content_type == tus.BODY_TYPE or partial.length == 0:
            with self.service.partials.lock(partial.version):
                headers |= self._receive(partial)
        return tus.reply(201, headers=headers)

    def offset(self, upload_id: str) -> Response:
        """How many bytes have come."""
        partial = self._find(upload_id)
        headers = {
            "Cache-Control": "no-store",
            "Upload-Offset": str(self.service.partials.offset(partial)),
            "Upload-Metadata": partial.header,
        }
        if partial.length is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(partial.length)
        return tus.reply(200, headers=headers)

    def append(self, upload_id: str) -> Response:
        """Take further bytes."""
        if request.content_type != tus.BODY_TYPE:
            raise TusError(415, "Content-Type header required\n")
        start = tus.whole_number("Upload-Offset")
        if start is None:
            raise TusError(403, "Upload-Offset header required\n")
        with self.service.partials.lock(self._find(upload_id).version):
            partial = self._find(upload_id)
            self._permit(partial.bucket, partial.key, replace=partial.upsert)
            if start != self.service.partials.offset(partial):
                raise TusError(409, "Upload-Offset conflict\n")
            self._take_length(partial)
            room = partial.limit if partial.length is None else partial.length
            if start + (request.content_length or 0) > room:
                raise TusError(413, "upload's size exceeded\n")
            return tus.reply(204, headers=self._receive(partial))

    def terminate(self, upload_id: str) -> Response:
        """Delete an upload."""
        version = self._find(upload_id).version
        with self.service.partials.lock(version):
            partial = self._find(upload_id)
            self._permit(partial.bucket, partial.key, replace=partial.upsert)
            self.service.partials.remove(version)
        return tus.reply(204)

    def _announced(self) -> Partial:
        """The upload that the request's headers announce. Raises TusError, StorageError."""
        metadata = tus.read_metadata()
        bucket = self.service.bucket(metadata.get("bucketName", ""))
        key = check_key(metadata.get("objectName", ""))
        length = tus.announced_length()
        if length is not None and length > bucket.limit():
            raise TusError(413, "Maximum size exceeded\n")
        permit = self._permit(bucket.id, key, replace=upsert())
        content_type = metadata.get("contentType", DEFAULT_TYPE)
        bucket.check(length, content_type)
        return Partial(
            version=str(uuid.uuid4()),
            bucket=bucket.id,
            key=key,
            length=length,
            limit=bucket.limit(),
            header=tus.write_metadata(metadata),
            content_type=content_type,
            cache_control=metadata["cacheControl"],
            metadata=parse_metadata(metadata["metadata"]) if "metadata" in metadata else None,
            owner=permit.owner,
            upsert=permit.upsert,
            created_at=time.time(),
        )

    def _permit(self, bucket: str, key: str, *, replace: bool) -> Permit:
        """Who may write this object. Raises StorageError."""
        if g.signed:
            token = request.headers.get("x-signature")
            if not token:
                raise invalid_signature("Missing x-signature header")
            link = self.service.links.verify(token, bucket, key, "upload")
            try_write(self.service, None, bucket, key, upsert=link.upsert)
            return Permit(None, link.owner, link.upsert)
        caller: Caller = g.caller
        try_write(self.service, caller, bucket, key, upsert=replace)
        return Permit(caller, caller.owner, replace)

    def _find(self, upload_id: str) -> Partial:
        """The upload that the address names. Raises TusError (404)."""
        name, version = tus.decode_id(upload_id)
        partial = self.service.partials.find(version)
        if partial is None or name != f"{partial.bucket}/{partial.key}":
            raise TusError(404, "The file for this url was not found\n")
        return partial

    def _take_length(self, partial: Partial) -> None:
        """Note the length of an upload that was announced without one. Raises TusError (413)."""
        length = tus.whole_number("Upload-Length") if partial.length is None else None
        if length is None:
            return
        if length > partial.limit:
            raise TusError(413, "Maximum size exceeded\n")
        partial.length = length
        self.service.partials.save(partial)

    def _receive(self, partial: Partial) -> dict[str, str]:
        """Take the body; once all has come, the object is there. The headers that say so."""
        partials = self.service.partials
        offset = partials.append(partial, raw_chunks(request))
        if offset != partial.length:
            return {"Upload-Offset": str(offset)}
        stored = StoredFile(partial.version, offset, partials.etag(partial))
        self.service.files.adopt(partials.bytes_of(partial), partial.version)
        metadata = facts(stored, partial.content_type, partial.cache_control)
        content = Content(partial.version, metadata, partial.metadata, partial.owner)
        keep(self.service, partial.bucket, partial.key, content, upsert=partial.upsert)
        partial.complete = True
        partials.save(partial)
        return {"Upload-Offset": str(offset), "Tus-Complete": "1"}
