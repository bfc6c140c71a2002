"""Makes lib/http/openapi.yaml from the typed models: `make openapi`.

The models are the ones that parse requests and build answers, so the document can't drift from
the code; a test compares the file with what this would write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from lib.accounts import account, guests, keys
from lib.billing import purchases, stripe_events
from lib.files import upload_types, uploads
from lib.files.delete import Deleted
from lib.http.health import Health, Status
from lib.http.site import Site
from lib.jobs import api_models
from lib.jobs.validate import Validation
from lib.media.request.models import TranscodeRequest
from lib.privacy import erase, export, policies, reports, staff, support
from lib.usage import ledger, months
from tools import openapi_docs, openapi_paths

PATH = Path(__file__).parent.parent / "lib" / "http" / "openapi.yaml"

_NAME = (
    "Your name for the file, in any script. Jobs and downloads show it, without control characters"
    " and path separators; past 255 bytes of UTF-8 it is cut."
)
PRESIGN = {
    "type": "object",
    "required": ["filename", "contentType", "fileSize"],
    "properties": {
        "filename": {"type": "string", "minLength": 1, "description": _NAME},
        "contentType": {
            "type": "string",
            "enum": sorted(upload_types.TYPES),
            "description": "With application/octet-stream and text/plain, the extension of"
            " `filename` must tell what the file is.",
        },
        "fileSize": {
            "type": "integer",
            "minimum": 1,
            "maximum": uploads.MAX_BYTES,
            "description": "The exact number of bytes you will send.",
        },
    },
}
CONFIRM = {
    "type": "object",
    "required": ["filename", "fileSize"],
    "properties": {
        "filename": {
            "type": "string",
            "minLength": 1,
            "description": "`result.filename` of the presigned-url answer.",
        },
        "fileSize": {"type": "integer", "minimum": 1, "description": "Bytes sent."},
        "uploadId": {"type": ["string", "null"], "description": "Accepted and not needed."},
    },
}
REFUSED = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "The first fault, as a sentence."},
        "details": {"type": ["string", "null"], "description": "All faults."},
        "refusals": {
            "type": "array",
            "description": "All faults, one by one; absent when the body has another shape.",
            "items": {
                "type": "object",
                "required": ["flag", "rule", "alternative"],
                "properties": {
                    "flag": {"type": "string", "description": "The field, flag or filter."},
                    "rule": {"type": "string", "description": "What it breaks."},
                    "alternative": {
                        "type": ["string", "null"],
                        "description": "What to do instead.",
                    },
                },
            },
        },
    },
}


def document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    models = [
        TranscodeRequest,
        api_models.Accepted,
        api_models.Transcode,
        api_models.TranscodeList,
        api_models.Canceled,
        api_models.Download,
        uploads.Presigned,
        uploads.Confirmed,
        uploads.ProbeRequest,
        Validation,
        Deleted,
        account.Account,
        guests.Guest,
        guests.Nothing,
        erase.Erasure,
        erase.Erasing,
        export.Export,
        purchases.Plans,
        purchases.Billing,
        purchases.Buy,
        purchases.Bought,
        purchases.Portal,
        purchases.Invoices,
        stripe_events.EventReceived,
        account.Change,
        account.Changed,
        months.Usage,
        ledger.Entries,
        keys.NewKey,
        keys.Rename,
        keys.Key,
        keys.Keys,
        keys.Created,
        reports.NewReport,
        reports.Report,
        reports.Reports,
        staff.Accesses,
        policies.Policies,
        policies.Acceptance,
        support.Letter,
        support.Received,
        Health,
        Status,
        Site,
    ]
    _, components = msgspec.json.schema_components(
        models, ref_template="#/components/schemas/{name}"
    )
    openapi_docs.describe(components, models)
    components |= {
        "PresignRequest": PRESIGN,
        "ConfirmRequest": CONFIRM,
        "Error": _error({"type": ["string", "null"]}),
        "Refused": REFUSED,
        "ProbeError": _error({"type": "array", "items": {"type": "string"}}),
        "QuotaError": {
            "type": "object",
            "required": ["error", "job_id", "upgrade_url"],
            "properties": {
                "error": {"type": "string"},
                "job_id": {"type": "string"},
                "upgrade_url": {"type": "string"},
            },
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FFmpeg Micro",
            "version": "1.0.0",
            "description": (
                "Send media, say what you want, poll, download. Files travel by signed links;"
                " jobs run ffmpeg. Every error is `{error, details?}` with a sentence to act on."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearerApiKey": []}],
        "tags": [{"name": name} for name, _ in openapi_docs.TAGS],
        "paths": openapi_paths.paths(),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearerApiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or a Supabase Auth access token.",
                },
                "operatorSecret": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The operator's CRON_SECRET.",
                },
            },
        },
    }


def text() -> str:
    """The document as YAML."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=100)


def _error(details: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "details": details},
    }


if __name__ == "__main__":
    PATH.write_text(text())
