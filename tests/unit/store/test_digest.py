import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.errors import Terminal
from mlplane.store.digest import FileEntry, digest_of, entries_of, identity_digest, merkle

CONTENTS = {"b": b"two", "a/z": b"one", "a-": b"", "ä": b"\x00\xff"}
entries = st.lists(
    st.builds(
        FileEntry,
        st.text("ab/", min_size=1),
        st.integers(0, 9),
        st.text("0123456789abcdef", min_size=64, max_size=64),
    ),
    unique_by=lambda entry: entry.path,
    min_size=1,
)


def write(directory, contents):
    for path, content in contents.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return directory


@given(entries, st.randoms())
def test_the_order_of_files_does_not_matter(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    assert merkle(shuffled) == merkle(found)


@given(entries, st.data())
def test_every_field_of_every_file_matters(found, data):
    index = data.draw(st.integers(0, len(found) - 1))
    entry = found[index]
    for other in (
        entry._replace(path=entry.path + "c"),
        entry._replace(size=10),
        entry._replace(sha256="f" * 65),
    ):
        assert merkle([*found[:index], other, *found[index + 1 :]]) != merkle(found)


def test_the_digest_is_the_documented_one():
    # Written out: whoever changes the digest makes every stored artifact unreadable.
    entry = FileEntry("a", 1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
    assert merkle([entry]) == "sha256:05afe1506eb79af09b19f05ba6545fce333705a2b0bf9a169ce381bb60ebd0ea"


def test_the_same_bytes_have_the_same_digest_anywhere(tmp_path):
    one = write(tmp_path / "one", CONTENTS)
    two = write(tmp_path / "deep/er/two", dict(reversed(CONTENTS.items())))
    (two / "empty").mkdir()
    os.utime(two / "b", (0, 0))
    (two / "b").chmod(0o600)
    (two / "manifest.json").write_text("{}")
    assert digest_of(one) == digest_of(two)
    assert [entry.path for entry in entries_of(one)] == ["a-", "a/z", "b", "ä"]


@pytest.mark.parametrize("path", ["b", "a/z", "ä"])
def test_another_byte_is_another_digest(tmp_path, path):
    one = write(tmp_path / "one", CONTENTS)
    two = write(tmp_path / "two", CONTENTS | {path: CONTENTS[path] + b"x"})
    assert digest_of(one) != digest_of(two)


def test_only_the_manifest_at_the_top_is_left_out(tmp_path):
    one = write(tmp_path / "one", CONTENTS)
    two = write(tmp_path / "two", CONTENTS | {"a/manifest.json": b"{}"})
    assert digest_of(one) != digest_of(two)


def test_links_and_special_files_are_refused(tmp_path):
    for name, make in (("link", lambda p: p.symlink_to("/etc/passwd")), ("pipe", os.mkfifo)):
        directory = write(tmp_path / name, CONTENTS)
        make(directory / "odd")
        with pytest.raises(Terminal, match="odd is a link or a special file"):
            digest_of(directory)


def test_a_linked_directory_is_refused_too(tmp_path):
    directory = write(tmp_path / "one", CONTENTS)
    (directory / "up").symlink_to(tmp_path)
    with pytest.raises(Terminal, match="up is a link"):
        digest_of(directory)


def test_a_name_with_a_line_end_is_refused(tmp_path):
    with pytest.raises(Terminal, match="cannot be a file of an artifact"):
        digest_of(write(tmp_path / "one", {"a\n00 1 b": b""}))


def test_an_empty_directory_is_no_artifact(tmp_path):
    with pytest.raises(Terminal, match="holds no file"):
        digest_of(tmp_path)


def test_an_identity_cannot_pass_for_files_and_its_order_does_not_matter():
    assert identity_digest({"a": 1, "b": 2}) == identity_digest({"b": 2, "a": 1})
    assert identity_digest({"a": 1}) != identity_digest({"a": 2})
    assert identity_digest({}) != merkle([])
