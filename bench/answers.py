"""How long an answer takes, against a bare Flask function that runs one query."""

from __future__ import annotations

import httpx

from bench.rows import Row, milliseconds, timed
from local import client as api

ROUNDS = 300


def answers(client: httpx.Client, plain: httpx.Client) -> list[Row]:
    """Create and read in turn with the bare function, on connections that stay open."""
    body = {"inputs": [{"url": "https://example.com/clip.mp4"}], "outputFormat": "mp4"}
    job_id = api.call(client, "POST", "/v1/transcodes", body)["id"]
    base, read, create = [], [], []
    for _ in range(ROUNDS):
        base.append(timed(lambda: plain.get("/")))
        read.append(timed(lambda: client.get(f"/v1/transcodes/{job_id}")))
        base.append(timed(lambda: plain.get("/")))
        create.append(timed(lambda: client.post("/v1/transcodes", json=body)))
    return [
        Row(
            f"{what}, median of {ROUNDS}",
            f"{milliseconds(times):.2f} ms",
            f"bare Flask and one query {milliseconds(base):.2f} ms",
            milliseconds(times) / milliseconds(base),
            3,
        )
        for what, times in (("GET /v1/transcodes/{id}", read), ("POST /v1/transcodes", create))
    ]
