"""What a commit says of its past, of who signed it, and of what it confirms; with real keys."""

import subprocess

import pytest

from mlplane.errors import Terminal
from mlplane.gitops import commits


def test_a_commit_follows_those_of_its_history(repo, git_in, commit):
    first, second = git_in("rev-parse", "HEAD"), commit()
    assert commits.descends(repo, second, first)
    assert commits.descends(repo, second, second)
    assert not commits.descends(repo, first, second)
    assert not commits.descends(repo, second, "0" * 40)


def test_the_trailers_of_all_commits_since_the_last_one_count(repo, git_in, commit):
    old = commit("earlier\n\nMlplane-Prune: confirmed")
    assert commits.confirmations(repo, old)["Mlplane-Prune"] == ("confirmed",)
    commit("between\n\nMlplane-Rewind: 1234567")
    head = commit("last")
    assert dict(commits.confirmations(repo, head, old)) == {"Mlplane-Rewind": ("1234567",)}
    assert dict(commits.confirmations(repo, head, "0" * 40)) == {}, "only the commit itself"


def test_a_trailer_counts_with_the_line_ends_of_any_system(repo, tmp_path, git_in):
    message = tmp_path / "message"
    message.write_bytes(b"Give up\r\n\r\nMlplane-Prune: confirmed \r\n")
    git_in("commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", str(message))
    assert commits.confirmations(repo, git_in("rev-parse", "HEAD"))["Mlplane-Prune"] == ("confirmed",)


@pytest.mark.parametrize(
    ("trailer", "counts"),
    [("a" * 40, True), ("a" * 7, True), ("a" * 6, False), ("b" * 40, False), ("", False)],
)
def test_a_rewind_has_to_name_the_commit_that_is_left(trailer, counts):
    assert commits.confirms_rewind({"Mlplane-Rewind": (trailer,)}, "a" * 40) is counts


class Signing:
    """A repository whose commits are signed, and a file of those who may."""

    def __init__(self, folder, git_in):
        self.folder, self.git_in = folder, git_in
        self.signers = folder / "signers"
        self.signers.write_text("")

    def key(self, name, *, allowed):
        file = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
        if allowed:
            public = file.with_suffix(".pub").read_text()
            self.signers.write_text(self.signers.read_text() + f"{name}@example.com {public}")
        return file

    def commit(self, key):
        self.git_in(
            "-c",
            "gpg.format=ssh",
            "-c",
            f"user.signingKey={key}",
            "commit",
            "-q",
            "-S",
            "--allow-empty",
            "-m",
            "x",
        )
        return self.git_in("rev-parse", "HEAD")


@pytest.fixture
def signing(tmp_path, git_in):
    return Signing(tmp_path, git_in)


def test_a_commit_that_somebody_has_signed_who_may_is_good(repo, signing):
    head = signing.commit(signing.key("anna", allowed=True))
    commits.require_signature(repo, head, signing.signers)


def test_a_commit_without_a_signature_is_refused(repo, signing, git_in):
    signing.key("anna", allowed=True)
    with pytest.raises(Terminal, match="it has no signature: have it signed with an SSH key that"):
        commits.require_signature(repo, git_in("rev-parse", "HEAD"), signing.signers)


def test_a_commit_that_somebody_else_has_signed_is_refused(repo, signing, git_in):
    signing.key("anna", allowed=True)
    mallory = signing.key("mallory", allowed=False)
    own = signing.folder / "own"
    own.write_text(f"mallory@example.com {mallory.with_suffix('.pub').read_text()}")
    git_in("config", "gpg.ssh.allowedSignersFile", str(own))  # the repository trusts him; nobody asks it
    git_in("config", "gpg.minTrustLevel", "undefined")
    with pytest.raises(Terminal, match="is not that of an allowed signer"):
        commits.require_signature(repo, signing.commit(mallory), signing.signers)


def test_a_commit_that_was_changed_after_it_was_signed_is_refused(repo, signing, git_in):
    head = signing.commit(signing.key("anna", allowed=True))
    raw = subprocess.run(
        ["git", "cat-file", "commit", head], cwd=repo, capture_output=True, check=True
    ).stdout
    done = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        input=raw.replace(b"\n\nx\n", b"\n\nforged\n"),
        cwd=repo,
        capture_output=True,
        check=True,
    )
    forged = done.stdout.decode().strip()
    assert forged != head
    with pytest.raises(Terminal, match="is not that of an allowed signer"):
        commits.require_signature(repo, forged, signing.signers)


def test_without_the_file_nobody_is_allowed(repo, signing, tmp_path):
    head = signing.commit(signing.key("anna", allowed=True))
    with pytest.raises(Terminal, match="there is no such file of allowed signers"):
        commits.require_signature(repo, head, tmp_path / "gone")
