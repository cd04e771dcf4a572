"""A home, a repository from the template, and planes over them."""

from pathlib import Path

import pytest

from plane import Plane, make_repository


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Path:
    return make_repository(tmp_path / "digits", home)


@pytest.fixture
def plane(tmp_path: Path, home: Path, repository: Path) -> Plane:
    """Not started; fetches code and data from the repository, but applies nothing from it."""
    return Plane(
        tmp_path / "state", home, ("--repo", str(repository), "--path", "none", "--revision", "main")
    )


@pytest.fixture
def gitops_plane(tmp_path: Path, home: Path, repository: Path) -> Plane:
    """Not started; applies the directory ``dev`` of the repository."""
    return Plane(tmp_path / "state", home, ("--repo", str(repository), "--path", "dev", "--revision", "main"))
