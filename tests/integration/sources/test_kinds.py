"""Each kind of source, read from a real server of its protocol: the same files, whichever it is."""

import hashlib
import os
import shutil

import pytest

from mlplane.errors import InvalidInput, Terminal
from mlplane.store.digest import FileEntry, merkle
from sourceservers import FILES, Answer, git_backend, hub

REPO, REVISION = "team/digits", "ab" * 20
ENTRIES = tuple(
    FileEntry(path, len(content), hashlib.sha256(content).hexdigest())
    for path, content in sorted(FILES.items(), key=lambda item: item[0].encode())
)
A_CSV = (FileEntry("a.csv", 8, hashlib.sha256(FILES["a.csv"]).hexdigest()),)


def is_exactly(raw, entries) -> bool:
    """The entries, and a folder with these files and bytes and no others."""
    there = {p.relative_to(raw.directory).as_posix(): p for p in raw.directory.rglob("*") if p.is_file()}
    hashes = {path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in there.items()}
    return raw.entries == entries and hashes == {entry.path: entry.sha256 for entry in entries}


def s3_source(server, key="data/", **more):
    return {"s3": {"uri": f"s3://bucket/{key}", "endpoint": f"http://{server}", **more}}


def hf_source(path="data"):
    return {"hf": {"repo": REPO, "revision": REVISION, "path": path}}


def test_s3_gives_a_prefix_and_an_object(fetch, s3, s3_server):
    assert is_exactly(fetch(s3_source(s3_server), allowed=(s3_server,)), ENTRIES)
    assert is_exactly(fetch(s3_source(s3_server, "data/a.csv"), allowed=(s3_server,)), A_CSV)
    with pytest.raises(InvalidInput, match=r"s3://bucket/data/b.csv is not there"):
        fetch(s3_source(s3_server, "data/b.csv"), allowed=(s3_server,))
    with pytest.raises(InvalidInput, match=r"the source has no files"):
        fetch(s3_source(s3_server, "nothing/"), allowed=(s3_server,))


def test_s3_lists_all_pages(fetch, s3, s3_server, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    assert s3.list_objects_v2(Bucket="bucket", Prefix="data/")["IsTruncated"]
    assert is_exactly(fetch(s3_source(s3_server), allowed=(s3_server,)), ENTRIES)


def test_s3_reads_an_object_that_is_larger_than_one_range(fetch, s3, s3_server):
    content = os.urandom(9 << 20)
    s3.put_object(Bucket="bucket", Key="large.bin", Body=content, ACL="public-read")
    raw = fetch(s3_source(s3_server, "large.bin"), allowed=(s3_server,))
    assert raw.entries == (FileEntry("large.bin", 9 << 20, hashlib.sha256(content).hexdigest()),)


def test_s3_takes_the_credentials_of_the_secret_and_never_shows_them(fetch, s3, s3_server):
    import httpx

    httpx.post(f"http://{s3_server}/moto-api/reset-auth", content=b"0")  # from now on they are checked
    try:
        with pytest.raises(Terminal, match=r"may not be read with these credentials") as refused:
            fetch(
                s3_source(s3_server),
                allowed=(s3_server,),
                AWS_ACCESS_KEY_ID="reader",
                AWS_SECRET_ACCESS_KEY="wrong-password",
            )
        assert "wrong-password" not in str(refused.value)
        assert "reader" not in str(refused.value)
    finally:
        httpx.post(f"http://{s3_server}/moto-api/reset-auth", content=b"inf")


def test_gs_gives_a_prefix_and_an_object(fetch, gcs):
    raw = fetch({"gs": {"uri": "gs://bucket/data/"}}, allowed=(gcs,))
    assert is_exactly(raw, tuple(entry for entry in ENTRIES if entry.size))
    assert is_exactly(fetch({"gs": {"uri": "gs://bucket/data/a.csv"}}, allowed=(gcs,)), A_CSV)
    with pytest.raises(InvalidInput, match=r"gs://bucket/data/b.csv is not there"):
        fetch({"gs": {"uri": "gs://bucket/data/b.csv"}}, allowed=(gcs,))


def test_gs_wants_a_key_that_is_nothing_but_a_key(fetch, gcs):
    key = '{"type": "external_account", "credential_source": {"executable": {"command": "touch /tmp/x"}}}'
    with pytest.raises(InvalidInput, match=r"is not a JSON key of the types service_account"):
        fetch({"gs": {"uri": "gs://bucket/data/"}}, GOOGLE_APPLICATION_CREDENTIALS_JSON=key)


def test_https_gives_a_file(fetch, https):
    https.answers["/data/a.csv"] = Answer(200, FILES["a.csv"])
    source = {"https": {"url": f"https://{https.address}/data/a.csv?version=1"}}
    assert is_exactly(fetch(source, allowed=(https.address,)), A_CSV)
    with pytest.raises(InvalidInput, match=r"/data/b.csv answers 404"):
        fetch({"https": {"url": f"https://{https.address}/data/b.csv"}}, allowed=(https.address,))


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ({"HTTPS_TOKEN": "t0ken-value"}, "Bearer t0ken-value"),
        ({"HTTPS_USERNAME": "ann", "HTTPS_PASSWORD": "pass-word"}, "Basic YW5uOnBhc3Mtd29yZA=="),
    ],
)
def test_https_credentials_go_to_their_server_and_to_no_other(fetch, https, tls, secret, header):
    from sourceservers import web_server

    with web_server(tls) as other:
        other.answers["/signed"] = Answer(200, FILES["a.csv"])
        https.answers["/a.csv"] = Answer(302, headers={"location": f"https://{other.address}/signed?s=1"})
        source = {"https": {"url": f"https://{https.address}/a.csv"}}
        assert fetch(source, allowed=(https.address, other.address), **secret).size == 8
        assert [r.headers.get("authorization") for r in https.seen] == [header]
        assert [r.headers.get("authorization") for r in other.seen] == [None]


