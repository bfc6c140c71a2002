"""Settings: secrets that can be guessed are refused, and none opens two things."""

from __future__ import annotations

import pytest

from lib.platform import settings
from lib.platform.hkdf import derive

LEAST = {
    "POSTGRES_URL": "postgresql://x",
    "SUPABASE_URL": "https://x.supabase.co",
    "SUPABASE_SECRET_KEY": "sb_secret_x",
    "API_URL": "https://api.example.com",
    "CRON_SECRET": "c" * 32,
}
SECRETS = ("CRON_SECRET", "WORKER_SECRET", "LINK_SECRET", "STRIPE_WEBHOOK_SECRET")


def read(**changes: str) -> settings.Settings:
    return settings.read(LEAST | changes)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_has_32_characters_or_more(name: str) -> None:
    assert getattr(read(**{name: "s" * 32}), name.lower()) == "s" * 32
    for short in ("s" * 31, "s"):
        with pytest.raises(settings.SettingsError) as refused:
            read(**{name: short})
        assert str(refused.value) == (
            f"The setting {name} must have 32 characters or more."
            " Make one with `openssl rand -hex 32`."
        )


def test_cron_secret_is_required() -> None:
    with pytest.raises(settings.SettingsError, match=r"CRON_SECRET is missing\. Make one with"):
        read(CRON_SECRET="")


def test_secrets_that_are_absent_are_derived_one_way() -> None:
    derived = read()
    assert len({derived.cron_secret, derived.worker_secret, derived.link_secret}) == 3
    assert read() == derived  # the same in every process
    assert len(derived.worker_secret) == len(derived.link_secret) == 64
    other = read(WORKER_SECRET="w" * 32)
    assert other.link_secret != derived.link_secret
    assert read(WORKER_SECRET="w" * 32, CRON_SECRET="d" * 32).link_secret == other.link_secret


@pytest.mark.parametrize(("one", "two"), [
    ("WORKER_SECRET", "CRON_SECRET"), ("LINK_SECRET", "CRON_SECRET"),
    ("LINK_SECRET", "WORKER_SECRET"),
])  # fmt: skip
def test_no_two_secrets_are_equal(one: str, two: str) -> None:
    with pytest.raises(settings.SettingsError, match="must differ"):
        read(**{one: "e" * 32, two: "e" * 32})


def test_a_secret_is_taken_as_it_is() -> None:
    slashed = "s" * 31 + "/"
    assert read(CRON_SECRET=slashed).cron_secret == slashed


def test_derived_keys_are_those_of_rfc_5869() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    for secret, purpose in (("a" * 32, "links"), ("é" * 90, ""), ("", "x")):
        theirs = HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(secret.encode())
        assert derive(secret, purpose) == theirs.hex()
