"""Places that no source may be read from, each with what refuses it."""

import ipaddress

import pytest
from pydantic import ValidationError

from mlplane.api.datasource import DataSource
from mlplane.steps.sources.policy import Policy, Refused, why_not_public

COMMIT = "ab" * 20
STORED = "store://uploads/a/sha256-" + "0" * 64


def https(url: str) -> dict:
    return {"https": {"url": url}}


def s3(uri: str, endpoint: str | None = None) -> dict:
    return {"s3": {"uri": uri} | ({"endpoint": endpoint} if endpoint else {})}


def git(url: str = "https://example.com/a.git", path: str = "data") -> dict:
    return {"git": {"url": url, "path": path, "commit": COMMIT}}


def hf(repo: str = "a/b", path: str = "data", revision: str = COMMIT) -> dict:
    return {"hf": {"repo": repo, "path": path, "revision": revision}}


REFUSED_BY_THE_SCHEMA = [
    https("http://example.com/a.csv"),
    https("file:///etc/passwd"),
    https("ftp://example.com/a.csv"),
    https("gopher://example.com/_GET"),
    https("HTTPS://example.com/a.csv"),
    https("https://user:password@example.com/a.csv"),
    https("https://example.com@169.254.169.254/a.csv"),
    https("https://example.com/a@b"),
    https("https://[::1]/a.csv"),
    https("https://[::ffff:127.0.0.1]/a.csv"),
    https("https:///a.csv"),
    https("https://example.com"),
    https("https://example.com\\@10.0.0.1/a.csv"),
    https("https://example.com/a.csv#fragment"),
    https("https://example.com/a b.csv"),
    https("https://example.com/a.csv\r\nhost: internal"),
    https("//example.com/a.csv"),
    s3("file:///etc/passwd"),
    s3("s3://bucket"),
    s3("s3://bucket/"),
    s3("s3://../etc/passwd"),
    s3("s3://user:password@bucket/a"),
    s3("s3://bucket/a?versionId=1"),
    s3("s3://bucket/a", "file:///tmp"),
    s3("s3://bucket/a", "http://user:password@minio:9000"),
    s3("s3://bucket/a", "http://169.254.169.254/latest/meta-data"),
    s3("s3://bucket/a", "http://[fd00:ec2::254]"),
    s3("s3://bucket/a", "unix:///var/run/docker.sock"),
    {"gs": {"uri": "s3://bucket/a"}},
    {"gs": {"uri": "gs://bucket/a#generation"}},
    hf(repo="../../etc"),
    hf(repo="a/b/c"),
    hf(path="../other"),
    hf(path="/etc/passwd"),
    hf(revision="main"),
    git("file:///etc"),
    git("http://example.com/a.git"),
    git("ext::sh -c touch% /tmp/pwned"),
    git("https://user:password@example.com/a.git"),
    git("ssh://-oProxyCommand=touch/a.git"),
    git("--upload-pack=touch /tmp/pwned"),
    git(path="../../etc"),
    git(path=".git/config"),
    git(path="-r"),
    {"pvc": {"claim": "../other", "path": "data"}},
    {"pvc": {"claim": "data", "path": "../../etc/passwd"}},
    {"pvc": {"claim": "data", "path": "/etc/passwd"}},
    {"store": {"uri": "file:///etc/passwd"}},
    {"store": {"uri": STORED.replace("uploads/a", "uploads/../a")}},
    {"store": {"uri": STORED + "/../x"}},
    {"pvc": {"claim": "data", "path": "data"}, "maxSize": "-1"},
    {"pvc": {"claim": "data", "path": "data"}, "maxSize": "0"},
]


@pytest.mark.parametrize("source", REFUSED_BY_THE_SCHEMA, ids=str)
def test_the_schema_refuses(source):
    with pytest.raises(ValidationError):
        DataSource.model_validate(source)


REFUSED_HOSTS = {
    "127.0.0.1": "loopback",
    "127.1": "loopback",
    "0x7f000001": "loopback",
    "0x7f.1": "loopback",
    "0177.0.0.1": "loopback",
    "2130706433": "loopback",
    "127.0.0.1.": "loopback",
    "0.0.0.0": "unspecified",
    "0": "unspecified",
    "169.254.169.254": "link-local",
    "2852039166": "link-local",
    "0xa9fea9fe": "link-local",
    "169.254.170.2": "link-local",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "192.168.1.1": "private",
    "192.0.0.192": "of a cloud's own services",
    "100.100.100.200": "not public",
    "168.63.129.16": "of a cloud's own services",
    "224.0.0.1": "multicast",
    "240.0.0.1": "private",
    "255.255.255.255": "private",
    "198.18.0.1": "private",
    "::1": "loopback",
    "::": "unspecified",
    "fe80::1": "link-local",
    "fd00:ec2::254": "private",
    "fc00::1": "private",
    "ff02::1": "multicast",
    "::ffff:169.254.169.254": "169.254.169.254 in an IPv6 address, link-local",
    "::ffff:a00:1": "10.0.0.1 in an IPv6 address, private",
    "::127.0.0.1": "127.0.0.1 in an IPv6 address, loopback",
    "64:ff9b::a9fe:a9fe": "169.254.169.254 in an IPv6 address, link-local",
    "64:ff9b:1::7f00:1": "127.0.0.1 in an IPv6 address, loopback",
    "2002:7f00:1::": "127.0.0.1 in an IPv6 address, loopback",
    "2001:0:0:0:0:0:f5ff:fffe": "10.0.0.1 in an IPv6 address, private",
    "localhost": "it is no public name",
    "LOCALHOST": "it is no public name",
    "a.localhost.": "it is no public name",
    "metadata": "it is no public name",
    "metadata.google.internal": "it is no public name",
    "instance-data": "it is no public name",
    "kubernetes.default.svc": "it is no public name",
    "kubernetes.default.svc.cluster.local": "it is no public name",
    "minio": "it is no public name",
    "printer.local": "it is no public name",
    "host.docker.internal": "it is no public name",
}


@pytest.mark.parametrize("host", REFUSED_HOSTS)
def test_the_policy_refuses(host):
    with pytest.raises(Refused) as refused:
        Policy().check_host(host, 443)
    assert REFUSED_HOSTS[host] in str(refused.value)
    assert "MLPLANE_ALLOWED_HOSTS" in str(refused.value)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_are_read(address):
    assert why_not_public(ipaddress.ip_address(address)) == ""
    Policy().check_host(address, 443)
    Policy().check_host("data.example.com", 443)


def test_an_operator_allows_a_host_on_all_ports_or_on_one():
    policy = Policy.of({"MLPLANE_ALLOWED_HOSTS": "minio, 10.0.0.1:9000,"})
    policy.check_host("minio", 80)
    policy.check_host("10.0.0.1", 9000)
    policy.check_address("10.0.0.1", 9000)
    for host, port in (("10.0.0.1", 9001), ("10.0.0.2", 9000), ("minio2", 80)):
        with pytest.raises(Refused):
            policy.check_host(host, port)
    with pytest.raises(Refused):
        policy.check_address("10.0.0.1", 9001)


def test_the_address_of_an_allowed_name_is_allowed():
    Policy(("localhost:1234",)).check_address("127.0.0.1", 1234)
    with pytest.raises(Refused, match="loopback"):
        Policy(("localhost:1234",)).check_address("127.0.0.1", 1235)
