"""Repositories that want more than to be read: nothing of theirs runs, nothing outside of them is read."""

import os
import subprocess

import pytest

from mlplane.errors import Terminal
from mlplane.gitops import commits, git
from mlplane.gitops.committed import valid_documents

YAML = (".yaml",)


def everything(repo, signers):
    """All that the GitOps agent asks git, of the newest commit."""
    head = git.resolve(repo, "main")
    found = git.read_files(repo, head, "dev", YAML)
    git.remote_urls(repo)
    git.object_ids(repo, [f"{head}:promotion.yaml"])
    commits.descends(repo, head, f"{head}~1")
    commits.confirmations(repo, head, git.resolve(repo, "HEAD~1"))
    with pytest.raises(Terminal):
        commits.require_signature(repo, head, signers)
    return found


@pytest.fixture
def signers(tmp_path):
    file = tmp_path / "signers"
    file.write_text("")
    return file


@pytest.fixture
def manifest(repo, commit):
    (repo / "dev").mkdir()
    (repo / "dev" / "a.yaml").write_text("a: 1\n")
    commit()
    return repo / "dev" / "a.yaml"


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a mark when it is run."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    program.chmod(0o755)
    yield program
    assert not (tmp_path / "sprung").exists(), "a program of the repository was run"


PROGRAMS = (
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "core.alternateRefsCommand",
    "credential.helper",
    "diff.external",
    "diff.trap.textconv",
    "filter.trap.clean",
    "filter.trap.smudge",
    "filter.trap.process",
    "filter.lfs.smudge",
    "filter.lfs.process",
    "gpg.program",
    "gpg.openpgp.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultKeyCommand",
    "gpg.x509.program",
    "interactive.diffFilter",
    "merge.trap.driver",
    "pager.log",
    "uploadpack.packObjectsHook",
)


@pytest.mark.parametrize("included", [False, True], ids=["in the configuration", "in an included file"])
@pytest.mark.usefixtures("manifest")
def test_no_program_of_the_configuration_runs(repo, git_in, commit, trap, signers, included):
    (repo / ".gitattributes").write_text("* filter=trap diff=trap merge=trap\n*.yaml filter=lfs\n")
    commit()
    more = repo.parent / "more"
    if included:
        git_in("config", "include.path", str(more))
    for name in PROGRAMS:
        git_in("config", *(["--file", str(more)] if included else []), name, str(trap))
    (repo / ".git" / "config").write_text((repo / ".git" / "config").read_text() + "[log]\nshowSignature=1\n")
    assert everything(repo, signers) == {"dev/a.yaml": b"a: 1\n"}


def test_no_hook_runs(repo, git_in, manifest, trap, tmp_path, signers):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit"):
        (repo / ".git" / "hooks").mkdir(exist_ok=True)
        (repo / ".git" / "hooks" / name).symlink_to(trap)
        (hooks / name).symlink_to(trap)
    git_in("config", "core.hooksPath", str(hooks))
    everything(repo, signers)


def test_a_pointer_of_lfs_is_told_as_what_it_is_and_nothing_is_fetched(repo, commit, manifest):
    manifest.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 9\n")
    head = commit()
    with pytest.raises(Terminal, match=r"dev/a\.yaml:\d+"):
        valid_documents(git.read_files(repo, head, "dev", YAML))


@pytest.mark.parametrize("name", ["../outside.yaml", "..", ".git"])
def test_a_path_that_leads_out_of_the_tree_leads_nowhere(repo, tmp_path, git_in, manifest, name):
    """A tree that a checkout would write outside of its folder: git makes none such, but can be made to."""
    (tmp_path / "outside.yaml").write_text("secret: 1\n")
    blob = git_in("hash-object", "-w", "dev/a.yaml")
    entry = f"100644 {name}\0".encode() + bytes.fromhex(blob)
    tree = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        input=entry,
        cwd=repo,
        capture_output=True,
        check=True,
    ).stdout.decode()
    head = git_in("commit-tree", "-m", "escape", tree.strip())
    found = git.read_files(repo, head, ".", YAML)
    assert b"secret: 1\n" not in found.values()


@pytest.mark.parametrize("path", ["../other", "/etc", "dev/../../other"])
def test_a_path_outside_of_the_repository_is_not_there(repo, manifest, path):
    with pytest.raises(Terminal):
        git.read_files(repo, "HEAD", path, YAML)


