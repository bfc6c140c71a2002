"""Honest metering, through the whole service: what is charged is what was read or made."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.platform import postgres
from lib.usage import ledger
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.files import rows, stored
from tests.rigs.media.forged import forge
from tests.rigs.media.media_time import media_seconds
from tests.rigs.media.plans import options
from tests.rigs.usage import account_id, use

Make = Callable[..., Path]

SECONDS = 12
FRAME = 0.04
ROUNDING = 0.003
"""Minutes are shown with four decimals: half of their last one, in seconds."""
STEPS = 30


@pytest.fixture
def webm(make_media: Make) -> Path:
    return make_media("clip.webm", "-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={SECONDS}",
                      "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")  # fmt: skip


def used_minutes(account: Account) -> float:
    usage = account.http.get("/v1/account/usage").json()
    assert usage["minutes_reserved"] == 0
    return float(usage["minutes_used"])


def test_a_forged_header_is_charged_for_what_was_read(account: Account, webm: Path) -> None:
    url = account.upload(forge(webm, 1))
    body = {"inputs": [{"url": url}], "outputFormat": "webm"}
    estimate = account.http.post("/v1/validate", json=body).json()["minutes"]
    assert estimate == pytest.approx(1 / 60, abs=0.001)
    done = account.wait(account.create(url, "webm"))
    assert done["status"] == "completed", done
    assert done["billable_minutes"] == pytest.approx(SECONDS / 60, abs=0.001)
    assert used_minutes(account) == pytest.approx(SECONDS / 60, abs=0.001)


def test_a_job_that_outgrows_the_quota_fails_uncharged(
    stack: Stack, free_account: Account, webm: Path
) -> None:
    url = free_account.upload(forge(webm, 1))
    use(free_account, used=100 - 11 / 60)
    done = free_account.wait(free_account.create(url, "webm"))
    assert (done["status"], done["error_category"]) == ("failed", "quota"), done
    assert "upgrade" in done["error_message"].lower()
    assert done["billable_minutes"] == 0
    assert stored(stack, free_account) == {url}  # its output is not kept
    assert used_minutes(free_account) == pytest.approx(100 - 11 / 60, abs=0.0001)
    use(free_account, used=100 - 12.05 / 60)
    done = free_account.wait(free_account.create(url, "webm"))
    assert done["status"] == "completed", done
    assert used_minutes(free_account) == pytest.approx(100, abs=0.002)


def test_a_job_without_an_end_is_stopped_when_the_minutes_are_used_up(
    free_account: Account, webm: Path
) -> None:
    url = free_account.upload(webm)
    use(free_account, used=99.5)
    endless = options(("-vf", "loop=loop=-1:size=250:start=0,scale=320:240"))
    done = free_account.wait(free_account.create(url, "mp4", options=endless), 120)
    assert (done["status"], done["error_category"]) == ("failed", "quota"), done
    assert used_minutes(free_account) == 99.5


def fail_jobs(stack: Stack, account: Account, number: int, category: str = "validation") -> None:
    rows(
        stack,
        "insert into app.jobs (account_id, status, request, output_format, inputs, period,"
        " error_category, updated_at) select id, 'failed', '{}', 'mp4', '[]', '2026-11-01',"
        " %s, now() - make_interval(mins => 50) from app.accounts, generate_series(1, %s)"
        " where email = %s",
        category,
        number,
        account.email,
    )


@pytest.mark.parametrize(("plan", "most"), [("try", 10), ("free", 30)])
def test_failures_are_limited_by_the_hour(stack: Stack, clip: Path, plan: str, most: int) -> None:
    account = Account(stack, plan)
    url = account.upload(clip)
    fail_jobs(stack, account, most - 1)
    fail_jobs(stack, account, 5, "transient")  # those are ours
    assert account.wait(account.create(url, "mp3"))["status"] == "completed"
    fail_jobs(stack, account, 1)
    body = {"inputs": [{"url": url}], "outputFormat": "mp3"}
    refused = account.http.post("/v1/transcodes", json=body)
    assert refused.status_code == 429, refused.text
    assert 500 < int(refused.headers["Retry-After"]) <= 601
    assert "failed within an hour" in refused.json()["error"]
    rows(
        stack,
        "update app.jobs set updated_at = now() - interval '61 minutes' where status = 'failed'"
        " and account_id = %s",
        account_id(account),
    )
    assert account.wait(account.create(url, "mp3"))["status"] == "completed"


def test_jobs_accepted_before_the_failures_are_not_run(
    stack: Stack, free_account: Account, clip: Path
) -> None:
    url = free_account.upload(clip)
    rows(stack, "insert into app.jobs (account_id, status, request, output_format, inputs, period)"
         " select %s, 'processing', '{}', 'mp4', '[]', '2026-11-01' from generate_series(1, 2)",
         account_id(free_account))  # fmt: skip
    waiting = free_account.create(url, "mp3")
    fail_jobs(stack, free_account, 30)
    rows(stack, "update app.jobs set status = 'canceled' where account_id = %s and request = '{}'"
         " and status = 'processing'", account_id(free_account))  # fmt: skip
    rows(stack, "select app.send_ticket_of_waiting(%s)", account_id(free_account))
    done = free_account.wait(waiting)
    assert (done["status"], done["error_category"]) == ("failed", "quota"), done
    assert "failed within an hour" in done["error_message"]


def test_paid_plans_may_fail(stack: Stack, account: Account, clip: Path) -> None:
    fail_jobs(stack, account, 200)
    assert account.wait(account.create(account.upload(clip), "mp3"))["status"] == "completed"


class Walk:
    """Jobs of every kind at random, and the media time each of them truly takes."""

    def __init__(self, seed: int, account: Account, make: Make) -> None:
        self.random = random.Random(seed)
        self.account = account
        self.truth = 0.0
        self.seconds: dict[str, float] = {}
        source = ("-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={SECONDS}",
                  "-f", "lavfi", "-i", f"sine=r=44100:d={SECONDS}")  # fmt: skip
        x264 = ("-c:v", "libx264", "-preset", "ultrafast")
        files = {
            "mkv": make("w.mkv", *source, *x264),
            "webm": make("w.webm", *source, "-c:v", "libvpx", "-deadline", "realtime"),
            "flv": make("w.flv", *source, "-c:v", "flv", "-ar", "44100"),
            "avi": make("w.avi", *source, "-c:v", "mpeg4", "-c:a", "libmp3lame"),
            "mp4": make("w.mp4", *source, *x264),
            "mp3": make("w.mp3", "-f", "lavfi", "-i", f"sine=r=44100:d={SECONDS}"),
            "opus": make("w.opus", "-f", "lavfi", "-i", f"sine=r=48000:d={SECONDS}"),
        }
        self.forged = [self.upload(forge(each, 1), each) for each in files.values()]
        self.videos = [*self.forged[:5], self.upload(files["mp4"])]
        self.still = self.upload(
            make("w.png", "-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "1")
        )
        broken = files["mp4"].with_name("broken.mp4")
        broken.write_bytes(files["mp4"].read_bytes()[:3000])
        self.broken = account.upload(broken)

    def upload(self, path: Path, true: Path | None = None) -> str:
        """The address of a file, whose length is measured on its `true` form."""
        url = self.account.upload(path)
        self.seconds[url] = media_seconds(true or path)
        return url

    def step(self, folder: Path) -> None:
        name = self.random.choice([each for each in dir(self) if each.startswith("job_")])
        body, read = getattr(self, name)()
        answer = self.account.http.post("/v1/transcodes", json=body)
        assert answer.status_code == 201, (name, answer.text)
        job = answer.json()["id"]
        if self.random.random() < 0.1:
            self.account.http.patch(f"/v1/transcodes/{job}/cancel")
        done = self.account.wait(job, 120)
        charged = done["billable_minutes"] * 60
        if done["status"] == "completed":
            truth = max(read, self.output_seconds(body, job, folder))
            self.truth += truth
            assert charged == pytest.approx(truth, abs=FRAME + ROUNDING), (name, body, done)
        else:
            assert name == "job_failing" or done["status"] == "canceled", (name, body, done)
            assert charged == 0, done

    def output_seconds(self, body: dict[str, Any], job: str, folder: Path) -> float:
        """The length of the output; a picture lasts no time."""
        if body["outputFormat"] == "jpeg":
            return 0.0
        output = folder / f"output.{body['outputFormat']}"
        output.write_bytes(self.account.download(job))
        return media_seconds(output)

    def body(self, output: str, *urls: str, **fields: Any) -> dict[str, Any]:
        return {"inputs": [{"url": url} for url in urls], "outputFormat": output} | fields

    def video(self) -> str:
        return self.random.choice(self.videos)

    def job_forged(self) -> tuple[dict[str, Any], float]:
        url = self.random.choice(self.forged)
        return self.body("m4a", url), self.seconds[url]

    def job_copied(self) -> tuple[dict[str, Any], float]:
        url = self.video()
        return self.body("mp4", url), self.seconds[url]

    def job_scaled(self) -> tuple[dict[str, Any], float]:
        url = self.video()
        body = self.body("mp4", url, options=options("-an"))
        body["inputs"][0]["options"] = options(("-itsscale", 0.05))
        return body, self.seconds[url]

    def job_faster(self) -> tuple[dict[str, Any], float]:
        url, factor = self.video(), self.random.choice([2, 10, 40])
        flags = options(("-vf", f"setpts=PTS/{factor}"), ("-r", 100), "-an")
        return self.body("mp4", url, options=flags), self.seconds[url]

    def job_slower(self) -> tuple[dict[str, Any], float]:
        url = self.video()
        flags = options(("@speed", {"factor": 0.5}), "-an")
        return self.body("mp4", url, options=flags), self.seconds[url]

    def job_trimmed(self) -> tuple[dict[str, Any], float]:
        start, length = self.random.randrange(6), self.random.randrange(1, 6)
        flags = options(("@trim", {"start": start, "duration": length}), "-an")
        return self.body("mp4", self.video(), options=flags), length

    def job_repeated(self) -> tuple[dict[str, Any], float]:
        url = self.videos[-1]
        body = self.body("mp4", url, options=options("-an"))
        body["inputs"][0]["options"] = options(("-stream_loop", 1))
        return body, 2 * SECONDS

    def job_thumbnail(self) -> tuple[dict[str, Any], float]:
        return self.body("jpeg", self.video()), FRAME

    def job_joined(self) -> tuple[dict[str, Any], float]:
        urls = self.video(), self.video()
        return self.body("mp4", *urls), sum(self.seconds[url] for url in urls)

    def job_picture(self) -> tuple[dict[str, Any], float]:
        return self.body("jpeg", self.still), 0

    def job_shown(self) -> tuple[dict[str, Any], float]:
        body = self.body("mp4", self.still, options=options("-an"))
        length = self.random.randrange(1, 30)
        body["inputs"][0]["options"] = options(("-loop", 1), ("-t", length))
        return body, 0

    def job_generated(self) -> tuple[dict[str, Any], float]:
        length = self.random.randrange(1, 30)
        graph = [{"filter": f"testsrc2=s=64x48:r=25:d={length}[b];[b][0:v]overlay[v]"}]
        mapped = options(("-map", "[v]"))
        return self.body("mp4", self.still, filters=graph, options=mapped), 0

    def job_failing(self) -> tuple[dict[str, Any], float]:
        return self.body("mp4", self.broken), 0


@pytest.mark.parametrize(
    ("seed", "steps"),
    [(0, 10), *(pytest.param(seed, STEPS, marks=pytest.mark.slow) for seed in (1, 2, 3, 4))],
)
def test_the_ledger_equals_the_media_time_after_a_random_walk(
    account: Account, make_media: Make, tmp_path: Path, seed: int, steps: int
) -> None:
    walk = Walk(seed, account, make_media)
    for _ in range(steps):
        walk.step(tmp_path)
    assert used_minutes(account) * 60 == pytest.approx(walk.truth, abs=steps * FRAME)
    settled = postgres.row(
        "select sum(minutes) as minutes from app.usage_ledger"
        " where account_id = %(id)s and kind = 'settle'",
        {"id": account_id(account)},
    )
    assert settled
    assert float(settled["minutes"]) == used_minutes(account)
    mine = account_id(account)
    assert [each for each in ledger.differences() if each.account_id == mine] == []
