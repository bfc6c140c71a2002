"""Deleting what attempts stored that no job owns."""

from __future__ import annotations

from lib.files import addresses
from lib.files.stores import storage
from lib.jobs import queue
from lib.jobs.lease import Lease, Leftover


def clean_leftover(leftover: Leftover) -> None:
    """Delete what an ended job's lost worker may have stored, then forget its ticket."""
    names = storage.folder(
        storage.OUTPUTS, addresses.output_folder(leftover.account_id, leftover.job_id)
    )
    storage.remove(storage.OUTPUTS, names)
    queue.drop(leftover)


def clean(lease: Lease) -> None:
    """Delete what earlier attempts at the job stored."""
    folder = addresses.output_folder(lease.account_id, lease.job_id)
    earlier = [
        name
        for name in storage.folder(storage.OUTPUTS, folder)
        if int(name.removeprefix(folder).partition("/")[0]) < lease.attempt
    ]
    storage.remove(storage.OUTPUTS, earlier)