def test_a_link_instead_of_the_directory_is_not_followed(repo, commit, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yaml").write_text("secret: 1\n")
    (repo / "dev").symlink_to(tmp_path / "elsewhere")
    head = commit()
    with pytest.raises(Terminal):
        git.read_files(repo, head, "dev", YAML)


def test_a_huge_file_is_refused_before_it_is_read(repo, commit, manifest):
    with manifest.open("wb") as file:
        file.truncate(8 << 20)
    head = commit()
    with pytest.raises(Terminal, match=r"dev/a\.yaml has 8388608 bytes: a manifest has at most 4194304"):
        git.read_files(repo, head, "dev", YAML)


def test_a_huge_file_that_is_no_manifest_does_not_matter(repo, commit, manifest):
    with (repo / "dev" / "weights.bin").open("wb") as file:
        file.truncate(8 << 20)
    assert list(git.read_files(repo, commit(), "dev", YAML)) == ["dev/a.yaml"]


def test_a_few_objects_that_stand_for_millions_of_files_are_refused(repo, git_in, manifest):
    """Each tree holds the one before ten times."""
    tree = git_in("rev-parse", "HEAD:dev")
    for _ in range(7):
        entries = "".join(f"040000 tree {tree}\td{place}\n" for place in range(10))
        done = subprocess.run(
            ["git", "mktree"], input=entries, cwd=repo, capture_output=True, text=True, check=True
        )
        tree = done.stdout.strip()
    head = git_in("commit-tree", "-m", "bomb", tree)
    with pytest.raises(Terminal, match="too many files below /: name a directory of manifests"):
        git.read_files(repo, head, ".", YAML)


def test_more_manifests_than_anybody_reads_are_refused(repo, commit, manifest, monkeypatch):
    monkeypatch.setattr(git, "LARGEST_SUM_B", 7)
    (repo / "dev" / "b.yaml").write_text("b: 1\n")
    with pytest.raises(Terminal, match="the manifests of dev have 10 bytes: at most 7 are read"):
        git.read_files(repo, commit(), "dev", YAML)


def test_an_object_that_replaces_another_one_does_not_count(repo, git_in, commit, manifest):
    head = git_in("rev-parse", "HEAD")
    blob = git_in("rev-parse", "HEAD:dev/a.yaml")
    manifest.write_text("a: replaced\n")
    git_in("replace", blob, git_in("hash-object", "-w", "dev/a.yaml"))
    assert git.read_files(repo, head, "dev", YAML) == {"dev/a.yaml": b"a: 1\n"}


def test_objects_of_another_repository_are_read_by_their_id_and_not_by_their_name(
    repo, tmp_path, commit, git_in, manifest
):
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo), str(other)], check=True)
    (repo / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "objects" / "info" / "alternates").write_text(f"{other}/objects\n")
    subprocess.run(["git", "update-ref", "refs/heads/theirs", "main"], cwd=other, check=True)
    assert git.read_files(repo, "main", "dev", YAML) == {"dev/a.yaml": b"a: 1\n"}
    with pytest.raises(Terminal, match="no revision 'theirs'"):
        git.resolve(repo, "theirs")


@pytest.mark.parametrize(
    "name", [b"line\nbreak.yaml", b"\x1b[31mred.yaml", b"\xff.yaml", b"\xe2\x80\xae.yaml", b"tab\t.yaml"]
)
def test_a_name_that_would_do_something_to_a_terminal_is_refused(repo, commit, manifest, name):
    (repo / "dev" / os.fsdecode(name)).write_text("a: 1\n")
    head = commit()
    with pytest.raises(Terminal, match="name the file in printable UTF-8") as refused:
        git.read_files(repo, head, "dev", YAML)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "name", ["-rf.yaml", "--help.yaml", "*.yaml", ":(glob)x.yaml", "ü ñ.yaml", "$(x).yaml"]
)
def test_a_name_that_is_only_odd_is_a_name(repo, commit, manifest, name):
    (repo / "dev" / name).write_text("b: 1\n")
    assert git.read_files(repo, commit(), "dev", YAML)[f"dev/{name}"] == b"b: 1\n"
