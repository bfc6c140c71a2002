"""People's access tokens: which signatures count, and what health says where none can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.utils import base64url_encode

from lib.platform.supabase.tokens import NO_KEYS
from local import client as api
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import account_id
from tests.rigs.supabase.key_sets import project

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
SHARED = "a shared secret of the old kind, 40 bytes"


def published(kid: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> dict[str, Any]:
    """The public part as a key set holds it."""
    if isinstance(key, rsa.RSAPrivateKey):
        described = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return described | {"kid": kid, "alg": "RS256", "use": "sig"}
    described = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return described | {"kid": kid, "alg": "ES256", "use": "sig"}


KEYS = [published("ec", EC), published("rsa", RSA)]


@contextmanager
def functions(stack: Stack, supabase_url: str, **settings: str) -> Iterator[str]:
    """The functions on that project and the stack's database; their address."""
    environment = os.environ | stack.settings | {"SUPABASE_URL": supabase_url} | settings
    child = Child("tests.rigs.processes.functions", ["api/account", "api/service"], environment)
    try:
        yield child.ready()
    finally:
        child.stop()


def claims(issuer: str, account: Account) -> dict[str, Any]:
    return {
        "iss": f"{issuer}/auth/v1", "sub": account_id(account), "aud": "authenticated",
        "role": "authenticated", "iat": int(time.time()), "exp": int(time.time()) + 600,
    }  # fmt: skip


def status(url: str, token: str) -> int:
    with api.connect(url, token) as client:
        return client.get("/v1/account").status_code


def forged(answer: dict[str, Any], kid: str, secret: bytes, alg: str = "HS256") -> str:
    """A token with an HMAC, which the stock encoder refuses to make of a public key."""
    header = {"alg": alg, "typ": "JWT", "kid": kid}
    parts = [base64url_encode(json.dumps(part).encode()) for part in (header, answer)]
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(b".".join(parts))
    return b".".join([*parts, base64url_encode(mac.finalize())]).decode()


def unsigned(answer: dict[str, Any]) -> str:
    header = {"alg": "none", "typ": "JWT", "kid": "ec"}
    parts = [base64url_encode(json.dumps(part).encode()).decode() for part in (header, answer)]
    return ".".join([*parts, ""])


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_tokens_of_both_public_kinds_count_and_no_others(
    stand_ins: Stack, account: Account
) -> None:
    symmetric = {"kty": "oct", "kid": "shared", "alg": "HS256", "use": "sig",
                 "k": base64url_encode(SHARED.encode()).decode()}  # fmt: skip
    with project([*KEYS, symmetric]) as auth, functions(stand_ins, auth) as url:
        answer = claims(auth, account)
        for key, kid, alg in ((EC, "ec", "ES256"), (RSA, "rsa", "RS256")):
            assert status(url, jwt.encode(answer, key, alg, headers={"kid": kid})) == 200
        refused = {
            "the shared key of the set": forged(answer, "shared", SHARED.encode()),
            "HS256 by the public RSA key": forged(answer, "rsa", pem(RSA)),
            "HS256 by the public EC key": forged(answer, "ec", pem(EC)),
            "HS256 that says RS256": forged(answer, "rsa", pem(RSA), "RS256"),
            "the RSA key under the EC key's id": jwt.encode(answer, RSA, "RS256",
                                                            headers={"kid": "ec"}),
            "the EC key under the RSA key's id": jwt.encode(answer, EC, "ES256",
                                                            headers={"kid": "rsa"}),
            "another algorithm of the same key": jwt.encode(answer, RSA, "PS256",
                                                            headers={"kid": "rsa"}),
            "a longer hash of the same key": jwt.encode(answer, RSA, "RS512",
                                                        headers={"kid": "rsa"}),
            "no signature": unsigned(answer),
            "an unknown key": jwt.encode(answer, RSA, "RS256", headers={"kid": str(uuid.uuid4())}),
            "no key id": jwt.encode(answer, RSA, "RS256"),
        }  # fmt: skip
        assert {name: status(url, token) for name, token in refused.items()} == dict.fromkeys(
            refused, 401
        )
        health = httpx.get(f"{url}/health-check", trust_env=False).json()
        assert (health["ok"], health["login"]) == (True, {"ok": True})


def test_health_names_a_project_that_signs_with_hs256(stand_ins: Stack, account: Account) -> None:
    with project([]) as auth, functions(stand_ins, auth) as url:
        token = jwt.encode(claims(auth, account), SHARED, "HS256")
        assert status(url, token) == 401
        assert status(url, account.key) == 200
        answer = httpx.get(f"{url}/health-check", trust_env=False)
        assert answer.status_code == 500
        assert answer.json()["login"] == {"ok": False, "error": NO_KEYS}
        assert "JWT signing keys" in NO_KEYS and "ECC (P-256)" in NO_KEYS
        assert httpx.get(f"{url}/v1/status", trust_env=False).json()["ok"] is False
        done = subprocess.run(
            [sys.executable, "-m", "lib.admin", "health"],
            env=os.environ | stand_ins.settings | {"API_URL": url},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert NO_KEYS in done.stdout


def test_a_custom_domain_s_tokens_name_the_issuer_that_is_set(
    stand_ins: Stack, account: Account
) -> None:
    with project(KEYS) as auth:
        issuer = "https://ref.supabase.co"
        token = jwt.encode(claims(issuer, account), EC, "ES256", headers={"kid": "ec"})
        with functions(stand_ins, auth) as url:
            assert status(url, token) == 401
        with functions(stand_ins, auth, SUPABASE_AUTH_ISSUER=f"{issuer}/auth/v1") as url:
            assert status(url, token) == 200


def test_a_legacy_api_key_is_warned_of(stand_ins: Stack, tmp_path: Path) -> None:
    legacy = "eyJhbGciOiJIUzI1NiJ9.e30.x"
    log = tmp_path / "log.jsonl"
    secret = {"Authorization": f"Bearer {stand_ins.settings['CRON_SECRET']}"}
    with (
        project(KEYS) as auth,
        functions(stand_ins, auth, SUPABASE_PUBLISHABLE_KEY=legacy, LOG_FILE=str(log)) as url,
    ):
        for _ in range(2):
            health = httpx.get(f"{url}/health-check", headers=secret, trust_env=False).json()
            [warning] = health["operator"]["warnings"]
            assert warning.startswith("SUPABASE_PUBLISHABLE_KEY holds a legacy API key.")
    [line] = [each for each in map(json.loads, log.read_text().splitlines())
              if each["event"] == "legacy api key"]  # fmt: skip
    assert line["level"] == "warning"
    assert line["settings"] == ["SUPABASE_PUBLISHABLE_KEY"]
    assert legacy not in log.read_text()
