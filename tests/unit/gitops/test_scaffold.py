import pytest

from mlplane.api.meta import GitSource
from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops import git, scaffold
from mlplane.gitops.pins import pins

URL = "https://git.example.com/team/mine.git"
TEMPLATE = """\
kind: TrainingRun
metadata: {name: digits-1}
spec: {code: {git: {url: https://git.example.com/team/template.git, path: train, commit: '%s'}}}
""" % ("0" * 40)


@pytest.fixture(autouse=True)
def template(tmp_path, monkeypatch):
    made = tmp_path / "templates" / "small"
    (made / "train" / "__pycache__").mkdir(parents=True)
    (made / "train" / "__pycache__" / "x.pyc").write_text("")
    (made / "train" / "train.py").write_text("print(1)\n")
    (made / "dev").mkdir()
    (made / "dev" / "run.yaml").write_text(TEMPLATE)
    monkeypatch.setattr(scaffold, "templates", lambda: {"small": made})
    return made


def test_the_new_repository_is_committed_pinned_and_knows_its_address(tmp_path):
    directory = tmp_path / "mine"
    head = scaffold.init(directory, "small", URL)
    assert git.resolve(directory, "main") == head
    assert git.remote_urls(directory) == [URL]
    assert not git.is_dirty(directory)
    text = (directory / "dev" / "run.yaml").read_text()
    assert f"url: {URL}" in text
    assert pins(text, "dev/run.yaml")[0].commit.value == git.last_commit(directory, "train")
    assert not (directory / "train" / "__pycache__").exists()


def test_a_directory_that_is_empty_will_do(tmp_path):
    directory = tmp_path / "mine"
    directory.mkdir()
    scaffold.init(directory, "small", URL)
    assert (directory / "train" / "train.py").exists()


def test_a_directory_with_something_in_it_is_refused_and_left_alone(tmp_path):
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput, match="mine exists and is not empty"):
        scaffold.init(directory, "small", URL)
    assert [path.name for path in directory.iterdir()] == ["thesis.txt"]


def test_an_unknown_template_is_told_with_those_there_are(tmp_path):
    with pytest.raises(InvalidInput, match="no template 'big'; there are: small"):
        scaffold.init(tmp_path / "mine", "big", URL)


@pytest.mark.parametrize(
    "url",
    ["https://me:secret@git.example.com/team/mine.git", "git@git.example.com:team/mine.git", "mine", "-x"],
)
def test_an_address_that_no_manifest_may_have_is_refused_and_not_repeated(tmp_path, url):
    with pytest.raises(InvalidInput, match=r"give --url as https://HOST/OWNER/NAME\.git") as refused:
        scaffold.init(tmp_path / "mine", "small", url)
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["my models", "modèles", "https://git.example.com"])
def test_a_repository_of_any_name_has_manifests_that_are_right(tmp_path, name):
    url = name if "://" in name else scaffold.default_url(tmp_path / name)
    scaffold.init(tmp_path / "mine", "small", url)
    [pin] = pins((tmp_path / "mine" / "dev" / "run.yaml").read_text(), "dev/run.yaml")
    assert GitSource(url=pin.url.value, path="train", commit=pin.commit.value).url == url


@pytest.mark.parametrize("there_before", [True, False])
def test_nothing_is_left_when_it_fails_half_way(tmp_path, monkeypatch, there_before):
    directory = tmp_path / "mine"
    if there_before:
        directory.mkdir()

    def fails(_repo):
        raise Terminal("no")

    monkeypatch.setattr(scaffold, "lock_commit", fails)
    with pytest.raises(Terminal):
        scaffold.init(directory, "small", URL)
    assert list(directory.iterdir()) == [] if there_before else not directory.exists()


def test_the_address_is_named_after_the_directory(tmp_path):
    assert scaffold.default_url(tmp_path / "mine") == URL
