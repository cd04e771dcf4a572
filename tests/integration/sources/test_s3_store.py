"""The store itself in an S3 bucket, against a real server."""

import pytest

from mlplane.errors import Terminal
from mlplane.store.artifacts import Store
from mlplane.store.digest import digest_of
from mlplane.store.uris import parse, uri_of


@pytest.fixture
def s3_store(s3, s3_server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{s3_server}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "writer")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "writer")
    return Store("s3://bucket/artifacts")


def test_an_artifact_is_put_found_verified_and_got(s3_store, folder, tmp_path, s3):
    (folder / "data/manifest.json").unlink()
    expected = uri_of("models", "digits", digest_of(folder / "data"))
    assert not s3_store.exists(expected)
    seen = []
    uri = s3_store.put(folder / "data", "models", "digits", on_bytes=seen.append)
    assert uri == expected
    assert sum(seen) == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert s3_store.exists(uri)
    s3_store.verify(uri)
    Store(s3_store.url).get(uri, tmp_path / "copy")
    assert digest_of(tmp_path / "copy") == parse(uri).digest


def test_a_damaged_file_is_named(s3_store, folder, tmp_path, s3):
    uri = s3_store.put(folder / "data/a.csv", "models", "digits")
    s3.put_object(Bucket="bucket", Key=f"artifacts/{parse(uri).path}/a.csv", Body=b"1,2\n3,5\n")
    with pytest.raises(Terminal, match=r"file a.csv has 8 bytes with sha256"):
        s3_store.get(uri, tmp_path / "copy")
    assert not (tmp_path / "copy/a.csv").exists()


def test_a_put_that_fails_leaves_nothing_that_counts(s3_store, folder, monkeypatch):
    def dies(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3_store.put(folder / "data/a.csv", "models", "digits", on_bytes=dies)
    uri = uri_of("models", "digits", digest_of(folder / "data/a.csv"))
    assert not s3_store.exists(uri)
    assert s3_store.put(folder / "data/a.csv", "models", "digits") == uri
    s3_store.verify(uri)


def test_documents_are_replaced_and_read_anew(s3_store):
    assert s3_store.get_json("runs/a/result.json") is None
    s3_store.put_json("runs/a/result.json", {"a": 1})
    other = Store(s3_store.url)
    assert other.get_json("runs/a/result.json") == {"a": 1}
    s3_store.put_json("runs/a/result.json", {"a": 22})
    assert other.get_json("runs/a/result.json") == {"a": 22}


def test_a_bucket_that_may_not_be_written_is_an_error_for_a_person(s3_store, folder, s3_server):
    import httpx

    httpx.post(f"http://{s3_server}/moto-api/reset-auth", content=b"0")
    try:
        with pytest.raises(Terminal, match=r"store s3://bucket/artifacts refused"):
            s3_store.put(folder / "data/a.csv", "models", "digits")
    finally:
        httpx.post(f"http://{s3_server}/moto-api/reset-auth", content=b"inf")
