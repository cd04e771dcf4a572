"""Archives that an enemy made, each refused with what is wrong; and those that a friend made."""

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from mlplane.data.rawfiles import is_archive
from mlplane.errors import InvalidInput
from mlplane.steps.sources import archives, writing
from mlplane.steps.sources.archives import unpack
from mlplane.store.digest import FileEntry, merkle

LIMIT = 1 << 20


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def tarred(*members: tuple[str | tarfile.TarInfo, bytes], packed: bool = False) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz" if packed else "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo("x")
    info.type, info.linkname = kind, target
    return info


def zip_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.external_attr = 0o120777 << 16
    return info


def encrypted() -> bytes:
    """The first bit of the flags says so, in both places where they stand."""
    content = bytearray(zipped(("a.csv", b"1")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def renamed(content: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    return content.replace(old, new, count)


def lying_size() -> bytes:
    """The directory says one byte where a thousand come."""
    content = bytearray(zipped(("a.csv", b"0" * 1000)))
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 1)
    return bytes(content)


def long_header() -> bytes:
    """A header of 8 MiB that the library would hold in memory, 8 KiB packed."""
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (8 << 20)}
    return tarred((info, b"1"), packed=True)


def sparse() -> bytes:
    info = tarfile.TarInfo("a")
    info.type = tarfile.GNUTYPE_SPARSE
    return tarred((info, b""))


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zip slip": ("a.zip", lambda: zipped(("../x", b"1")), "only plain relative paths"),
    "zip slip further down": ("a.zip", lambda: zipped(("a/../../x", b"1")), "only plain relative paths"),
    "zip, absolute": ("a.zip", lambda: zipped(("/etc/x", b"1")), "an absolute path"),
    "zip, backslashes": ("a.zip", lambda: zipped(("..\\x", b"1")), "only plain relative paths"),
    "zip, a drive": ("a.zip", lambda: zipped(("C:\\x", b"1")), "only plain relative paths"),
    "zip, a name with NUL": (
        "a.zip",
        lambda: renamed(zipped(("a.csv_x", b"1")), b"a.csv_x", b"a.csv\0x"),
        "only plain relative paths",
    ),
    "zip, a line end in a name": ("a.zip", lambda: zipped(("a\nb", b"1")), "only plain relative paths"),
    "zip, twice": (
        "a.zip",
        lambda: renamed(zipped(("a.csv", b"1"), ("b.csv", b"2")), b"b.csv", b"a.csv"),
        "cannot lie beside",
    ),
    "zip, twice but for case": ("a.zip", lambda: zipped(("a", b"1"), ("A", b"2")), "cannot lie beside"),
    "zip, twice but for dots": ("a.zip", lambda: zipped(("a", b"1"), ("./a", b"2")), "cannot lie beside"),
    "zip, twice but for accents": (
        "a.zip",
        lambda: zipped(("\u00fc", b"1"), ("u\u0308", b"2")),
        "cannot lie beside",
    ),
    "zip, a file below a file": ("a.zip", lambda: zipped(("a", b"1"), ("a/b", b"2")), "cannot lie beside"),
    "zip, a file over a folder": ("a.zip", lambda: zipped(("a/b", b"1"), ("a", b"2")), "cannot lie beside"),
    "zip, a link": ("a.zip", lambda: zipped((zip_link(), b"/etc/passwd")), "a link or a special file"),
    "zip, encrypted": ("a.zip", encrypted, "is encrypted"),
    "zip, lzma": ("a.zip", lambda: zipped(("a", b"1"), method=zipfile.ZIP_LZMA), "packed by method 14"),
    "zip bomb": ("a.zip", lambda: zipped(("a", b"0" * (LIMIT + 1))), "maxSize allows 1048576"),
    "zip bomb of many": (
        "a.zip",
        lambda: zipped(*((str(i), b"0" * 20000) for i in range(60))),
        "maxSize allows",
    ),
    "zip, a size that is not": ("a.zip", lying_size, "is damaged"),
    "zip, cut off": ("a.zip", lambda: zipped(("a", b"1"))[:-10], "is damaged"),
    "zip, other names inside": (
        "a.zip",
        lambda: renamed(zipped(("a.csv", b"1")), b"a.csv", b"b.csv", 1),
        "is damaged",
    ),
    "zip, empty": ("a.zip", zipped, "has no files"),
    "zip, no zip": ("a.zip", lambda: b"no zip", "is damaged"),
    "zip, a long name": ("a.zip", lambda: zipped(("a" * 300, b"1")), "too long"),
    "zip, a long path": ("a.zip", lambda: zipped(("a/" * 600 + "b", b"1")), "too long"),
    "tar slip": ("a.tar", lambda: tarred(("../x", b"1")), "only plain relative paths"),
    "tar, absolute": ("a.tar", lambda: tarred(("/etc/x", b"1")), "an absolute path"),
    "tar, a link": ("a.tar", lambda: tarred((special(tarfile.SYMTYPE, "/etc"), b"")), "a link or a special"),
    "tar, a link and a file through it": (
        "a.tar",
        lambda: tarred((special(tarfile.SYMTYPE, "/tmp"), b""), ("x/pwned", b"1")),
        "a link or a special",
    ),
    "tar, a hard link": (
        "a.tar",
        lambda: tarred((special(tarfile.LNKTYPE, "/etc/passwd"), b"")),
        "a link or",
    ),
    "tar, a device": ("a.tar", lambda: tarred((special(tarfile.CHRTYPE), b"")), "a special file"),
    "tar, a block device": ("a.tar", lambda: tarred((special(tarfile.BLKTYPE), b"")), "a special file"),
    "tar, a pipe": ("a.tar", lambda: tarred((special(tarfile.FIFOTYPE), b"")), "a special file"),
    "tar, with holes": ("a.tar", sparse, "a special file"),
    "tar, twice": ("a.tar", lambda: tarred(("a", b"1"), ("a", b"2")), "cannot lie beside"),
    "tar, cut off": ("a.tar", lambda: tarred(("a", b"1" * 2000))[:1000], "is damaged"),
    "tar, no tar": ("a.tar", lambda: b"no tar" * 200, "is damaged"),
    "tar, packed, no gzip": ("a.tgz", lambda: b"no gzip", "is damaged"),
    "tar bomb": ("a.tar.gz", lambda: tarred(("a", b"0" * (LIMIT + 1)), packed=True), "becomes more than"),
    "tar, a large header": ("a.tgz", long_header, "a header of more than 1048576 bytes"),
    "gzip bomb": ("a.tgz", lambda: gzip.compress(b"0" * (64 << 20)), "becomes more than"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_an_archive_is_refused(case, tmp_path):
    name, made, reason = HOSTILE[case]
    archive, target = tmp_path / "in" / "archive", tmp_path / "deep" / "out"
    archive.parent.mkdir()
    archive.write_bytes(made())
    target.mkdir(parents=True)
    limit = 32 << 20 if case == "tar, a large header" else LIMIT
    with pytest.raises(InvalidInput) as refused:
        unpack(archive, name, target, limit)
    assert reason in str(refused.value)
    assert name in str(refused.value)
    assert {p.name for p in tmp_path.iterdir()} == {"in", "deep"}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]
    assert not any(p.is_symlink() for p in target.rglob("*"))
    assert sum(p.stat().st_size for p in target.rglob("*") if p.is_file()) <= limit


def test_a_file_may_become_so_much_larger_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_RATIO_FROM", 1000)
    archive = tmp_path / "archive"
    archive.write_bytes(zipped(("a", b"0" * 10_000_000)))
    with pytest.raises(InvalidInput, match="the source has more than"):
        unpack(archive, "a.zip", tmp_path / "out", 1 << 30)


@pytest.mark.parametrize("made", [zipped, tarred])
def test_more_files_than_a_source_may_have_are_refused(made, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 10)
    monkeypatch.setattr(writing, "MAX_FILES", 10)
    archive = tmp_path / "archive"
    archive.write_bytes(made(*((str(number), b"") for number in range(11))))
    with pytest.raises(InvalidInput, match="10"):
        unpack(archive, "a.zip" if made is zipped else "a.tar", tmp_path / "out", LIMIT)


@pytest.mark.parametrize("name", ["a.zip", "A.ZIP", "a.tar", "a.tar.gz", "a.tgz"])
def test_an_archive_of_a_friend_is_unpacked_and_is_the_same_whatever_it_is(name, tmp_path):
    assert is_archive(name)
    members = (("./", b""), ("data/", b""), ("./data/a.csv", b"1"), ("b.csv", b"2"))
    folders = [m for m in members if m[0].endswith("/")]
    archive = tmp_path / "archive"
    if name.lower().endswith("zip"):
        archive.write_bytes(zipped(*members))
    else:
        infos = [(special(tarfile.DIRTYPE), b"") for _ in folders]
        for (info, _), (folder, _) in zip(infos, folders, strict=True):
            info.name = folder
        archive.write_bytes(tarred(*infos, *members[2:], packed=not name.endswith("tar")))
    raw = unpack(archive, name, tmp_path / "out", LIMIT)
    assert [entry.path for entry in raw.entries] == ["b.csv", "data/a.csv"]
    assert (tmp_path / "out/data/a.csv").read_bytes() == b"1"
    leaves = {
        path: hashlib.sha256(content).hexdigest() for path, content in (("data/a.csv", b"1"), ("b.csv", b"2"))
    }
    assert raw.digest == merkle(FileEntry(path, 1, leaf) for path, leaf in leaves.items())


def test_a_name_in_a_tar_is_utf8_whatever_the_machine_speaks(tmp_path, monkeypatch):
    monkeypatch.setattr(tarfile.TarFile, "encoding", "latin-1")
    made, info = io.BytesIO(), tarfile.TarInfo("\N{LATIN SMALL LETTER U WITH DIAERESIS}.csv")
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive:
        archive.addfile(info)
    (tmp_path / "archive").write_bytes(made.getvalue())
    raw = unpack(tmp_path / "archive", "a.tar", tmp_path / "out", LIMIT)
    assert [entry.path for entry in raw.entries] == [info.name]


def test_a_list_of_contents_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_LARGEST_LIST", 2000)
    archive = tmp_path / "archive"
    archive.write_bytes(zipped(*((str(number), b"") for number in range(100))))
    with pytest.raises(InvalidInput, match="it has a header of more than 2000 bytes"):
        unpack(archive, "a.zip", tmp_path / "out", LIMIT)


def test_a_packed_file_alone_stays_packed():
    assert not is_archive("a.csv.gz")
