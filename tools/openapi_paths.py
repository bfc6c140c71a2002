"""The routes of the OpenAPI document: what each takes, answers and refuses."""

from __future__ import annotations

from typing import Any

from lib.jobs.cursor import ORDERS
from lib.jobs.listing import MAX_SEARCH, SEARCHED
from tools import openapi_docs

ERRORS = {
    400: "The request must change; the error says how.",
    401: "The key is missing, unknown, revoked or expired.",
    402: "The plan's minutes do not suffice, or the payment was declined.",
    403: "The key may not do this, or the account is suspended: then it can only read, export and"
    " delete.",
    404: "There is nothing of yours here.",
    409: "Something else comes first; the error says what.",
    413: "The body is too large: at most 1,000,000 bytes to create or validate, 65,536 elsewhere.",
    415: "The body is not JSON.",
    422: "The file can't be read as media.",
    429: "Too many requests; wait as `Retry-After` says.",
    500: "Something went wrong on our side.",
    502: "The file store does not answer.",
    503: "The file store does not answer, or too much is going on; wait as `Retry-After` says.",
}
SIGNED: dict[str, Any] = {
    "security": [],
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("expires", "signature")
    ],
}
"""Of links that carry their own key."""
BODY_ERRORS = (400, 401, 413, 415, 500)


def paths() -> dict[str, Any]:
    """All of them, by address."""
    return _tagged(_paths())


