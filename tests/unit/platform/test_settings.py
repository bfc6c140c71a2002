"""Settings: secrets that can be guessed are refused, none opens two things, and the names that
Vercel's Supabase integration sets are taken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

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


VERCEL = {
    "POSTGRES_URL": "postgresql://postgres.ref:p%40ss@pooler.example.com:6543/postgres"
    "?sslmode=require&supa=base-pooler.x",
    "SUPABASE_URL": "https://ref.supabase.co/",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
}
"""What the integration sets, as far as names and shapes go."""


def test_the_integration_of_vercel_names_a_project() -> None:
    project = settings.read_project(VERCEL | {"NEXT_PUBLIC_SUPABASE_ANON_KEY": "sb_publishable_x"})
    assert project.postgres_url == (
        "postgresql://postgres.ref:p%40ss@pooler.example.com:6543/postgres?sslmode=require"
    )
    assert conninfo_to_dict(project.postgres_url)["password"] == "p@ss"
    assert project.url == "https://ref.supabase.co"
    assert project.secret_key == "sb_secret_x"
    assert project.publishable_key == "sb_publishable_x"
    assert settings.read_project(project.environment()) == project


@pytest.mark.parametrize("parameter", ["supa=base-pooler.x", "pgbouncer=true", "workaround=x"])
def test_parameters_of_other_drivers_are_left_out(parameter: str) -> None:
    for url in (f"postgresql://u:p@h:1/d?{parameter}", f"postgresql://u:p@h:1/d?{parameter}&a=b"):
        read_url = settings.read_project(VERCEL | {"POSTGRES_URL": url}).postgres_url
        assert parameter not in read_url
        assert read_url.startswith("postgresql://u:p@h:1/d")


@pytest.mark.parametrize("name", [
    "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY",
    "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", "NEXT_PUBLIC_SUPABASE_ANON_KEY",
])  # fmt: skip
def test_every_name_of_the_publishable_key_is_taken(name: str) -> None:
    assert settings.read_project(VERCEL | {name: "sb_publishable_x"}).publishable_key == (
        "sb_publishable_x"
    )
    assert read(**{name: "sb_publishable_x"}).supabase_publishable_key == "sb_publishable_x"


def test_a_missing_setting_of_the_project_is_named() -> None:
    for name in VERCEL:
        with pytest.raises(settings.SettingsError, match="is missing"):
            settings.read_project({key: value for key, value in VERCEL.items() if key != name})


def test_legacy_keys_are_named() -> None:
    legacy = {"SUPABASE_SERVICE_ROLE_KEY": "eyJhbGciOi", "SUPABASE_ANON_KEY": "eyJhbGciOi"}
    assert settings.legacy_keys(VERCEL) == []
    assert settings.legacy_keys(VERCEL | legacy) == list(legacy)
    # A legacy key that a new one has replaced is not in use.
    new = {"SUPABASE_SECRET_KEY": "sb_secret_x", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}
    assert settings.legacy_keys(VERCEL | legacy | new) == []


def test_no_other_module_reads_the_names_of_the_keys() -> None:
    root = Path(__file__).parents[3]
    others = [
        str(path.relative_to(root))
        for folder in ("api", "lib", "local", "standins")
        for path in (root / folder).rglob("*.py")
        if path != Path(settings.__file__)
        and re.search(r"[\"'][A-Z_]*(SERVICE_ROLE|ANON|PUBLISHABLE|SECRET)_KEY[\"']",
                      path.read_text().replace("STRIPE_SECRET_KEY", ""))
    ]  # fmt: skip
    assert others == []
