"""Gitea and Forgejo, by four requests of their own.

No client library for them is kept that knows pull requests and statuses of both (decision 22). Called by
``gitops.pullrequests``.
"""

from typing import Any
from urllib.parse import quote

import httpx

from mlplane.errors import Terminal, Transient
from mlplane.gitops.pullrequests import TIMEOUT_SECONDS, Opened, PullRequest, Status, shortened

_STATES = {"Passed": "success", "Failed": "failure", "Warning": "warning"}
_LONGEST = 255


class GiteaClient:
    """A repository on Gitea or Forgejo."""

    def __init__(self, url: str, repository: str, token: str) -> None:
        """``url`` is that of the web pages."""
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/repos/{quote(repository)}/",
            headers={"Authorization": f"token {token}"},
            timeout=TIMEOUT_SECONDS,
        )

    def ensure(self, wanted: PullRequest) -> Opened:
        """Have one open pull request from the branch."""
        if found := self._open(wanted):
            return self._updated(found, wanted)
        fields = {"head": wanted.branch, "base": wanted.trunk, "title": wanted.title, "body": wanted.text}
        reply = self._ask("POST", "pulls", fields, may_fail=409)
        if reply is None:
            # Somebody else has opened it since it was looked for.
            if found := self._open(wanted):
                return self._updated(found, wanted)
            raise Terminal(f"the forge says that a pull request of {wanted.branch} is open, and lists none")
        return Opened(reply["html_url"], is_new=True)

    def report(self, commit: str, statuses: list[Status]) -> None:
        """Set statuses of a commit."""
        for status in statuses:
            fields = {
                "context": status.name,
                "state": _STATES[status.state],
                "description": shortened(status.message, _LONGEST),
            }
            self._ask("POST", f"statuses/{commit}", fields)

    def _open(self, wanted: PullRequest) -> Any:
        """Page by page, of whatever size the server makes them: the API has no filter by branch.

        Not that of a fork, whose branch may have the same name.
        """
        page = 1
        while listed := self._ask("GET", f"pulls?state=open&page={page}"):
            for pull in listed:
                head, base = pull["head"], pull["base"]
                is_ours = head["repo_id"] == base["repo_id"]
                if is_ours and (head["ref"], base["ref"]) == (wanted.branch, wanted.trunk):
                    return pull
            page += 1
        return None

    def _updated(self, found: Any, wanted: PullRequest) -> Opened:
        if (found["title"], found["body"]) != (wanted.title, wanted.text):
            self._ask("PATCH", f"pulls/{found['number']}", {"title": wanted.title, "body": wanted.text})
        return Opened(found["html_url"], is_new=False)

    def _ask(self, method: str, path: str, fields: Any = None, *, may_fail: int = 0) -> Any:
        try:
            reply = self._http.request(method, path, json=fields)
        except httpx.HTTPError as error:
            raise Transient(f"the forge cannot be reached: {type(error).__name__}") from None
        if reply.status_code == may_fail:
            return None
        if reply.is_success:
            return reply.json()
        kind = Transient if reply.status_code >= 500 else Terminal
        raise kind(f"the forge refused ({reply.status_code}): {_said(reply)}")


def _said(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["message"])
    except (ValueError, KeyError, TypeError):
        return reply.reason_phrase
