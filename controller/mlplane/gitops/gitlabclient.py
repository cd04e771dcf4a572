"""GitLab by python-gitlab. Called by ``gitops.pullrequests``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gitlab
import requests

from mlplane.errors import Terminal, Transient
from mlplane.gitops.pullrequests import TIMEOUT_SECONDS, Opened, PullRequest, Status, shortened

_STATES = {"Passed": "success", "Failed": "failed", "Warning": "success"}
_LONGEST = 255


class GitLabClient:
    """A project on GitLab."""

    def __init__(self, url: str, repository: str, token: str) -> None:
        """``url`` is that of the web pages; ``repository`` is the full path of the project."""
        self._gitlab = gitlab.Gitlab(
            url, private_token=token, timeout=TIMEOUT_SECONDS, retry_transient_errors=False
        )
        self._project: Any = self._gitlab.projects.get(repository, lazy=True)

    def ensure(self, wanted: PullRequest) -> Opened:
        """Have one open merge request from the branch."""
        with _errors():
            if found := self._open(wanted):
                return _updated(found, wanted)
            fields = {"source_branch": wanted.branch, "target_branch": wanted.trunk}
            try:
                made = self._project.mergerequests.create(
                    fields | {"title": wanted.title, "description": wanted.text, "remove_source_branch": True}
                )
            except gitlab.GitlabCreateError as error:
                # Somebody else has opened it since it was looked for.
                if error.response_code == 409 and (found := self._open(wanted)):
                    return _updated(found, wanted)
                raise
            return Opened(made.web_url, is_new=True)

    def report(self, commit: str, statuses: list[Status]) -> None:
        """Set statuses of a commit."""
        with _errors():
            found = self._project.commits.get(commit, lazy=True)
            for status in statuses:
                found.statuses.create(
                    {
                        "state": _STATES[status.state],
                        "name": status.name,
                        "description": shortened(status.message, _LONGEST),
                    }
                )

    def _open(self, wanted: PullRequest) -> Any:
        """Not that of a fork, whose branch may have the same name."""
        listed = self._project.mergerequests.list(
            state="opened", source_branch=wanted.branch, target_branch=wanted.trunk, iterator=True
        )
        return next((each for each in listed if each.source_project_id == each.target_project_id), None)


def _updated(found: Any, wanted: PullRequest) -> Opened:
    if (found.title, found.description) != (wanted.title, wanted.text):
        found.title, found.description = wanted.title, wanted.text
        found.save()
    return Opened(found.web_url, is_new=False)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except gitlab.GitlabError as error:
        code = error.response_code or 0
        kind = Transient if code >= 500 else Terminal
        raise kind(f"GitLab refused ({code}): {error.error_message}") from None
    except requests.RequestException as error:
        raise Transient(f"GitLab cannot be reached: {type(error).__name__}") from None
