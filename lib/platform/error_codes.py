"""Every code that an error of the service can carry: its status, what it means, what to do.

Codes are part of the API: clients branch on them, so a code is never renamed or reused. The table
is shown in web/docs/errors.md (`make openapi` writes it there).
"""

from __future__ import annotations

from typing import NamedTuple


class ErrorCode(NamedTuple):
    """A kind of error."""

    status: int
    meaning: str
    action: str
    """What the caller can do."""


CODES = {
    "invalid_json": ErrorCode(
        400, "The body is missing, is not valid JSON, or is nested too deep.", "Send a JSON object."
    ),
    "invalid_request": ErrorCode(
        400,
        "A field, a query parameter or the path is missing, malformed or out of range.",
        "Change the field that `error` names.",
    ),
    "invalid_job": ErrorCode(
        400,
        "The job breaks rules for flags, filters, values or formats.",
        "Fix every entry of `refusals`. Check with `POST /v1/validate`.",
    ),
    "job_outdated": ErrorCode(
        400,
        "The rules have changed since this job was accepted, and its request breaks one.",
        "Create the job again with a valid request.",
    ),
    "invalid_cursor": ErrorCode(
        400,
        "`cursor` is malformed, or does not go with `order` or `page`.",
        "Use `next_cursor` or `end_cursor` of a list, or leave `cursor` out.",
    ),
    "invalid_file_type": ErrorCode(
        400, "This content type cannot be uploaded.", "Use a content type of the list."
    ),
    "invalid_file_size": ErrorCode(
        400, "`fileSize` is not a positive whole number.", "Send the number of bytes as a number."
    ),
    "file_too_large": ErrorCode(
        400, "The file exceeds a limit of the service or of the plan.", "Send a smaller file."
    ),
    "file_size_mismatch": ErrorCode(
        400,
        "The stored bytes do not match `fileSize`.",
        "Confirm the exact size, or request a new upload link.",
    ),
    "upload_incomplete": ErrorCode(
        400, "No bytes were sent to the upload link yet.", "PUT the file to `uploadUrl` first."
    ),
    "upload_limit": ErrorCode(
        400,
        "The plan's limit of stored uploads is reached.",
        "Delete uploads, or wait until they expire.",
    ),
    "not_a_stored_file": ErrorCode(
        400, "This route only takes stored files.", "Send the `gs://` address of an upload."
    ),
    "file_in_use": ErrorCode(
        400, "A running job reads this file.", "Cancel the job, or wait until it ends."
    ),
    "job_not_completed": ErrorCode(
        400, "The job has no output yet.", "Poll until `status` is `completed`."
    ),
    "no_output": ErrorCode(400, "The job completed without an output.", "Create the job again."),
    "job_not_ended": ErrorCode(
        400, "The job is pending or processing.", "Wait until it ends, or cancel it."
    ),
    "job_already_ended": ErrorCode(
        400, "The job has ended, so it cannot be canceled.", "Nothing needs to be done."
    ),
    "key_limit": ErrorCode(
        400, "The account has as many keys as it may have.", "Revoke a key you do not use."
    ),
    "email_not_changed": ErrorCode(
        400, "The login refused the new email address.", "`details` holds the reason."
    ),
    "invalid_signature": ErrorCode(
        400, "The webhook is not signed by Stripe, or is too old.", "Check the webhook's secret."
    ),
    "invalid_event": ErrorCode(
        400, "The signed body is not a Stripe event.", "Check what the webhook sends."
    ),
    "unauthorized": ErrorCode(
        401,
        "The credential is missing, unknown, revoked or expired.",
        "Send `Authorization: Bearer …` with a valid key.",
    ),
    "account_closed": ErrorCode(
        401, "The account is closed and is being deleted.", "Use another account."
    ),
    "quota_exceeded": ErrorCode(
        402,
        "The job needs more minutes than the plan has left.",
        "Follow `upgrade_url`, or wait for the next month (UTC).",
    ),
    "payment_declined": ErrorCode(
        402, "The payment was declined; nothing has changed.", "Pay with another card."
    ),
    "insufficient_scope": ErrorCode(
        403, "The key does not have the scope of this route.", "Use a key that has it."
    ),
    "account_suspended": ErrorCode(
        403,
        "The account is suspended: it can only read, export and delete.",
        "Contact support.",
    ),
    "session_required": ErrorCode(
        403, "This route needs a signed-in person.", "Send the access token of a session."
    ),
    "account_required": ErrorCode(
        403, "This route needs an account; a trial key is not enough.", "Sign up."
    ),
    "recent_login_required": ErrorCode(
        403, "This route needs a recent sign-in.", "Sign in again, or send `password`."
    ),
    "wrong_password": ErrorCode(403, "The password is wrong.", "Send the right password."),
    "route_not_found": ErrorCode(404, "There is no such route.", "See `/openapi.yaml`."),
    "job_not_found": ErrorCode(
        404, "You have no job with this id.", "Check the id, and whose key it is."
    ),
    "file_not_found": ErrorCode(
        404, "You have no file with this name or address.", "Upload it with the same account."
    ),
    "file_deleted": ErrorCode(
        404, "The file was deleted, or its retention has ended.", "Upload it or run the job again."
    ),
    "link_expired": ErrorCode(404, "The link is invalid or has expired.", "Request a new link."),
    "key_not_found": ErrorCode(404, "You have no key with this id.", "List your keys."),
    "policy_not_found": ErrorCode(
        404, "There is no policy with this version.", "List the versions: `GET /v1/policies`."
    ),
    "account_not_found": ErrorCode(404, "The account was deleted.", "Sign up again."),
    "method_not_allowed": ErrorCode(
        405, "The route does not have this method.", "Use a method of the `Allow` header."
    ),
    "payment_open": ErrorCode(
        409, "An invoice is not paid yet.", "Pay it: `POST /v1/billing/portal` has the link."
    ),
    "plan_changed": ErrorCode(
        409, "A plan was just bought in another window.", "Read your plan, then choose again."
    ),
    "report_limit": ErrorCode(
        409, "The job has as many open reports as it may have.", "Wait for our reply."
    ),
    "body_too_large": ErrorCode(
        413, "The body is larger than the route takes.", "Send media with an upload link."
    ),
    "unsupported_content_type": ErrorCode(
        415, "The body is not declared as JSON.", "Set `Content-Type: application/json`."
    ),
    "unreadable_media": ErrorCode(
        422, "The file cannot be read as media.", "Check that the file plays."
    ),
    "rate_limited": ErrorCode(429, "Too many requests in a minute.", "Wait as `Retry-After` says."),
    "too_many_unauthorized": ErrorCode(
        429,
        "Too many requests without a valid credential came from this address.",
        "Fix the key, then wait as `Retry-After` says.",
    ),
    "too_many_slow_calls": ErrorCode(
        429, "The account is running too many slow calls at once.", "Wait until one ends."
    ),
    "too_many_failed_jobs": ErrorCode(
        429,
        "Too many jobs of the account failed within an hour.",
        "Check requests with `POST /v1/validate`; wait as `Retry-After` says.",
    ),
    "trial_limit": ErrorCode(
        429, "No more trial keys are given for now.", "Sign up, or wait as `Retry-After` says."
    ),
    "daily_limit": ErrorCode(
        429, "A daily limit of this route is reached.", "Wait as `Retry-After` says."
    ),
    "login_busy": ErrorCode(429, "The login service is busy.", "Wait as `Retry-After` says."),
    "internal_error": ErrorCode(
        500,
        "Something went wrong on our side.",
        "Try again. If it persists, send us the request id.",
    ),
    "event_not_processed": ErrorCode(
        500, "The event is stored and could not be processed now.", "Send it again later."
    ),
    "file_unavailable": ErrorCode(
        502, "The file could not be read from Storage.", "Wait as `Retry-After` says."
    ),
    "storage_unavailable": ErrorCode(
        503, "Storage does not answer.", "Wait as `Retry-After` says."
    ),
    "database_unavailable": ErrorCode(
        503, "The database does not answer.", "Wait as `Retry-After` says."
    ),
    "login_unavailable": ErrorCode(
        503, "The login does not answer.", "Wait as `Retry-After` says."
    ),
    "stripe_unavailable": ErrorCode(503, "Stripe does not answer.", "Wait as `Retry-After` says."),
    "busy": ErrorCode(
        503, "Too many files are being inspected at once.", "Wait as `Retry-After` says."
    ),
    "deletion_pending": ErrorCode(
        503, "The files are no longer served; Storage will delete them later.", "Nothing to do."
    ),
    "billing_unavailable": ErrorCode(
        503, "Billing, or this plan's price, is not set up.", "Ask the operator."
    ),
    "site_unavailable": ErrorCode(503, "The website's login is not set up.", "Ask the operator."),
}
