import pytest

from mlplane.api.promotion import Forge, Promotion
from mlplane.gitops.forges import forge_of


def promotion(**forge):
    return Promotion.model_validate(
        {
            "apiVersion": "mlplane.dev/v1alpha1",
            "kind": "Promotion",
            "environments": [{"name": "dev", "path": "dev", "namespace": "dev"}],
            "forge": forge,
        }
    )


@pytest.mark.parametrize(
    ("remote", "want"),
    [
        ("https://github.com/acme/digits.git", ("GitHub", "https://github.com", "acme/digits")),
        ("git@github.com:acme/digits.git", ("GitHub", "https://github.com", "acme/digits")),
        ("ssh://git@gitlab.acme.dev:2222/a/b/c.git", ("GitLab", "https://gitlab.acme.dev", "a/b/c")),
        ("https://oauth2:secret@gitlab.com/a/b", ("GitLab", "https://gitlab.com", "a/b")),
        ("http://gitea.localhost:3000/acme/digits", ("Gitea", "http://gitea.localhost:3000", "acme/digits")),
        ("https://codeberg.org/acme/digits.git", ("Gitea", "https://codeberg.org", "acme/digits")),
        ("https://git.example.com/team/digits.git", ("None", "https://git.example.com", "team/digits")),
        ("file:///srv/digits.git", ("None", None, None)),
        ("../digits.git", ("None", None, None)),
    ],
)
def test_a_remote_tells_its_forge(remote, want):
    found = forge_of(None, [remote, "https://elsewhere.example/x/y"])
    assert (found.kind, found.url, found.repository) == want


def test_what_the_repository_says_wins_field_by_field():
    found = forge_of(promotion(kind="Gitea"), ["https://git.example.com/team/digits.git"])
    assert found == Forge(kind="Gitea", url="https://git.example.com", repository="team/digits")
    found = forge_of(promotion(kind="GitLab", url="https://other"), ["https://github.com/a/b"])
    assert found == Forge(kind="GitLab", url="https://other", repository="a/b")


def test_a_repository_may_want_no_forge_and_a_folder_has_none():
    assert forge_of(promotion(kind="None"), ["https://github.com/a/b"]) == Forge(kind="None")
    assert forge_of(None, []) == Forge(kind="None")
