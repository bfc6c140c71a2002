"""Another account's ids, files and addresses answer 404 in every route; no key answers 401."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lib.files import links
from lib.http.routes.access import OptionalCredential
from lib.http.routes.declaration import Route
from local import keys as stand_in_keys
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import fresh_address
from tools.declared import documented


def calls(
    job_id: str, url: str, filename: str, own: str
) -> list[tuple[str, str, dict[str, object] | None]]:
    """Requests to each route that names something of an account's; `own` is the caller's file."""
    naming: list[dict[str, object]] = [
        {"option": "@watermark", "argument": {"url": url}},
        {"option": "@subtitles", "argument": {"url": url}},
        {"option": "-vf", "argument": f"subtitles='{url}'"},
    ]
    mine: dict[str, object] = {"inputs": [{"url": own}], "outputFormat": "mp4"}
    jobs: list[dict[str, object]] = [
        mine | {"inputs": [{"url": url}]},
        mine | {"inputs": [{"url": own}, {"url": url}]},
        *(mine | {"options": [option]} for option in naming),
    ]
    return [
        ("GET", f"/v1/transcodes/{job_id}", None),
        ("PATCH", f"/v1/transcodes/{job_id}/cancel", None),
        ("POST", f"/v1/transcodes/{job_id}/retry", None),
        ("GET", f"/v1/transcodes/{job_id}/download", None),
        ("POST", "/v1/upload/confirm", {"filename": filename, "fileSize": 10}),
        ("POST", "/v1/ffprobe", {"url": url}),
        ("DELETE", f"/v1/transcodes/{job_id}", None),
        ("DELETE", f"/v1/upload/{filename}", None),
        ("POST", "/v1/support", {"message": "It is mine.", "job_id": job_id}),
        ("POST", f"/v1/transcodes/{job_id}/report", {"message": "It is mine."}),
        *(("POST", "/v1/transcodes", job) for job in jobs),
        *(("POST", "/v1/validate", job) for job in jobs),
    ]


def test_what_is_anothers_is_not_found(
    account: Account, other_account: Account, clip: Path
) -> None:
    url = account.upload(clip)
    job_id = account.create(url, "mp3")
    job = account.wait(job_id)
    filename = url.rpartition("/")[2]
    own = other_account.upload(clip)
    link = account.http.get(f"/v1/transcodes/{job_id}/download").json()["url"]
    for address in (url, job["output_url"], link):
        for method, path, body in calls(job_id, address, filename, own):
            if address == link and path == "/v1/ffprobe":
                continue  # refuses every link
            answer = other_account.http.request(method, path, json=body)
            assert answer.status_code == 404, (method, path, body, answer.text)
    assert other_account.http.get("/v1/transcodes").json()["total"] == 0
    # The owner's own output may be an input again, also by a signed link to it.
    for address in (job["output_url"], link):
        new_job = account.wait(account.create(address, "wav"))
        assert new_job["status"] == "completed", new_job
        assert new_job["inputs"][0]["url"] == job["output_url"]


def test_the_matrix_covers_every_route() -> None:
    """Every closed route that names a job or a file, in its path or its body."""
    by_name = {path for _, path, _ in calls("{id}", "", "{filename}", "")}
    names = {"id", "filename", "job_id", "url", "inputs"}
    naming = {
        route.path
        for route in documented()
        if route.needs_credential or isinstance(route.access, OptionalCredential)
        if names & {*route.path_names, *(_fields(route) - NEW.get(route.name, set()))}
    }
    assert by_name == naming


NEW = {"createUpload": {"filename"}}
"""Fields that name something the caller does not have yet."""


def _fields(route: Route) -> set[str]:
    return set(route.body.model.__struct_fields__) if route.body else set()


def test_the_link_to_an_input_opens_that_file_alone(
    account: Account, other_account: Account, clip: Path
) -> None:
    url = account.upload(clip)
    job = account.job(account.create([url, url], "mp3"))
    other = other_account.job(other_account.create(other_account.upload(clip), "mp3"))
    link = job["inputs"][1]["downloadUrl"]
    followed = httpx.get(link, follow_redirects=True, trust_env=False)
    assert followed.content == clip.read_bytes()
    for forged in (
        link.replace(job["id"], other["id"]),
        link.replace("/inputs/1", "/inputs/0"),
        link.replace("expires=", "expires=9"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.partition("?")[0],
        link.partition("&")[0],
        link.partition("signature=")[0] + "signature=%ff%ed%a0%80",
    ):
        answer = httpx.get(forged, trust_env=False)
        assert answer.status_code == 404, (forged, answer.text)
    expired = f"expires=1700000000&signature={links.sign('input', job['id'], '1', '1700000000')}"
    assert httpx.get(f"{link.partition('?')[0]}?{expired}", trust_env=False).status_code == 404
    by_url = account.job(account.create("https://example.com/clip.mp4", "mp3"))
    assert "downloadUrl" not in by_url["inputs"][0]


def test_no_key_no_answer(stack: Stack) -> None:
    for route in documented():
        if not route.needs_credential:
            continue
        for headers in (
            {},
            {"Authorization": "Bearer ffm_wrong"},
            {"Authorization": "Basic x"},
        ):
            answer = httpx.request(
                route.method,
                f"{stack.url}{route.path}",
                headers=headers | {"X-Real-IP": fresh_address()},
                json={},
                trust_env=False,
            )
            assert answer.status_code == 401, (route.name, answer.text)
            body = answer.json()
            assert (body["error"], body["code"]) == ("unauthorized", "unauthorized")
            assert body["message"].startswith("Send the header")


def test_a_person_s_token_authenticates(stack: Stack) -> None:
    settings = stack.settings
    headers = {"apikey": settings["SUPABASE_SECRET_KEY"],
               "Authorization": f"Bearer {settings['SUPABASE_SECRET_KEY']}"}  # fmt: skip
    person = {"email": f"{uuid.uuid4()}@example.com", "password": "correct horse"}
    httpx.post(
        f"{settings['SUPABASE_URL']}/auth/v1/admin/users",
        headers=headers,
        json=person | {"email_confirm": True, "user_metadata": {"over_13": True}},
        trust_env=False,
    ).raise_for_status()
    session = httpx.post(
        f"{settings['SUPABASE_URL']}/auth/v1/token?grant_type=password",
        headers={"apikey": settings["SUPABASE_PUBLISHABLE_KEY"]},
        json=person,
        trust_env=False,
    ).json()
    assert listing(stack, session["access_token"]) == 200


@pytest.mark.parametrize("fault", ["expired", "foreign key", "other issuer", "role", "none"])
def test_a_token_with_a_fault_is_refused(stand_ins: Stack, fault: str) -> None:
    stack = stand_ins
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    stack_keys = stand_in_keys.load(stack.folder / "keys.json")
    own = load_pem_private_key(stack_keys.user_token_key.encode(), None)
    claims: dict[str, object] = {
        "sub": account_id(stack),
        "aud": "authenticated",
        "role": "authenticated",
        "iss": f"{stack.settings['SUPABASE_URL']}/auth/v1",
        "exp": 4102444800,
    }
    sign: Callable[..., str] = jwt.encode
    headers = {"kid": stack_keys.user_token_kid}
    assert listing(stack, sign(claims, own, "ES256", headers=headers)) == 200
    match fault:
        case "expired":
            token = sign(claims | {"exp": 1700000000}, own, "ES256", headers=headers)
        case "foreign key":
            token = sign(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers=headers)
        case "other issuer":
            token = sign(claims | {"iss": "https://x/auth/v1"}, own, "ES256", headers=headers)
        case "role":
            token = sign(claims | {"role": "anon"}, own, "ES256", headers=headers)
        case _:
            token = sign(claims, None, "none", headers=headers)
    assert listing(stack, token) == 401


def account_id(stack: Stack) -> str:
    import psycopg

    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        stack.demo_key()
        row = connection.execute("select id from app.accounts limit 1").fetchone()
    assert row is not None
    return str(row[0])


def listing(stack: Stack, token: str) -> int:
    return httpx.get(
        f"{stack.url}/v1/transcodes", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ).status_code