def test_a_wrong_https_password_is_refused_and_not_shown(fetch, https):
    https.answers["/a.csv"] = lambda request: Answer(403, request.headers["authorization"].encode())
    source = {"https": {"url": f"https://{https.address}/a.csv"}}
    with pytest.raises(Terminal, match=r"answers 403: it wants other credentials") as refused:
        fetch(source, allowed=(https.address,), HTTPS_TOKEN="wrong-password")
    assert "wrong-password" not in str(refused.value)


def test_a_line_end_after_a_credential_is_not_part_of_it(fetch, https):
    https.answers["/a.csv"] = Answer(200, FILES["a.csv"])
    source = {"https": {"url": f"https://{https.address}/a.csv"}}
    assert fetch(source, allowed=(https.address,), HTTPS_TOKEN="t0ken-value\r\n").size == 8
    assert [r.headers.get("authorization") for r in https.seen] == ["Bearer t0ken-value"]


@pytest.mark.parametrize(
    "token", ["t0ken\nvalue", "t0ken value", "t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken"]
)
@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("HTTPS_TOKEN", {"https": {"url": "https://example.com/a.csv"}}),
        ("HF_TOKEN", hf_source()),
        ("GIT_TOKEN", {"git": {"url": "https://example.com/a.git", "path": "data", "commit": "0" * 40}}),
        ("AWS_SECRET_ACCESS_KEY", {"s3": {"uri": "s3://bucket/data/"}}),
    ],
)
def test_a_credential_that_cannot_be_sent_is_named_and_not_shown(fetch, key, source, token):
    with pytest.raises(
        InvalidInput, match=rf"^{key} of the Secret 'access' .* write the credential alone"
    ) as no:
        fetch(source, **{key: token})
    assert "ken" not in str(no.value).replace(key, "")


def test_a_secret_that_has_no_key_for_the_source_is_named(fetch, https):
    source = {"https": {"url": f"https://{https.address}/a.csv"}, "secretRef": {"name": "access"}}
    with pytest.raises(InvalidInput, match=r"'access' .* has none of the keys HTTPS_TOKEN, HTTPS_USERNAME"):
        fetch(source, allowed=(https.address,))


def test_https_wants_a_certificate_of_a_known_authority(fetch, https, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Terminal, match=r"the certificate of 127.0.0.1 is not trusted"):
        fetch({"https": {"url": f"https://{https.address}/a.csv"}}, allowed=(https.address,))


def test_a_server_that_fails_and_recovers_is_read(fetch, https):
    answers = iter([Answer(503), Answer(200, b"half", {"content-length": "8"}), Answer(200, FILES["a.csv"])])
    https.answers["/a.csv"] = lambda _: next(answers)
    raw = fetch({"https": {"url": f"https://{https.address}/a.csv"}}, allowed=(https.address,))
    assert is_exactly(raw, A_CSV)


