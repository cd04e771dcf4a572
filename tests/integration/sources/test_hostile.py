"""Servers, names and folders that are not what they seem: nothing is read that the policy forbids."""

import json
import os
import socket

import pytest

from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.steps.sources.guard import guarded
from mlplane.steps.sources.policy import Policy, Refused
from sourceservers import Answer, hub

NAME = "data.example.com"


@pytest.fixture
def rebound(monkeypatch):
    """A public name that means this machine when it comes to connecting."""
    real = socket.getaddrinfo

    def lookup(host, *arguments, **options):
        if isinstance(host, bytes):
            host = host.decode()
        return real("127.0.0.1" if host == NAME else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def refused_without_a_request(fetch, server, source, reason, **secrets):
    with pytest.raises(Refused, match=reason):
        fetch(source, **secrets)
    assert server.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
def test_a_server_of_this_machine_is_not_asked(fetch, https, host):
    https.answers["*"] = Answer(200, b"secret")
    source = {"https": {"url": f"https://{host}:{https.port}/a.csv"}}
    refused_without_a_request(fetch, https, source, "is refused: it is")


def test_a_name_that_means_a_private_address_is_not_asked_by_https(fetch, https, rebound):
    source = {"https": {"url": f"https://{NAME}:{https.port}/a.csv"}}
    refused_without_a_request(fetch, https, source, "the address 127.0.0.1 is refused: it is loopback")


def test_a_name_that_means_a_private_address_is_not_asked_by_s3(fetch, web, rebound):
    source = {"s3": {"uri": "s3://bucket/data/", "endpoint": f"http://{NAME}:{web.port}"}}
    refused_without_a_request(fetch, web, source, "the address 127.0.0.1 is refused: it is loopback")


def test_a_name_that_means_a_private_address_is_not_asked_by_hf(fetch, web, rebound, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://{NAME}:{web.port}")
    source = {"hf": {"repo": "a/b", "revision": "ab" * 20, "path": "data"}}
    refused_without_a_request(fetch, web, source, "the address 127.0.0.1 is refused: it is loopback")


def test_a_name_that_means_a_private_address_is_not_asked_by_git(fetch, https, rebound):
    source = {"git": {"url": f"https://{NAME}:{https.port}/a.git", "commit": "ab" * 20, "path": "data"}}
    refused_without_a_request(fetch, https, source, "the address 127.0.0.1 is refused: it is loopback")


def test_git_is_told_the_address_and_resolves_nothing(fetch, git_repo, https, rebound):
    """The name exists for mlplane alone: git could not find it."""
    url = git_repo["url"].replace("127.0.0.1", NAME)
    with pytest.raises(Terminal, match=r"git fetch failed: .*(certificate|SSL)"):
        fetch({"git": git_repo | {"url": url}}, allowed=(f"127.0.0.1:{https.port}",))


def test_the_token_server_of_a_key_is_judged_too(fetch, web):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {
        "type": "service_account",
        "client_email": "a@example.com",
        "private_key": pem.decode(),
        "token_uri": f"http://127.0.0.1:{web.port}/latest/meta-data",
    }
    refused_without_a_request(
        fetch,
        web,
        {"gs": {"uri": "gs://bucket/data/"}},
        "loopback",
        GOOGLE_APPLICATION_CREDENTIALS_JSON=json.dumps(key),
    )


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://{address}/b.csv", "only https is read, not http"),
        ("file:///etc/passwd", "only https is read, not file"),
        ("ftp://example.com/b.csv", "only https is read, not ftp"),
        ("https://user:password@{address}/b.csv", "it holds a user name"),
        ("https://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://[::ffff:169.254.169.254]/", "link-local"),
        ("https://metadata.google.internal/", "it is no public name"),
        ("https://127.0.0.1:1/", "loopback"),
        ("//10.0.0.1/b.csv", "private"),
        ("https://xn--zz.example.com/", "cannot be read"),
        ("https://a..example.com/", "cannot be read"),
    ],
)
def test_a_redirect_is_judged_like_the_address_itself(fetch, https, location, reason):
    https.answers["/a.csv"] = Answer(302, headers={"location": location.format(address=https.address)})
    with pytest.raises(InvalidInput, match=reason) as refused:
        fetch({"https": {"url": f"https://{https.address}/a.csv"}}, allowed=(https.address,))
    assert "password" not in str(refused.value)
    assert [request.path for request in https.seen] == ["/a.csv"]


