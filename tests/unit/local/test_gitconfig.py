"""A repository is found under its public address in the folder where it lies."""

import os
import subprocess

import pytest

from mlplane.local.gitconfig import addresses_of, gitconfig_for

ADDRESS = "https://git.example.com/team/digits.git"


def git(*arguments, **environment):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": "/nonexistent",
        **environment,
    }
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


@pytest.fixture
def repo(tmp_path):
    repo = tmp_path / 'a "quoted" folder'
    git("init", "-q", str(repo))
    git("-C", str(repo), "remote", "add", "origin", ADDRESS)
    git("-C", str(repo), "commit", "-q", "--allow-empty", "-m", "one")
    return repo


@pytest.mark.parametrize(
    "spelling",
    [
        ADDRESS,
        "https://git.example.com/team/digits",
        "ssh://git@git.example.com/team/digits.git",
        "ssh://git.example.com/team/digits",
    ],
)
def test_each_spelling_of_the_address_leads_to_the_folder_and_to_any_commit(repo, tmp_path, spelling):
    first = git("-C", str(repo), "rev-parse", "HEAD")
    git("-C", str(repo), "commit", "-q", "--allow-empty", "-m", "two")
    config = tmp_path / "gitconfig"
    config.write_text(gitconfig_for(repo, addresses_of(repo)))
    git("init", "-q", "--bare", str(tmp_path / "pod"))
    fetch = ("-C", str(tmp_path / "pod"), "fetch", "-q", "--depth=1", spelling, first)
    git(*fetch, GIT_CONFIG_GLOBAL=str(config))
    assert git("-C", str(tmp_path / "pod"), "rev-parse", "FETCH_HEAD") == first


def test_a_repository_without_an_address_needs_no_configuration(repo):
    assert gitconfig_for(repo, []) == ""


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/team/digits-data.git",
        "https://git.example.com/team/digits2",
        "ssh://git@git.example.com/team/digits_old.git",
    ],
)
def test_a_repository_whose_name_begins_alike_stays_where_it_is(repo, tmp_path, other):
    config = tmp_path / "gitconfig"
    config.write_text(gitconfig_for(repo, [ADDRESS]))
    assert git("ls-remote", "--get-url", other, GIT_CONFIG_GLOBAL=str(config)) == other


@pytest.mark.parametrize("user", ["oauth2:s3cret", "s3cret"], ids=["user and token", "a bare token"])
def test_a_password_of_a_remote_stays_out_of_pods(repo, tmp_path, user):
    text = gitconfig_for(repo, [ADDRESS.replace("://", f"://{user}@")])
    assert "s3cret" not in text
    config = tmp_path / "gitconfig"
    config.write_text(text)
    assert git("ls-remote", "--get-url", ADDRESS, GIT_CONFIG_GLOBAL=str(config)).startswith("file://")
