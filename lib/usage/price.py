"""What jobs cost in minutes, and what a caller reads when the minutes are used up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from lib.platform.settings import settings

MINUTE = Decimal("0.0001")
"""Minutes are metered to four decimals."""
SIGN_UP = "Sign up to continue. It's free, no card required."


def minutes(seconds: float) -> Decimal:
    """Seconds of input as billable minutes: 19 s is 0.3167."""
    return (Decimal(str(seconds)) / 60).quantize(MINUTE, ROUND_HALF_UP)


def quota_sentence(plan: str, limit: int) -> str:
    """The error for an account that has used its plan's `limit` minutes of the month."""
    return (
        f"Quota exceeded: Video Processing Minutes. This job needs more than what is left of the"
        f" {limit} minutes a month of the {plan} plan. Upgrade the plan or wait for the next month."
    )


def upgrade_url(job_id: UUID) -> str:
    """The billing page, with the job that was blocked."""
    return f"{settings().site_url}/billing?job={job_id}"
