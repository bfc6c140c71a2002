"""Our own signed links: each kind has its own key, and none reveals another secret."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from lib.files import links
from lib.platform.settings import settings
from local.stack import Stack
from tests.rigs.accounts import Account

KINDS: tuple[links.Kind, ...] = ("input", "file", "export")


def follow(stack: Stack, path: str, **query: str) -> int:
    address = f"{stack.url}{path}?{urlencode(query)}"
    return httpx.get(address, trust_env=False).status_code


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_of_one_kind_is_not_valid_as_another(
    stack: Stack, account: Account, clip: Path, kind: links.Kind
) -> None:
    file, until = account.upload(clip), str(int(time.time()) + 600)
    job_id = account.create(file, "mp3")
    paths = {
        "input": (f"/v1/transcodes/{job_id}/inputs/0", {}, (job_id, "0", until)),
        "file": ("/v1/account/export/file", {"file": file}, (file, until)),
    }
    for each, (path, more, fields) in paths.items():
        status = follow(stack, path, **more, expires=until, signature=links.sign(kind, *fields))
        assert status == (302 if each == kind else 404), each


def test_the_same_fields_have_another_signature_for_each_kind(stack: Stack) -> None:
    fields = (str(uuid.uuid4()), "1700000000")
    signatures = {links.sign(kind, *fields) for kind in KINDS}
    assert len(signatures) == 3
    for kind in KINDS:
        valid = [each for each in signatures if links.is_ours(kind, each, *fields)]
        assert valid == [links.sign(kind, *fields)]


def test_fields_cannot_be_moved_into_each_other(stack: Stack) -> None:
    assert links.sign("input", "a", "1", "2") != links.sign("input", "a", "12", "")
    assert links.sign("file", "a 1", "2") != links.sign("file", "a", "1 2")


def test_a_link_reveals_nothing_of_the_secrets_of_calls(stack: Stack) -> None:
    """A signature can be tried against guesses; it must not be made with what opens /internal."""
    said = ("a", "1")
    signature = links.sign("file", *said)
    for secret in (settings().worker_secret, settings().cron_secret):
        for text in ("a\0001", "file a 1"):
            plain = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
            assert plain != signature
    assert settings().link_secret not in (settings().worker_secret, settings().cron_secret)
