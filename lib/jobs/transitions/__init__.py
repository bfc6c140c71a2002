"""The transitions of a job's life; no other package writes them.

Each function is one statement in one transaction. It changes the job's status, the month's usage
and the ledger together and appends one event to app.job_events (except a reservation, which is not
a transition). What workers write is guarded by the attempt number of their lease.

Creating, claiming and canceling are SQL functions: app.create_job, app.claim_job, app.cancel_jobs.
"""

from lib.jobs.transitions.cancellation import cancel, cancel_for_operator
from lib.jobs.transitions.end import BROKEN, MAX_MESSAGE, Ended, abandon, complete, fail
from lib.jobs.transitions.reservation import extend, reserve
from lib.jobs.transitions.tickets import accept, claim, postpone

__all__ = [
    "BROKEN",
    "MAX_MESSAGE",
    "Ended",
    "abandon",
    "accept",
    "cancel",
    "cancel_for_operator",
    "claim",
    "complete",
    "extend",
    "fail",
    "postpone",
    "reserve",
]
