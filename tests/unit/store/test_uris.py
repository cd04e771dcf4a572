import subprocess
import sys

import pytest

from mlplane.errors import InvalidInput
from mlplane.store import uris

HEX = "ab" * 32
URI = f"store://models/digits/sha256-{HEX}"


@pytest.mark.parametrize(
    ("store", "url"),
    [
        ("file:///data/store", f"file:///data/store/models/digits/sha256-{HEX}"),
        ("file:///data/store/", f"file:///data/store/models/digits/sha256-{HEX}"),
        ("s3://bucket/prefix", f"s3://bucket/prefix/models/digits/sha256-{HEX}"),
        ("s3://bucket", f"s3://bucket/models/digits/sha256-{HEX}"),
    ],
)
def test_a_uri_and_a_store_make_a_url_and_the_url_leads_back(store, url):
    assert uris.resolve(URI, store) == url
    assert uris.split_url(url) == (store.rstrip("/"), uris.parse(URI))
    assert uris.digest_in(url) == uris.digest_in(URI) == f"sha256:{HEX}"


def test_a_uri_is_made_of_its_parts():
    assert uris.uri_of("models", "digits", f"sha256:{HEX}") == URI
    assert uris.parse(URI) == ("models", "digits", f"sha256:{HEX}")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        f"models/digits/sha256-{HEX}",
        f"store://models/../sha256-{HEX}",
        f"store://models/digits/sha256-{HEX[:-1]}",
        f"store://models/digits/sha256-{HEX.upper()}",
        f"{URI}/model.pt2",
        f"{URI}\n",
    ],
)
def test_what_is_no_uri_is_refused_with_what_was_expected(bad):
    with pytest.raises(InvalidInput, match="store://<kind>/<name>/sha256-"):
        uris.parse(bad)


@pytest.mark.parametrize("digest", ["", HEX, "sha256:", f"sha256:{HEX}0", f"sha256:{HEX}/.."])
def test_what_is_no_digest_never_becomes_part_of_a_path(digest):
    with pytest.raises(InvalidInput, match="is not a digest"):
        uris.uri_of("models", "digits", digest)


def test_uris_and_digests_need_no_fsspec():
    code = "import sys, mlplane.store.uris, mlplane.store.digest; sys.exit('fsspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