def _paths() -> dict[str, Any]:
    job_id = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
    job = {"parameters": [job_id]}
    return {
        "/v1/upload/presigned-url": {
            "post": _operation(
                "createUpload",
                "Ask for a link to upload a file to; it lives 15 minutes",
                _result("Presigned"),
                (*BODY_ERRORS, 503),
                body="PresignRequest",
            )
        },
        "/v1/upload/confirm": {
            "post": _operation(
                "confirmUpload",
                "Say that the bytes were sent; they are checked and looked into",
                _result("Confirmed"),
                (*BODY_ERRORS, 404, 429, 503),
                body="ConfirmRequest",
            )
        },
        "/v1/upload/{filename}": {
            "parameters": [_path_text("filename")],
            "delete": _operation(
                "deleteUpload",
                "Delete an upload now",
                _ref("Deleted"),
                (400, 401, 404, 500, 503),
            ),
        },
        "/v1/account": {
            "get": _operation("getAccount", "Your account", _ref("Account"), (401, 500)),
            "patch": _operation(
                "changeAccount",
                "Correct name and address; an address counts once its links were followed",
                _ref("Changed"),
                (*BODY_ERRORS, 403),
                body="Change",
            ),
            "delete": _operation(
                "deleteAccount",
                "Delete the account and all that is held of it; needs a session",
                _ref("Erasing"),
                (*BODY_ERRORS, 403, 429, 503),
                body="Erasure",
                status=202,
            ),
        },
        "/v1/account/usage": {
            "parameters": [_PERIOD],
            "get": _operation(
                "getUsage",
                "Minutes by day and kind, and what is left",
                _ref("Usage"),
                (400, 401, 500),
            ),
        },
        "/v1/account/ledger": {
            "parameters": [
                _PERIOD,
                _query("page", {"type": "integer", "default": 1}, "From 1; clamped."),
                _query("limit", {"type": "integer", "default": 100}, "1 to 1,000; clamped."),
            ],
            "get": _operation(
                "getLedger",
                "Each time that minutes were held, charged or given, newest first",
                _ref("Entries"),
                (400, 401, 500),
            ),
        },
        "/v1/billing": {
            "get": _operation("getBilling", "What you pay for", _ref("Billing"), (401, 500))
        },
        "/v1/billing/plans": {
            "get": _operation(
                "listPlans", "The plans, their prices and limits", _ref("Plans"), (500,)
            )
            | {"security": []}
        },
        "/v1/billing/checkout": {
            "post": _operation(
                "buyPlan",
                "Go to a plan: by a checkout, at once, or at the period's end; needs a session",
                _ref("Bought"),
                (*BODY_ERRORS, 402, 403, 409, 503),
                body="Buy",
            )
        },
        "/v1/billing/portal": {
            "post": _operation(
                "openPortal",
                "A link to Stripe's pages for cards, invoices, cancellation; needs a session",
                _ref("Portal"),
                (401, 403, 500, 503),
            )
        },
        "/v1/billing/invoices": {
            "get": _operation("listInvoices", "Your invoices", _ref("Invoices"), (401, 500))
        },
        "/hooks/stripe": {
            "post": _operation(
                "receiveStripeEvent",
                "For Stripe alone: an event, signed by it",
                _ref("EventReceived"),
                (400, 500, 503),
            )
            | {"security": []}
        },
        "/v1/account/export": {
            "get": _operation(
                "getExport",
                "Your newest export; needs a session",
                _ref("Export"),
                (401, 403, 500),
            ),
            "post": _operation(
                "askExport",
                "One archive of all that is held of you; a mail brings the link; needs a session",
                _ref("Export"),
                (401, 403, 429, 500),
                status=202,
            ),
        },
        "/v1/account/export/{id}/download": {
            "parameters": [_path_text("id")],
            "get": _operation(
                "downloadExport",
                "The link to an export: leads to the archive; needs no key",
                _ref("Download"),
                (404, 429, 500, 503),
                status=302,
            )
            | SIGNED,
        },
        "/v1/account/export/file": {
            "parameters": [
                {"name": "file", "in": "query", "required": True, "schema": {"type": "string"}}
            ],
            "get": _operation(
                "downloadExportedFile",
                "The links in an export's list of files; needs no key",
                _ref("Download"),
                (404, 429, 500, 503),
                status=302,
            )
            | SIGNED,
        },
        "/v1/account/sessions": {
            "delete": _operation(
                "signOutEverywhere",
                "End all sessions; needs a session, not a key",
                {"type": "object", "properties": {"success": {"const": True}}},
                (401, 403, 500),
            )
        },
        "/v1/api-keys": {
            "get": _operation("listKeys", "Your keys", _ref("Keys"), (401, 500)),
            "post": _operation(
                "createKey",
                "Make a key, shown this once; needs a session",
                _ref("Created"),
                (*BODY_ERRORS, 403),
                body="NewKey",
                status=201,
            ),
        },
        "/v1/api-keys/{key_id}": {
            "parameters": [_path_text("key_id")],
            "patch": _operation(
                "renameKey",
                "Give a key another label; needs a session",
                _ref("Key"),
                (*BODY_ERRORS, 403, 404),
                body="Rename",
            ),
            "delete": _operation(
                "revokeKey",
                "End a key at once; needs a session",
                None,
                (401, 403, 404, 500),
                status=204,
            ),
        },
        "/v1/account/reports": {
            "get": _operation("listReports", "Your reports", _ref("Reports"), (401, 500))
        },
        "/v1/account/access-log": {
            "get": _operation(
                "listAccesses",
                "Each time that somebody of ours opened files of yours",
                _ref("Accesses"),
                (401, 500),
            )
        },
        "/v1/policies": {
            "get": _operation(
                "listPolicies",
                "Every version of the privacy policy and terms, newest first",
                _ref("Policies"),
                (429, 500),
            )
            | {"security": []}
        },
        "/v1/policies/{version}/accept": {
            "parameters": [_path_text("version")],
            "post": _operation(
                "acceptPolicy",
                "Accept a version; needs a session. Again does nothing",
                _ref("Acceptance"),
                (401, 403, 404, 500),
            ),
        },
        "/v1/support": {
            "post": _operation(
                "writeToSupport",
                "Write to us, with a credential or, telling your address, without one",
                _ref("Received"),
                (*BODY_ERRORS, 404, 429),
                body="Letter",
                status=201,
            )
            | {"security": [{}, {"bearerApiKey": []}]}
        },
        "/v1/ffprobe": {
            "post": _operation(
                "probe",
                "What an upload holds; free, no job, 30 requests a minute, 2 at once",
                {
                    "type": "object",
                    "required": ["url", "metadata"],
                    "properties": {"url": {"type": "string"}, "metadata": {"type": "object"}},
                },
                (*BODY_ERRORS, 404, 422, 429, 502, 503),
                body="ProbeRequest",
                special={400: "Error", 404: "ProbeError", 422: "ProbeError", 502: "ProbeError"},
            )
        },
        "/v1/validate": {
            "post": _operation(
                "validate",
                "What a job of this request would do and cost; free, no job, 60 requests a minute,"
                " 2 at once",
                _ref("Validation"),
                (*BODY_ERRORS, 404, 422, 429, 503),
                body="TranscodeRequest",
                special={400: "Refused"},
            )
        },
        "/v1/transcodes": {
            "post": _operation(
                "createTranscode",
                "Create a job",
                _ref("Accepted"),
                (*BODY_ERRORS, 402, 404),
                body="TranscodeRequest",
                status=201,
                special={400: "Refused", 402: "QuotaError"},
            ),
            "get": _operation(
                "listTranscodes",
                "List your jobs, a page at a time",
                _ref("TranscodeList"),
                (400, 401, 500),
            )
            | {"parameters": _list_parameters()},
        },
        "/v1/transcodes/{id}": job
        | {
            "get": _operation("getTranscode", "A job", _ref("Transcode"), (401, 404, 500)),
            "delete": _operation(
                "deleteTranscodeFiles",
                "Delete an ended job's files now; its record stays",
                _ref("Deleted"),
                (400, 401, 404, 500, 503),
            ),
        },
        "/v1/transcodes/{id}/cancel": job
        | {
            "patch": _operation(
                "cancelTranscode",
                "Cancel a job that has not ended",
                _ref("Canceled"),
                (400, 401, 404, 500),
            )
        },
        "/v1/transcodes/{id}/retry": job
        | {
            "post": _operation(
                "retryTranscode",
                "Make a new job of an ended one's request; the ended one stays",
                _ref("Accepted"),
                (400, 401, 402, 404, 500),
                status=201,
                special={400: "Refused", 402: "QuotaError"},
            )
        },
        "/v1/transcodes/{id}/download": job
        | {
            "get": _operation(
                "downloadTranscode",
                "A signed link to the output; it lives 10 minutes",
                _ref("Download"),
                (400, 401, 404, 500, 503),
            )
        },
        "/v1/transcodes/{id}/report": job
        | {
            "post": _operation(
                "reportTranscode",
                "Report a job to us; while the report is open we may look at its files",
                _ref("Report"),
                (*BODY_ERRORS, 403, 404, 409, 429),
                body="NewReport",
                status=201,
            )
        },
        "/v1/transcodes/{id}/inputs/{index}": {
            "parameters": [
                job_id,
                {
                    "name": "index",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "integer", "minimum": 0},
                },
            ],
            "get": _operation(
                "followInputLink",
                "The address in `inputs[].downloadUrl`: leads to the file; needs no key",
                _ref("Download"),
                (404, 429, 500, 503),
                status=302,
            )
            | SIGNED,
        },
        "/v1/try": {
            "post": _operation(
                "tryIt",
                "A key for an hour and a few small files, for a visitor; a few a day",
                _ref("Guest"),
                (400, 413, 415, 429, 500),
                body="Nothing",
                status=201,
            )
            | {"security": []}
        },
        "/v1/site": {
            "get": _operation("site", "What the website needs to begin", _ref("Site"), (429, 503))
            | {"security": []}
        },
        "/v1/status": {
            "get": _operation(
                "status", "How the service fares: its queue, its last sweep", _ref("Status"), (429,)
            )
            | {"security": []}
        },
        "/health-check": {
            "get": _operation("healthCheck", "Whether the service works", _ref("Health"), (429,))
            | {"security": []}
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Figures for the operator, as Prometheus text; needs CRON_SECRET",
                "security": [{"operatorSecret": []}],
                "responses": {
                    "200": {
                        "description": "Prometheus text 0.0.4",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    },
                    **{str(code): _response(ERRORS[code], _ref("Error")) for code in (401, 500)},
                },
            }
        },
        "/openapi.yaml": {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "security": [],
                "responses": {
                    "200": {
                        "description": "OpenAPI 3.1",
                        "content": {"application/yaml": {"schema": {}}},
                    },
                    "429": _response(ERRORS[429], _ref("Error")),
                },
            }
        },
    }


