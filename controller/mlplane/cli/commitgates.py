"""The gates of a commit, gathered from validation, git, the stores and the plan. Called by ``cli.check``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlplane.api.promotion import Environment, Promotion
    from mlplane.gitops.findings import Finding
    from mlplane.gitops.promotionchecks import Arrival, Span
    from mlplane.gitops.promotiongates import Gate
    from mlplane.store.artifacts import Store


class Stores:
    """The store of each environment, as far as it is known."""

    def __init__(self, url: str, kubeconfig: Path | None) -> None:
        """``url`` and ``kubeconfig`` are what the options of a command say."""
        self._url, self._kubeconfig = url, kubeconfig

    def of(self, environment: "Environment") -> "Store | None":
        """The store of an environment; None where nothing tells it."""
        from mlplane.cli.storeaccess import opened
        from mlplane.errors import InvalidInput

        try:
            return opened(self._url or environment.store or "", self._kubeconfig)
        except InvalidInput:
            return None


def gates_of(
    repo: Path, promotion: "Promotion", span: "Span", stores: Stores, image: str
) -> "Iterator[Gate]":
    """What each gate says of a change; several answers for one are possible, and none.

    Raises:
        Transient: A store fails.
    """
    from mlplane.errors import Terminal
    from mlplane.gitops.promotionchecks import arrivals, of_arrival, of_findings
    from mlplane.gitops.promotiongates import failed
    from mlplane.gitops.promotionrules import of_rules

    findings = _findings(repo, promotion)
    yield from of_findings(findings)
    if any(finding.severity == "error" and finding.check == "schema" for finding in findings):
        # What cannot be read is judged no further: every other gate would only repeat it.
        return
    now = datetime.now(UTC)
    try:
        yield from of_rules(repo, promotion, span)
        for arrival in arrivals(repo, promotion, span):
            store = stores.of(arrival.after.environment)
            yield from of_arrival(arrival, store, now)
            yield _baseline(arrival, store)
        for environment in promotion.environments:
            yield _plan(repo, environment, span, image)
    except Terminal as error:
        yield failed("plan", str(error))


def _findings(repo: Path, promotion: "Promotion") -> "list[Finding]":
    from mlplane.gitops.environments import FILE
    from mlplane.gitops.validate import validate

    places = [repo / environment.path for environment in promotion.environments]
    return validate([repo / FILE, *(place for place in places if place.is_dir())])


def _baseline(arrival: "Arrival", store: "Store | None") -> "Gate":
    """Whether the version is clearly worse than what it takes the place of."""
    from mlplane.cards.promotion import worse
    from mlplane.cli.promotiontext import pinned_subject, subject_of
    from mlplane.gitops.promotiongates import Gate, failed, passed

    before = pinned_subject(arrival.before, arrival.file, store)
    if arrival.version is None or before is None:
        return passed("baseline", f"{arrival.where} serves nothing yet that it could be compared with")
    if arrival.is_back:
        return passed("baseline", f"{arrival.where} goes back to what it served before")
    bad, is_compared = worse(subject_of(arrival.version, arrival.evaluations, store), before)
    if bad:
        return failed("baseline", f"{'; '.join(bad)}: keep {before.version.name}, or train a better one")
    if not is_compared:
        message = f"{arrival.pin.name} and {before.version.name} were not judged by the same data"
        return Gate("baseline", "Warning", f"{message}: judge one of them by that of the other")
    return passed("baseline", f"{arrival.pin.name} is not clearly worse than {before.version.name}")


def _plan(repo: Path, environment: "Environment", span: "Span", image: str) -> "Gate":
    from mlplane.cli.promotiontext import planned
    from mlplane.gitops.planningwords import headline
    from mlplane.gitops.promotiongates import failed, passed
    from mlplane.gitops.promotionsite import files_at

    before, after = (files_at(repo, commit, environment).texts for commit in (span.base, span.head))
    made = planned(repo, environment, before, after, image)
    if made.problems:
        return failed("plan", f"{environment.name}: {'; '.join(made.problems)}")
    return passed("plan", f"{environment.name}: {headline(made)}")
