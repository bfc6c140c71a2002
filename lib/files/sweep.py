"""Deletes files that have expired or belong to nobody.

Each step works in batches that are claimed, so that it may run twice, at once, or not for a week:
a batch that was claimed and not finished is due again a little later. A file that can't be deleted
is tried again, ever later, until it is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from lib.files import orphans, records
from lib.files.addresses import Address
from lib.files.records import Reason, Record
from lib.files.stores import storage
from lib.files.stores.storage import BUCKETS, StorageError
from lib.platform import postgres

BATCH = 500
CLAIM_SECONDS = 120
"""How long a batch is left to the sweep that claimed it."""
UNCONFIRMED_HOURS = 2
"""An upload's link works for so long; what is not confirmed by then is deleted."""
ORPHAN_HOURS = 24
"""Newer objects may still get a row, or belong to a running attempt."""


class Swept(msgspec.Struct):
    """Counts of what a sweep did."""

    uploads: int = 0
    outputs: int = 0
    exports: int = 0
    failed: int = 0
    """Files that could not be deleted just now."""
    orphans: int = 0
    """Objects without a row."""
    missing: int = 0
    """Rows whose object was not there any more."""
    guests: int = 0
    """Guests whose hour has ended; tasks erase their accounts."""
    addresses_dropped: int = 0
    calls_rolled_up: int = 0
    finished: bool = False
    """Whether nothing was left; else another run goes on."""


Step = Callable[[Swept], int]
"""Handles one batch and adds to the counts; returns how many rows it handled."""


def sweep(seconds: float, further: Sequence[Step] = ()) -> Swept:
    """Delete for at most about `seconds`, then run `further` steps.

    Raises nothing that Storage causes.
    """
    end = time.monotonic() + seconds
    swept = Swept()
    for step in (_due, _unconfirmed, _orphans, _late, _missing, *further):
        while step(swept) == BATCH:
            if time.monotonic() > end:
                return swept
    swept.finished = swept.failed == 0
    postgres.rows(
        "insert into app.last_sweep (ended_at) values (now())"
        " on conflict (one) do update set ended_at = now()"
    )
    return swept


def last() -> datetime | None:
    """When a sweep came to its end last; None before the first."""
    row = postgres.row("select ended_at from app.last_sweep")
    return row["ended_at"] if row else None


def delete_now(files: Sequence[Record], reason: Reason) -> bool:
    """Delete the bytes of files and note it; False when that failed."""
    try:
        for bucket in BUCKETS:
            storage.remove(bucket, [file.key for file in files if file.bucket == bucket])
    except StorageError:
        return False
    records.mark_deleted(files, reason)
    return True


def _due(swept: Swept) -> int:
    return _delete(records.claim_due(BATCH, CLAIM_SECONDS), swept)


def _unconfirmed(swept: Swept) -> int:
    """Uploads that nobody confirmed, and those that are larger than their link was asked for."""
    return _delete(records.claim_unconfirmed(BATCH, CLAIM_SECONDS, UNCONFIRMED_HOURS), swept)


def _delete(files: list[Record], swept: Swept) -> int:
    """Delete a batch; one by one when the batch fails, so that one bad file holds up no other."""
    if files and delete_now(files, "expired"):
        _count(files, swept)
        return len(files)
    done = 0
    for file in files:
        if delete_now([file], "expired"):
            _count([file], swept)
            done += 1
        else:
            swept.failed += 1
            if swept.failed >= 3 and done == 0:  # Storage is away: all are due again later
                break
    return len(files)


def _count(files: Sequence[Record], swept: Swept) -> None:
    roles = [file.role for file in files]
    swept.uploads += roles.count("upload")
    swept.outputs += roles.count("output")
    swept.exports += roles.count("export")


def _orphans(swept: Swept) -> int:
    """Objects that no row knows: of uploads never recorded, of attempts that were lost."""
    return _delete_orphans(orphans.find(BATCH, ORPHAN_HOURS), swept)


def _late(swept: Swept) -> int:
    """Objects of uploads that were deleted before the bytes came: their links still worked."""
    return _delete_orphans(orphans.find_late(BATCH), swept)


def _delete_orphans(files: list[Address], swept: Swept) -> int:
    try:
        for bucket in BUCKETS:
            of_bucket = [file for file in files if file.bucket == bucket]
            if of_bucket:
                storage.remove(bucket, [file.key for file in of_bucket])
                orphans.record_deletions(of_bucket)
    except StorageError:
        swept.failed += len(files)
        return 0
    swept.orphans += len(files)
    return len(files)


def _missing(swept: Swept) -> int:
    number = records.mark_missing(BATCH)
    swept.missing += number
    return number
