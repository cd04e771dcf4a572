import pytest

from mlplane.errors import Terminal, Transient
from mlplane.steps.gitcommand import CommitUnavailable, failure_of


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("fatal: unable to access 'https://a/': Could not resolve host: a", Transient),
        ("fatal: unable to access 'https://a/': Failed to connect to a port 443", Transient),
        ("ssh: connect to host a port 22: Connection timed out", Transient),
        ("ssh: connect to host a port 22: Connection refused", Transient),
        ("fatal: unable to access 'https://a/': The requested URL returned error: 503", Transient),
        ("fatal: unable to access 'https://a/': The requested URL returned error: 403", Terminal),
        ("fatal: Authentication failed for 'https://a/'", Terminal),
        ("remote: Repository not found.", Terminal),
        ("fatal: transport 'ext' not allowed", Terminal),
        ("fatal: remote error: upload-pack: not our ref 1111", CommitUnavailable),
        ("error: Server does not allow request for unadvertised object 1111", CommitUnavailable),
    ],
)
def test_what_may_pass_by_itself_is_told_from_what_a_person_must_change(said, kind):
    assert type(failure_of("fetch", said)) is kind


@pytest.mark.parametrize("secret", ["user:token", "token", "user:p@ss", "user:p%40ss"])
def test_names_and_passwords_in_urls_are_not_repeated(secret):
    said = f"fatal: unable to access 'https://{secret}@git.example.com/team/a.git/':\nno"
    assert str(failure_of("fetch", said)) == (
        "git fetch failed: fatal: unable to access 'https://git.example.com/team/a.git/':; no"
    )
