"""Each forge's client against a server of its kind on this machine."""

import re

import pytest

from forgeservers import running
from mlplane.api.promotion import Forge
from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.gitops.pullrequests import PullRequest, Status, client_for

WANTED = PullRequest("mlplane/promote/prod/digits", "main", "Promote digits", "**Passed**\n")
COMMIT = "c" * 40


@pytest.fixture(params=["GitHub", "GitLab", "Gitea"])
def forge(request):
    with running(request.param) as made:
        yield made


@pytest.fixture
def client(forge):
    said = Forge.model_validate({"kind": forge.kind, "url": forge.url, "repository": "team/digits"})
    return client_for(said, {"MLPLANE_FORGE_TOKEN": forge.token})


def test_a_pull_request_is_opened(forge, client):
    opened = client.ensure(WANTED)
    assert (opened.is_new, opened.url) == (True, f"{forge.url}/team/digits/1")
    assert [(p["branch"], p["trunk"], p["title"], p["text"]) for p in forge.pulls] == [tuple(WANTED)]


def test_one_that_is_open_is_updated(forge, client):
    forge.open("other", "main", "Other", "")
    client.ensure(WANTED)
    opened = client.ensure(WANTED._replace(title="Promote another", text="new"))
    assert (opened.is_new, opened.url) == (False, f"{forge.url}/team/digits/2")
    assert [(p["title"], p["text"]) for p in forge.pulls] == [("Other", ""), ("Promote another", "new")]


def test_one_of_a_fork_with_a_branch_of_the_same_name_is_not_taken_for_ours(forge, client):
    """Else the text of a promotion would vouch for a change of somebody else."""
    forge.open(WANTED.branch, WANTED.trunk, "Theirs", "", owner="mallory")
    assert client.ensure(WANTED).is_new
    assert client.ensure(WANTED._replace(title="Ours")).url.endswith("/2")
    assert [p["title"] for p in forge.pulls] == ["Theirs", "Ours"]


def test_one_that_says_the_same_is_left_alone(forge, client):
    client.ensure(WANTED)
    asked = len(forge.asked)
    client.ensure(WANTED)
    assert {each.method for each in forge.asked[asked:]} == {"GET"}


def test_one_that_was_closed_is_not_opened_again_but_followed_by_another(forge, client):
    client.ensure(WANTED)
    forge.pulls[0]["open"] = False
    assert client.ensure(WANTED).url.endswith("/2")


def test_two_that_open_it_at_the_same_time_share_one(forge, client):
    forge.after_list = lambda: forge.open(WANTED.branch, WANTED.trunk, "by the other", "")
    assert client.ensure(WANTED).is_new is False
    assert [(p["title"], p["text"]) for p in forge.pulls] == [(WANTED.title, WANTED.text)]


def test_statuses_are_set(forge, client):
    found = [Status("mlplane/schema", "Passed", "all right"), Status("mlplane/soak", "Failed", "wait " * 100)]
    client.report(COMMIT, found)
    states = ["success", "failed" if forge.kind == "GitLab" else "failure"]
    assert [(s["commit"], s["name"], s["state"]) for s in forge.statuses] == [
        (COMMIT, "mlplane/schema", states[0]),
        (COMMIT, "mlplane/soak", states[1]),
    ]
    assert forge.statuses[1]["description"].endswith("…")
    assert len(forge.statuses[1]["description"]) <= 255


def test_a_refusal_is_told_in_the_forges_words_and_without_the_token(forge, client):
    forge.broken = 403
    with pytest.raises(Terminal, match=r"refused \(403\): .*out of order") as refused:
        client.ensure(WANTED)
    assert forge.token not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_forge_that_is_down_may_be_up_later(forge, client):
    forge.broken = 503
    with pytest.raises(Transient, match=r"refused \(503\)"):
        client.ensure(WANTED)


def test_a_forge_that_does_not_answer_may_later():
    said = Forge.model_validate({"kind": "Gitea", "url": "http://127.0.0.1:9", "repository": "team/digits"})
    with pytest.raises(Transient, match="cannot be reached: ConnectError"):
        client_for(said, {"GITEA_TOKEN": "t"}).ensure(WANTED)


def test_the_token_goes_into_the_header_alone(forge, client):
    client.ensure(WANTED)
    client.report(COMMIT, [Status("mlplane/plan", "Passed", "ok")])
    for asked in forge.asked:
        said = [name for name, value in asked.headers.items() if forge.token in value]
        assert said in (["Authorization"], ["PRIVATE-TOKEN"], ["Private-Token"])
        assert forge.token not in f"{asked.path}{asked.query}{asked.body}"


@pytest.mark.parametrize("name", ["GITEA_TOKEN", "MLPLANE_FORGE_TOKEN"])
def test_without_a_token_it_says_which_variable_to_set(name):
    said = Forge.model_validate(
        {"kind": "Gitea", "url": "http://git.example.com", "repository": "team/digits"}
    )
    with pytest.raises(InvalidInput, match=re.escape("set GITEA_TOKEN, or MLPLANE_FORGE_TOKEN")):
        client_for(said, {})
    assert client_for(said, {name: "t"}) is not None


def test_without_a_forge_there_is_no_client():
    assert client_for(Forge(kind="None"), {}) is None
