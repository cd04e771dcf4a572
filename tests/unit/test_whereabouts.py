from pathlib import Path

import pytest

from mlplane.whereabouts import found


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.fixture
def started_here():
    """A plane was started in this directory."""
    Path(".mlplane").mkdir()
    Path(".mlplane/kubeconfig").write_text("{}")
    return Path(".mlplane/kubeconfig")


def test_a_plane_of_this_directory_is_found(started_here):
    assert found(None) == started_here


def test_an_argument_wins(started_here):
    assert found(Path("other")) == Path("other")


def test_the_variable_wins_over_a_plane_of_this_directory(started_here, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "elsewhere")
    assert found(None) is None  # Kubernetes' own rules read the variable


def test_else_kubernetes_own_rules_decide():
    assert found(None) is None