@pytest.mark.parametrize(
    "source",
    [
        {"https": {"url": "https://example.com/a\x01.csv"}},
        {"https": {"url": "https://a..example.com/a.csv"}},
        {"https": {"url": f"https://{'a' * 64}.example.com/a.csv"}},
        {"https": {"url": "https://xn--zz.example.com/a.csv"}},
        {"git": {"url": "https://example.com:99999/a.git", "path": "data", "commit": "0" * 40}},
        {"git": {"url": "https://example.com:x/a.git", "path": "data", "commit": "0" * 40}},
    ],
)
def test_an_address_that_is_none_is_told_with_its_field(fetch, source):
    (kind,) = source
    with pytest.raises(InvalidInput, match=rf"^spec\.source\.{kind}\.url: 'https://.* is no address"):
        fetch(source)


def test_redirects_in_a_circle_end(fetch, https):
    https.answers["/a.csv"] = Answer(307, headers={"location": "/a.csv"})
    with pytest.raises(InvalidInput, match=r"redirects more than 5 times"):
        fetch({"https": {"url": f"https://{https.address}/a.csv"}}, allowed=(https.address,))


def test_a_git_server_leads_nowhere_else(fetch, git_repo, https):
    https.answers["*"] = Answer(302, headers={"location": "https://169.254.169.254/info/refs"})
    with pytest.raises((Terminal, Transient), match=r"git fetch failed"):
        fetch({"git": git_repo}, allowed=(https.address,))
    assert all(request.path.endswith("/info/refs") for request in https.seen)


def test_what_a_server_announces_is_not_fetched_if_it_is_too_much(fetch, https):
    https.answers["/a.csv"] = Answer(200, b"", {"content-length": "2000000"})
    source = {"https": {"url": f"https://{https.address}/a.csv"}, "maxSize": "1Mi"}
    with pytest.raises(InvalidInput, match=r"announces 2000000 bytes; spec.source.maxSize allows 1048576"):
        fetch(source, allowed=(https.address,))


def test_what_a_server_sends_without_saying_how_much_ends_at_the_limit(fetch, https):
    body = b"%x\r\n" % (2 << 20) + b"0" * (2 << 20) + b"\r\n0\r\n\r\n"
    https.answers["/a.csv"] = Answer(200, body, {"transfer-encoding": "chunked"})
    source = {"https": {"url": f"https://{https.address}/a.csv"}, "maxSize": "1Mi"}
    with pytest.raises(InvalidInput, match=r"more than 1048576 bytes"):
        fetch(source, allowed=(https.address,))


def test_a_prefix_that_is_too_large_is_not_read(fetch, s3, s3_server):
    source = {"s3": {"uri": "s3://bucket/data/", "endpoint": f"http://{s3_server}"}, "maxSize": "10Ki"}
    with pytest.raises(InvalidInput, match=r"5 files with 12014 bytes; spec.source.maxSize allows 10240"):
        fetch(source, allowed=(s3_server,))


def test_an_s3_server_that_sends_more_than_a_range_is_not_read_to_the_end(fetch, web):
    entry = b"<Contents><Key>data/a.csv</Key><ETag>a</ETag><Size>8</Size></Contents>"
    listing = b"<ListBucketResult>" + entry + b"</ListBucketResult>"
    web.answers["/bucket"] = Answer(200, listing, {"content-type": "application/xml"})
    body = (b"%x\r\n" % (1 << 20) + b"0" * (1 << 20) + b"\r\n") * 32 + b"0\r\n\r\n"
    web.answers["/bucket/data/a.csv"] = Answer(206, body, {"transfer-encoding": "chunked"})
    source = {"s3": {"uri": "s3://bucket/data/", "endpoint": f"http://{web.address}"}}
    with pytest.raises(
        InvalidInput, match=r"^the server of s3://bucket/data/ sends more than 8 bytes that it was"
    ):
        fetch(source, allowed=(web.address,))


