"""What the Storage stand-in refuses or survives: strangers, odd names, races, cuts and crashes."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import jwt
import pytest

from local import keys, postgres
from local.processes.children import Child
from standins.supabase.storage.errors import StorageError
from standins.supabase.storage.service import KEY_BYTES
from standins.supabase.storage.serving import parse_range
from tests.rigs.supabase.storage_replay import ramp
from tests.rigs.supabase.storage_server import USER, Running, fresh_database, user_token


def refusal(answer: httpx.Response) -> tuple[str, str]:
    """The true status and code of a refusal."""
    return answer.json()["statusCode"], answer.json()["code"]


@pytest.mark.parametrize(
    ("span", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 5)),
        ("bytes=-3", (7, 3)),
        ("bytes=-99", (0, 10)),
        ("bytes=8-99", (8, 2)),
    ],
)
def test_range(span: str, part: tuple[int, int]) -> None:
    assert parse_range(span, 10) == part


@pytest.mark.parametrize(
    "span",
    ["bytes=10-", "bytes=-0", "bytes=-", "bytes=5-4", "bytes=a-b", "lines=0-1", "bytes=0"],
)
def test_range_refused(span: str) -> None:
    with pytest.raises(StorageError) as refused:
        parse_range(span, 10)
    assert refused.value.wire_status == 416


@pytest.mark.parametrize(
    "key",
    [
        "../../../etc/passwd",
        "../..",
        "a//b",
        "/absolute",
        "-rf",
        "a\nb",
        "x%2Fy",
        "q?u#e&r+y",
        "\u202eright to left",
        "é 漢字 🎬",
        "k" * KEY_BYTES,
    ],
)
def test_any_name_is_only_a_name(server: Running, key: str) -> None:
    bucket = server.bucket()
    url = f"{server.base}/object/{bucket}/{quote(key, safe='')}"
    before = set(server.root.parent.rglob("*"))
    assert server.http.post(url, headers=server.as_caller(), content=b"here").status_code == 200
    assert server.http.get(url, headers=server.as_caller()).content == b"here"
    assert server.sql("select name from storage.objects where bucket_id = %s", bucket) == [(key,)]
    result = [path for path in set(server.root.parent.rglob("*")) - before if path.is_file()]
    assert len(result) == 1 and result[0].is_relative_to(server.root / "objects")
    assert server.http.delete(url, headers=server.as_caller()).status_code == 200
    assert not result[0].exists()


@pytest.mark.parametrize("key", ["%00", "a%00b", "%FF", "k" * (KEY_BYTES + 1)])
def test_names_that_can_not_be_stored(server: Running, key: str) -> None:
    url = f"{server.base}/object/{server.bucket()}/{key}"
    answer = server.http.post(url, headers=server.as_caller(), content=b"x")
    assert refusal(answer) == ("400", "InvalidKey")


def test_a_row_can_not_point_outside(server: Running) -> None:
    bucket = server.bucket()
    server.sql(
        "insert into storage.objects (bucket_id, name, version, metadata) values (%s, 'a', %s, %s)",
        *(bucket, "../../keys.json", '{"size": 5}'),
    )
    url = f"{server.base}/object/{bucket}/a"
    assert refusal(server.http.get(url, headers=server.as_caller())) == ("404", "NoSuchKey")


def test_strangers(server: Running) -> None:
    bucket = server.bucket()
    server.http.put(server.upload_link(bucket, "a"), content=b"secret")
    server_keys = server.keys
    other = keys.load(server.root.parent / "other-keys.json")
    tokens = {
        "anon": server_keys.publishable,
        "user": user_token(server_keys),
        "foreign": user_token(other),
        "foreign key, our kid": jwt.encode(
            {"role": "service_role", "exp": 4e9},
            other.user_token_key,
            "ES256",
            {"kid": server_keys.user_token_kid},
        ),
        "HS256 with our public parts": jwt.encode(
            {"role": "service_role", "exp": 4e9}, server_keys.publishable, "HS256"
        ),
        "unsigned": jwt.encode({"role": "service_role", "exp": 4e9}, "", "none"),
        "unknown role": user_token(server_keys, role="postgres"),
        "link secret": jwt.encode({"role": "service_role", "exp": 4e9}, server_keys.storage_secret),
        "other secret": other.secret,
    }
    for name, token in tokens.items():
        headers = server.as_caller(token)
        answers = [
            server.http.get(f"{server.base}/object/{bucket}/a", headers=headers),
            server.http.get(f"{server.base}/object/authenticated/{bucket}/a", headers=headers),
            server.http.get(f"{server.base}/object/info/{bucket}/a", headers=headers),
            server.http.post(
                f"{server.base}/object/sign/{bucket}/a", headers=headers, json={"expiresIn": 60}
            ),
            server.http.post(f"{server.base}/object/{bucket}/b", headers=headers, content=b"x"),
            server.http.put(f"{server.base}/object/{bucket}/a", headers=headers, content=b"x"),
            server.http.delete(f"{server.base}/object/{bucket}/a", headers=headers),
            server.http.post(f"{server.base}/bucket", headers=headers, json={"name": "mine"}),
            server.http.post(f"{server.base}/bucket/{bucket}/empty", headers=headers),
        ]
        for answer in answers:
            assert answer.status_code == 400, (name, answer.request.url)
            assert refusal(answer)[0] in ("403", "404"), (name, answer.text)
    rows = server.sql("select name from storage.objects where bucket_id = %s", bucket)
    assert rows == [("a",)]
    assert server.http.get(server.download_link(bucket, "a")).content == b"secret"


def test_policies_decide(server: Running) -> None:
    bucket = server.bucket()
    own = f"bucket_id = '{bucket}' and (storage.foldername(name))[1] = auth.uid()::text"
    for action, clause in {
        "select": f"using ({own})",
        "delete": f"using ({own})",
        "insert": f"with check ({own})",
    }.items():
        server.sql(
            f'create policy "{bucket} {action}" on storage.objects for {action}'
            f" to authenticated {clause}"
        )
    headers = server.as_caller(user_token(server.keys))

    def post(key: str, **more: str) -> httpx.Response:
        url = f"{server.base}/object/{bucket}/{key}"
        return server.http.post(url, headers=headers | more, content=b"mine")

    assert post(f"{USER}/a").status_code == 200
    owner = server.sql("select owner_id from storage.objects where bucket_id = %s", bucket)
    assert owner == [(USER,)]
    # There is no policy for updates, so nothing may be replaced.
    assert refusal(post(f"{USER}/a", **{"x-upsert": "true"})) == ("403", "AccessDenied")
    assert refusal(post("other/a")) == ("403", "AccessDenied")
    copy = {"bucketId": bucket, "sourceKey": f"{USER}/a", "destinationKey": "other/a"}
    copied = server.http.post(f"{server.base}/object/copy", headers=headers, json=copy)
    assert refusal(copied) == ("403", "AccessDenied")
    moved = server.http.post(f"{server.base}/object/move", headers=headers, json=copy)
    assert refusal(moved)[0] in ("403", "404")
    deleted = server.http.delete(f"{server.base}/object/{bucket}/{USER}/a", headers=headers)
    assert deleted.status_code == 200


def test_public_bucket(server: Running) -> None:
    bucket = server.bucket(public=True)
    server.http.put(server.upload_link(bucket, "a"), content=b"all may")
    for url in (f"{server.base}/object/public/{bucket}/a", f"{server.base}/object/{bucket}/a"):
        assert server.http.get(url).content == b"all may"
    anonymous = server.http.post(f"{server.base}/object/{bucket}/b", content=b"x")
    assert refusal(anonymous) == ("400", "InvalidRequest")


def test_conditions(server: Running) -> None:
    bucket = server.bucket()
    server.http.put(server.upload_link(bucket, "a"), content=b"abc")
    link = server.download_link(bucket, "a")
    seen = server.http.get(link).headers
    for headers, status in (
        ({"If-None-Match": f'"x", W/{seen["etag"]}'}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Modified-Since": seen["last-modified"]}, 304),
        ({"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}, 200),
        ({"Range": "bytes=1-1", "If-None-Match": '"x"'}, 206),
    ):
        assert server.http.get(link, headers=headers).status_code == status, headers


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body must have required property 'expiresIn'"),
        (b'{"expiresIn":"soon"}', "body/expiresIn must be integer"),
        (b'{"expiresIn":-1}', "body/expiresIn must be >= 1"),
        (b"[]", "body must be object"),
        (b"{", "Body is not valid JSON"),
        (b"\xff", "Body is not valid JSON"),
    ],
)
def test_bad_json(server: Running, body: bytes, message: str) -> None:
    url = f"{server.base}/object/sign/any/key"
    answer = server.http.post(url, headers=server.as_caller(), content=body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_limits_hold_for_bodies_of_unknown_size(server: Running) -> None:
    bucket = server.bucket(file_size_limit=1_000_000)
    before = server.files()

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield ramp(100_000)

    refused = [
        server.http.put(server.upload_link(bucket, "a"), content=chunks()),
        server.http.put(server.upload_link(bucket, "a"), files={"file": ramp(2_000_000)}),
        server.http.put(server.upload_link(bucket, "a"), content=ramp(2_000_000)),
    ]
    assert [refusal(answer)[1] for answer in refused] == ["EntityTooLarge"] * 3
    assert server.files() == before


@pytest.mark.parametrize(
    "form",
    [
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nno file\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name=""; filename="a"\r\n\r\nno end',
        b"not a form",
        b"--x\r\nNo: disposition\r\n\r\nbody\r\n--x--\r\n",
        b"",
    ],
)
def test_broken_forms(server: Running, form: bytes) -> None:
    bucket = server.bucket()
    before = server.files()
    answer = server.http.put(
        server.upload_link(bucket, "a"),
        content=form,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert refusal(answer) == ("400", "InvalidRequest")
    assert server.files() == before


@pytest.mark.parametrize("head", [b"Content-Length: 999999", b"Transfer-Encoding: chunked"])
def test_a_cut_upload_leaves_nothing(server: Running, head: bytes) -> None:
    bucket = server.bucket()
    before = server.files()
    url = urlsplit(server.upload_link(bucket, "cut"))
    with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
        line = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: localhost\r\n".encode()
        connection.sendall(line + head + b"\r\n\r\n5\r\nhello\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert server.files() == before
    assert server.sql("select 1 from storage.objects where bucket_id = %s", bucket) == []


def test_a_race_for_one_name_has_one_winner(server: Running) -> None:
    bucket = server.bucket()
    bytes_before = len(server.files())

    def race(link: str) -> list[int]:
        statuses: list[int] = []

        def put() -> None:
            with httpx.Client(trust_env=False) as http:
                statuses.append(http.put(link, content=ramp(300_000)).status_code)

        threads = [threading.Thread(target=put) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    assert race(server.upload_link(bucket, "once")) == [200] + [400] * 5
    assert race(server.upload_link(bucket, "often", **{"x-upsert": "true"})) == [200] * 6
    assert len(server.files()) == bytes_before + 2
    assert server.http.get(server.download_link(bucket, "often")).content == ramp(300_000)


def test_everything_survives_a_kill(database: postgres.Postgres, tmp_path: Path) -> None:
    url = fresh_database(database)
    arguments = [url, str(tmp_path)]
    environment = dict(os.environ)
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}

    def connect(child: Child) -> Running:
        stack_keys = keys.load(tmp_path / "keys.json")
        http = httpx.Client(trust_env=False)
        return Running(child.ready(), tmp_path / "files", url, stack_keys, http)

    child = Child("tests.rigs.processes.storage", arguments, environment)
    try:
        server = connect(child)
        bucket = server.bucket()
        server.http.put(server.upload_link(bucket, "kept"), content=ramp(1000))
        server.http.put(server.upload_link(bucket, "removed by hand"), content=b"x")
        server.sql("delete from storage.objects where name = 'removed by hand'")
        bucket_name, key = "YnVja2V0", "dHVz"
        server.sql("insert into storage.buckets (id, name) values ('bucket', 'bucket')")
        location = server.http.post(
            f"{server.base}/upload/resumable",
            headers=server.as_caller()
            | tus
            | {
                "Upload-Length": "10",
                "Upload-Metadata": f"bucketName {bucket_name},objectName {key}",
            },
            content=b"01234",
        ).headers["location"]
        link = urlsplit(server.upload_link(bucket, "half"))
        connection = socket.create_connection((str(link.hostname), link.port or 0))
        head = (
            f"PUT {link.path}?{link.query} HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Length: 9000000\r\n\r\n"
        )
        connection.sendall(head.encode() + ramp(2_000_000))
        incoming = server.root / "incoming"
        while not any(path.stat().st_size for path in incoming.iterdir()):
            pass  # until the first bytes are on disk
        os.kill(child.pid, 9)
        connection.close()
    finally:
        child.stop()
    assert any(incoming.iterdir())
    child = Child("tests.rigs.processes.storage", arguments, environment)
    try:
        server = connect(child)
        assert not any(incoming.iterdir())
        assert len(list((server.root / "objects").glob("*/*"))) == 1
        assert server.http.get(server.download_link(bucket, "kept")).content == ramp(1000)
        rows = server.sql("select name from storage.objects")
        assert rows == [("kept",)]
        resumed = server.base + location.partition("/storage/v1")[2]
        headers = server.as_caller() | tus
        assert server.http.head(resumed, headers=headers).headers["upload-offset"] == "5"
        server.http.patch(resumed, headers=headers | {"Upload-Offset": "5"}, content=b"56789")
        got = server.http.get(f"{server.base}/object/bucket/tus", headers=server.as_caller())
        assert got.content == b"0123456789"
        assert got.headers["etag"] == '"781e5e245d69b566979b86e28d23f2c7"'
    finally:
        child.stop()
