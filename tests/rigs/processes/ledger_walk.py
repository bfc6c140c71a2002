"""A random walk through a job's possible lives, on the settings of this process.

`python -m tests.rigs.processes.ledger_walk SEED STEPS` prints what was done as JSON, or fails.
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections import Counter
from decimal import Decimal
from typing import Any

from lib.files.output import StoredOutput
from lib.jobs import cancel, queue, transitions
from lib.jobs.api_models import FfmpegOptions
from lib.jobs.lease import Lease, Leftover
from lib.jobs.receipt import Receipt, ReceiptOutput
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.usage import grants, ledger

PLANS = {"free": 100, "starter": 500, "pro": 2500}
REQUEST = {"inputs": [{"url": "https://example.com/clip.mp4"}], "outputFormat": "mp4"}
OPTIONS = FfmpegOptions("defaults", [], None)
RECEIPT = Receipt([], ReceiptOutput(1, ""), [], "", 0, 0, 0, 0, [], [], [])


class Walk:
    """Three accounts, and jobs in every state."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.accounts = [uuid.uuid4() for _ in range(3)]
        for account in self.accounts:
            postgres.rows(
                "insert into app.accounts (id, email) values (%(id)s, %(email)s)",
                {"id": account, "email": f"{account}@example.com"},
            )
        self.jobs: list[tuple[uuid.UUID, uuid.UUID]] = []
        self.leases: list[Lease] = []
        self.lost: list[Lease] = []

    def step(self) -> None:
        names = ["create"] * 5 + ["claim"] * 4 + ["end"] * 3 + [
            "describe", "grow", "fail", "cancel", "kill", "late", "postpone", "plan", "grant",
            "refund",
        ]  # fmt: skip
        name = self.random.choice(names)
        if getattr(self, name)():
            self.done[name] += 1

    def create(self) -> bool:
        account = self.random.choice(self.accounts)
        job, size = uuid.uuid4(), self.minutes()
        before = self.balance(account)
        row = postgres.row(
            "select status from app.create_job(%(id)s, %(account)s, %(limit)s, %(minutes)s,"
            " %(known)s, 1, %(request)s, 'mp4', '[]', '{}', 'short')",
            {"id": job, "account": account, "limit": before["limit"], "minutes": size,
             "known": self.random.random() < 0.7, "request": postgres.jsonb(REQUEST)},
        )  # fmt: skip
        assert row
        if row["status"] == "limited":
            self.done["limited"] += 1
            return False
        if row["status"] == "failed":
            self.done["refused"] += 1
            return False
        after = self.balance(account)
        assert after["used"] + after["reserved"] <= after["limit"] + after["granted"], after
        self.jobs.append((account, job))
        return True

    def claim(self) -> bool:
        claimed = transitions.claim(60)
        if isinstance(claimed, Leftover):
            queue.drop(claimed)
            return True
        if claimed is None:
            return False
        self.leases = [each for each in self.leases if each.job_id != claimed.job_id]
        self.leases.append(claimed)
        running = postgres.row(
            "select count(*) as n, p.jobs_at_once as most from app.jobs j"
            " join app.accounts a on a.id = j.account_id join app.plans p on p.id = a.plan_id"
            " where j.account_id = %(id)s and j.status = 'processing' group by p.jobs_at_once",
            {"id": claimed.account_id},
        )
        assert running
        # A smaller plan lets those under way end.
        assert running["n"] <= max(running["most"], 20)
        return True

    def describe(self) -> bool:
        return bool(self.leases) and transitions.reserve(
            self.random.choice(self.leases), inputs=[], options=OPTIONS, minutes=self.minutes(),
            seconds=1,
        )  # fmt: skip

    def grow(self) -> bool:
        """A job turns out longer than its inputs stated."""
        if not self.leases:
            return False
        lease, expected = self.random.choice(self.leases), self.minutes()
        extended = transitions.extend(lease, expected)
        after = self.balance(lease.account_id)
        if extended and expected > lease.reserved_minutes:
            row = postgres.row(
                "select reserved_minutes as held from app.jobs where id = %(id)s",
                {"id": lease.job_id},
            )
            assert row
            assert row["held"] >= expected
            assert after["reserved"] >= expected
        return extended

    def end(self) -> bool:
        lease = self.take(self.leases)
        return lease is not None and self.complete(lease)

    def fail(self) -> bool:
        lease = self.take(self.leases)
        return lease is not None and bool(transitions.fail(lease, "processing", "it was broken"))

    def postpone(self) -> bool:
        lease = self.take(self.leases)
        if lease is None:
            return False
        transitions.postpone(lease, 0)
        return True

    def kill(self) -> bool:
        """A worker falls silent; its lease runs out."""
        lease = self.take(self.leases)
        if lease is None:
            return False
        postgres.rows("select pgmq.set_vt('jobs', %(it)s::bigint, 0)", {"it": lease.ticket})
        self.lost.append(lease)
        return True

    def late(self) -> bool:
        """One that was thought dead ends its job: that counts unless another has it."""
        lease = self.take(self.lost)
        return lease is not None and self.complete(lease)

    def cancel(self) -> bool:
        if not self.jobs:
            return False
        account, job = self.random.choice(self.jobs)
        try:
            cancel.cancel(account, str(job))
        except Problem:
            return False
        return True

    def plan(self) -> bool:
        postgres.rows(
            "update app.accounts set plan_id = %(plan)s where id = %(id)s",
            {"plan": self.random.choice(list(PLANS)), "id": self.random.choice(self.accounts)},
        )
        return True

    def grant(self) -> bool:
        account = self.random.choice(self.accounts)
        return grants.grant(account, self.minutes(), reason="walk", who="test") is not None

    def refund(self) -> bool:
        if not self.jobs:
            return False
        result = grants.refund(self.random.choice(self.jobs)[1], reason="walk", who="test")
        return result is not None and not result.before

    def complete(self, lease: Lease) -> bool:
        row = postgres.row(
            "select reserved_minutes as held from app.jobs where id = %(id)s", {"id": lease.job_id}
        )
        assert row
        # Never charged more than was held: what was measured may be less.
        minutes = min(row["held"], self.minutes()) if row["held"] else Decimal(0)
        key = f"{lease.account_id}/{lease.job_id}/{lease.attempt}/c.mp4"
        ended = transitions.complete(
            lease, outputs=[StoredOutput("outputs", key, "c.mp4", "video/mp4", "mp4", 1)],
            minutes=minutes, output_seconds=1, processing_seconds=1, receipt=RECEIPT,
        )  # fmt: skip
        return ended is not None

    def minutes(self) -> Decimal:
        return Decimal(self.random.randrange(0, 250_000)) / 10_000

    def take(self, leases: list[Lease]) -> Lease | None:
        return leases.pop(self.random.randrange(len(leases))) if leases else None

    def balance(self, account: uuid.UUID) -> dict[str, Any]:
        row = postgres.row(
            "select p.minutes_per_month as limit, coalesce(u.used_minutes, 0) as used,"
            " coalesce(u.reserved_minutes, 0) as reserved,"
            " coalesce(u.granted_minutes, 0) as granted"
            " from app.accounts a join app.plans p on p.id = a.plan_id"
            " left join app.usage u on u.account_id = a.id where a.id = %(id)s",
            {"id": account},
        )
        assert row
        return row


def main() -> None:
    seed, steps = int(sys.argv[1]), int(sys.argv[2])
    walk = Walk(seed)
    for number in range(steps):
        walk.step()
        if number % 50 == 0:
            assert ledger.differences() == [], (seed, number, ledger.differences())
    assert ledger.differences() == [], (seed, steps, ledger.differences())
    # A balance that is wrong is seen.
    postgres.rows(
        "update app.usage set used_minutes = used_minutes + 1 where account_id = %(id)s",
        {"id": walk.accounts[0]},
    )
    assert [each.account_id for each in ledger.differences()] == [walk.accounts[0]]
    print(json.dumps(walk.done))


if __name__ == "__main__":
    main()
