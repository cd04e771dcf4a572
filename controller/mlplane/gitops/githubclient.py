"""GitHub by PyGithub. Called by ``gitops.pullrequests``."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
from github import Auth, Github, GithubException
from github.PullRequest import PullRequest as Found

from mlplane.errors import Terminal, Transient
from mlplane.gitops.pullrequests import TIMEOUT_SECONDS, Opened, PullRequest, Status, shortened

_STATES = {"Passed": "success", "Failed": "failure", "Warning": "success"}
"""GitHub has no state for a warning; the words say it."""
_LONGEST = 140


class GitHubClient:
    """A repository on GitHub, or on a GitHub Enterprise Server."""

    def __init__(self, url: str, repository: str, token: str) -> None:
        """``url`` is that of the web pages; a host other than github.com has its API below ``/api/v3``."""
        api = "https://api.github.com" if urlsplit(url).hostname == "github.com" else f"{url}/api/v3"
        github = Github(
            base_url=api,
            auth=Auth.Token(token),
            timeout=TIMEOUT_SECONDS,
            retry=None,
            lazy=True,
            # A dozen requests need no brake, which is a second for each that writes.
            seconds_between_requests=None,
            seconds_between_writes=None,
        )
        self._repo = github.get_repo(repository)
        self._owner = repository.partition("/")[0]

    def ensure(self, wanted: PullRequest) -> Opened:
        """Have one open pull request from the branch."""
        with _errors():
            if found := self._open(wanted):
                return _updated(found, wanted)
            try:
                made = self._repo.create_pull(
                    base=wanted.trunk, head=wanted.branch, title=wanted.title, body=wanted.text
                )
            except GithubException as error:
                # Somebody else has opened it since it was looked for.
                if error.status == 422 and (found := self._open(wanted)):
                    return _updated(found, wanted)
                raise
            return Opened(made.html_url, is_new=True)

    def report(self, commit: str, statuses: list[Status]) -> None:
        """Set statuses of a commit."""
        with _errors():
            found = self._repo.get_commit(commit)
            for status in statuses:
                found.create_status(
                    state=_STATES[status.state],
                    context=status.name,
                    description=shortened(status.message, _LONGEST),
                )

    def _open(self, wanted: PullRequest) -> Found | None:
        head = f"{self._owner}:{wanted.branch}"
        pulls = self._repo.get_pulls(state="open", head=head, base=wanted.trunk)
        return next(iter(pulls), None)


def _updated(found: Found, wanted: PullRequest) -> Opened:
    if (found.title, found.body) != (wanted.title, wanted.text):
        found.edit(title=wanted.title, body=wanted.text)
    return Opened(found.html_url, is_new=False)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except GithubException as error:
        said = error.data.get("message") if isinstance(error.data, dict) else error.data
        kind = Transient if error.status >= 500 else Terminal
        raise kind(f"GitHub refused ({error.status}): {said}") from None
    except requests.RequestException as error:
        raise Transient(f"GitHub cannot be reached: {type(error).__name__}") from None