def test_a_repository_that_is_too_large_is_not_fetched(fetch, git_repo, https):
    with pytest.raises(InvalidInput, match=r"has more than 1 bytes in all; raise spec.source.maxSize"):
        fetch({"git": git_repo, "maxSize": "1"}, allowed=(https.address,))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("data/../../x", "only plain relative paths"),
        ("data//etc/x", "an absolute path"),
        ("data/A.csv", "cannot lie beside"),
        ("data/a.csv/x", "cannot lie beside"),
        ("data/a\\b", "only plain relative paths"),
    ],
)
def test_keys_that_are_no_paths_are_refused(fetch, s3, s3_server, key, reason, tmp_path):
    s3.put_object(Bucket="bucket", Key=key, Body=b"x", ACL="public-read")
    with pytest.raises(InvalidInput, match=reason):
        fetch({"s3": {"uri": "s3://bucket/data/", "endpoint": f"http://{s3_server}"}}, allowed=(s3_server,))
    assert not (tmp_path / "x").exists()


def test_a_hub_that_lists_what_was_not_asked_for_is_refused(fetch, web, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://{web.address}")
    hub(web, "a/b", "ab" * 20, {"data/a.csv": b"1"})
    listed = json.dumps([{"type": "file", "path": "other/../../x", "size": 1, "oid": "0" * 40}]).encode()
    web.answers[f"/api/datasets/a/b/tree/{'ab' * 20}/data"] = Answer(
        200, listed, {"content-type": "application/json"}
    )
    with pytest.raises(InvalidInput, match=r"which is not below 'data'"):
        fetch({"hf": {"repo": "a/b", "revision": "ab" * 20, "path": "data"}}, allowed=(web.address,))


@pytest.fixture
def volume(folder, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work/volume").symlink_to(folder)
    (tmp_path / "secret").write_text("secret")
    return folder


def make_link(volume, tmp_path):
    (volume / "data/link.csv").symlink_to(tmp_path / "secret")


def make_linked_folder(volume, tmp_path):
    (volume / "data/link").symlink_to(tmp_path)


def make_pipe(volume, tmp_path):
    os.mkfifo(volume / "data/pipe")


def make_socket(volume, tmp_path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(volume / "data/s"))


@pytest.mark.parametrize("make", [make_link, make_linked_folder, make_pipe, make_socket])
def test_a_volume_with_more_than_files_is_refused(fetch, volume, tmp_path, make):
    make(volume, tmp_path)
    with pytest.raises(InvalidInput, match=r"is a link or a special file"):
        fetch({"pvc": {"claim": "data", "path": "data"}})


@pytest.mark.parametrize("path", ["link", "link/secret", "file"])
def test_a_path_on_a_volume_leads_through_no_link(fetch, volume, tmp_path, path):
    (volume / "link").symlink_to(tmp_path)
    (volume / "file").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match=r"link"):
        fetch({"pvc": {"claim": "data", "path": path}})


def connect_and_hide_why(port):
    try:
        socket.create_connection(("127.0.0.1", port))
    except Exception as error:
        raise RuntimeError("failed") from error


def test_while_a_source_is_read_no_library_connects_to_this_machine(web):
    with guarded(Policy()), pytest.raises(Refused), socket.socket() as client:
        client.connect(("localhost", web.port))
    with pytest.raises(Refused, match=r"loopback"), guarded(Policy()):
        connect_and_hide_why(web.port)
    socket.create_connection(("127.0.0.1", web.port)).close()