def _tagged(paths: dict[str, Any]) -> dict[str, Any]:
    for path, methods in paths.items():
        for operation in methods.values():
            if isinstance(operation, dict):
                operation["tags"] = [openapi_docs.tag(path)]
    return paths


def _path_text(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


_PERIOD = _query("period", {"type": "string"}, "A month such as 2026-11; this one by default.")


def _list_parameters() -> list[dict[str, Any]]:
    moment = {"type": "string", "format": "date-time"}
    return [
        _query("status", {"type": "string"}, "One status; an unknown one gives an empty list."),
        _query(
            "q",
            {"type": "string", "maxLength": MAX_SEARCH},
            "Part of the name or address of an input, or the beginning of an id; of the newest"
            f" {SEARCHED:,} jobs.",
        ),
        _query("page", {"type": "integer", "default": 1}, "From 1; clamped."),
        _query("limit", {"type": "integer", "default": 20}, "1 to 100; clamped."),
        _query(
            "cursor",
            {"type": "string", "maxLength": 34},
            "`next_cursor` or `end_cursor` of an earlier answer: the list goes on there, with the"
            " same order. Not together with `page`.",
        ),
        _query(
            "order",
            {"type": "string", "enum": list(ORDERS)},
            "By default updated_at.asc (the oldest change first) with `since`, else"
            " created_at.desc.",
        ),
        _query("job_type", {"type": "string", "enum": ["transcode", "transcribe"]}, "One kind."),
        _query(
            "since",
            moment,
            "Inclusive, on `updated_at`: the last one you saw comes again. Without `order`, jobs"
            " at exactly this moment do not count towards `limit` if they would fill it.",
        ),
        _query("until", moment, "Inclusive, on `updated_at`."),
    ]


def _operation(
    name: str,
    summary: str,
    success: dict[str, Any] | None,
    errors: tuple[int, ...],
    *,
    body: str | None = None,
    status: int = 200,
    special: dict[int, str] | None = None,
) -> dict[str, Any]:
    done = _response("Done.", success) if success else {"description": "Done."}
    responses = {str(status): done}
    for code in sorted(errors):
        responses[str(code)] = _response(ERRORS[code], _ref((special or {}).get(code, "Error")))
    operation: dict[str, Any] = {"operationId": name, "summary": summary}
    if body:
        content = {"application/json": {"schema": _ref(body)}}
        if name in openapi_docs.EXAMPLES:
            content["application/json"]["example"] = openapi_docs.EXAMPLES[name]
        operation["requestBody"] = {"required": True, "content": content}
    return operation | {"responses": responses}


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _result(model: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["success", "result"],
        "properties": {"success": {"const": True}, "result": _ref(model)},
    }


def _ref(model: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model}"}