def test_a_hub_gives_a_directory_and_a_file(fetch, hub_server):
    assert is_exactly(fetch(hf_source(), allowed=(hub_server.address,)), ENTRIES)
    assert is_exactly(fetch(hf_source("data/a.csv"), allowed=(hub_server.address,)), A_CSV)
    with pytest.raises(InvalidInput, match=r"has no other/a.csv; correct spec.source.hf.path"):
        fetch(hf_source("other/a.csv"), allowed=(hub_server.address,))


def test_a_hub_takes_the_token_of_the_secret(fetch, hub_server):
    files = {f"data/{path}": content for path, content in FILES.items()}
    hub(hub_server, REPO, REVISION, files, token="right")
    assert is_exactly(fetch(hf_source(), allowed=(hub_server.address,), HF_TOKEN="right"), ENTRIES)
    with pytest.raises(Terminal, match=r"asks for a token with access") as refused:
        fetch(hf_source(), allowed=(hub_server.address,), HF_TOKEN="wrong-password")
    assert "wrong-password" not in str(refused.value)


def test_git_gives_a_directory_and_a_file_over_https(fetch, git_repo, https):
    assert is_exactly(fetch({"git": git_repo}, allowed=(https.address,)), ENTRIES)
    assert is_exactly(fetch({"git": git_repo | {"path": "data/a.csv"}}, allowed=(https.address,)), A_CSV)
    with pytest.raises(InvalidInput, match=r"data/b.csv is not in commit"):
        fetch({"git": git_repo | {"path": "data/b.csv"}}, allowed=(https.address,))


def test_git_takes_the_token_of_the_secret_and_never_shows_it(fetch, git_repo, https, tmp_path):
    https.answers["*"] = git_backend(tmp_path, token="right")
    assert is_exactly(fetch({"git": git_repo}, allowed=(https.address,), GIT_TOKEN="right"), ENTRIES)
    with pytest.raises(Terminal, match=r"git fetch failed") as refused:
        fetch({"git": git_repo}, allowed=(https.address,), GIT_TOKEN="wrong-password")
    assert "wrong-password" not in str(refused.value)


def test_a_volume_gives_a_directory_and_a_file(fetch, folder, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work/volume").symlink_to(folder)
    assert is_exactly(fetch({"pvc": {"claim": "data", "path": "data"}}), ENTRIES)
    assert is_exactly(fetch({"pvc": {"claim": "data", "path": "data/a.csv"}}), A_CSV)
    with pytest.raises(InvalidInput, match=r"data/b.csv on the volume of claim data is not there"):
        fetch({"pvc": {"claim": "data", "path": "data/b.csv"}})


def test_the_store_gives_what_was_put_there(fetch, folder, store):
    (folder / "data/manifest.json").unlink()  # a directory with one cannot be put
    uri = store.put(folder / "data", "uploads", "digits")
    assert is_exactly(fetch({"store": {"uri": uri}}), tuple(e for e in ENTRIES if e.path != "manifest.json"))
    one = store.put(folder / "data/a.csv", "uploads", "digits")
    assert is_exactly(fetch({"store": {"uri": one}}), A_CSV)
    with pytest.raises(InvalidInput, match=r"is not in the store .*mlplane push"):
        fetch({"store": {"uri": one.replace(one[-8:], "0" * 8)}})


def test_every_way_to_the_same_files_gives_one_digest_and_a_changed_byte_another(
    fetch, folder, s3, s3_server, https, git_repo, tmp_path
):
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder / "data")
    https.answers["/packed.zip"] = Answer(200, (tmp_path / "packed.zip").read_bytes())
    s3.upload_file(str(tmp_path / "packed.zip"), "bucket", "zips/packed.zip", {"ACL": "public-read"})
    (tmp_path / "work").mkdir()
    (tmp_path / "work/volume").symlink_to(folder)
    sources = [
        s3_source(s3_server),
        s3_source(s3_server, "zips/"),
        s3_source(s3_server, "zips/packed.zip"),
        {"https": {"url": f"https://{https.address}/packed.zip"}},
        {"git": git_repo},
        {"pvc": {"claim": "data", "path": "data"}},
    ]
    digests = {fetch(source, allowed=(s3_server, https.address)).digest for source in sources}
    assert digests == {merkle(reversed(ENTRIES))}
    s3.put_object(Bucket="bucket", Key="data/a.csv", Body=b"1,2\n3,5\n", ACL="public-read")
    assert fetch(s3_source(s3_server), allowed=(s3_server,)).digest not in digests
