"""What Storage says when it refuses: HTTP 400 with the true status as text inside the body."""

from __future__ import annotations

from collections.abc import Mapping


class StorageError(Exception):
    """A refusal. `status` is the true one; the wire carries 400 but where Storage says otherwise.

    The texts and codes are those of the real server's recorded answers.
    """

    def __init__(
        self, status: int, error: str, message: str, code: str, *, wire_status: int = 400
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.code = code
        self.wire_status = wire_status

    def body(self) -> dict[str, str]:
        """The JSON that is sent."""
        return {
            "statusCode": str(self.status),
            "error": self.error,
            "message": self.message,
            "code": self.code,
        }


class BodyCutError(Exception):
    """The client went away before its body ended."""


def invalid_request(message: str) -> StorageError:
    """The request does not have the shape that its route wants."""
    return StorageError(400, "Error", message, "InvalidRequest")


def access_denied(message: str) -> StorageError:
    """The caller is unknown, or row level security says no."""
    return StorageError(403, "Unauthorized", message, "AccessDenied")


def row_refused() -> StorageError:
    """Row level security refused a write."""
    return access_denied("new row violates row-level security policy")


def no_such_bucket() -> StorageError:
    """There is no such bucket, or the caller may not see it."""
    return StorageError(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def no_such_object() -> StorageError:
    """There is no such object, or the caller may not see it."""
    return StorageError(404, "not_found", "Object not found", "NoSuchKey")


def no_related_resource() -> StorageError:
    """A row names a bucket that does not exist."""
    return StorageError(
        404, "InvalidRequest", "The related resource does not exist", "InvalidRequest"
    )


def object_exists() -> StorageError:
    """The name is taken and may not be replaced."""
    return StorageError(409, "Duplicate", "The resource already exists", "KeyAlreadyExists")


def bucket_exists() -> StorageError:
    """The bucket is there already."""
    return StorageError(409, "Duplicate", "The resource already exists", "BucketAlreadyExists")


def bucket_not_empty() -> StorageError:
    """Only an empty bucket can be deleted."""
    message = "The bucket you tried to delete is not empty"
    return StorageError(409, "ResourceNotEmpty", message, "ResourceNotEmpty")


def too_large() -> StorageError:
    """Larger than the bucket, or the whole server, takes."""
    message = "The object exceeded the maximum allowed size"
    return StorageError(413, "Payload too large", message, "EntityTooLarge")


def invalid_mime_type(mime_type: str) -> StorageError:
    """The bucket does not take files of this type."""
    message = f"mime type {mime_type} is not supported"
    return StorageError(415, "invalid_mime_type", message, "InvalidMimeType")


def invalid_key(key: str) -> StorageError:
    """The object's name can not be stored."""
    return StorageError(400, "InvalidKey", f"Invalid key: {key}", "InvalidKey")


def invalid_bucket_name() -> StorageError:
    """The bucket's name can not be stored."""
    return StorageError(400, "Invalid Input", "Bucket name invalid", "InvalidBucketName")


def invalid_range() -> StorageError:
    """The range is not one that the object has. Unlike other refusals, a true 416."""
    return StorageError(
        416, "invalid_range", "invalid range provided", "InvalidRange", wire_status=416
    )


def invalid_signature(message: str = "Invalid signature") -> StorageError:
    """A link's token is good, but not for this."""
    return StorageError(400, "InvalidSignature", message, "InvalidSignature")


def invalid_link_token(message: str) -> StorageError:
    """A link's token is not ours, or has expired."""
    return StorageError(400, "InvalidJWT", message, "InvalidJWT")


def not_found(method: str, uri: str) -> Mapping[str, str | int]:
    """The body for a route that there is not. OPTIONS is answered by another part of the server."""
    message = f"Route {method}:{uri} not found"
    if method == "OPTIONS":
        return StorageError(404, "Not Found", message, "InvalidRequest").body()
    return {"message": message, "error": "Not Found", "statusCode": 404}
