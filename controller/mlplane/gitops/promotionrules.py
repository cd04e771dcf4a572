"""Whether a change brings other rules together with what they would judge.

A pull request is judged by its own ``promotion.yaml``, so that environments can be renamed and added. Were
what is served to change with it, the change could let itself through. Called by ``cli.commitgates``.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from mlplane.api.promotion import Promotion
from mlplane.errors import InvalidInput
from mlplane.gitops import promotiongates as gates
from mlplane.gitops.environments import FILE
from mlplane.gitops.promotionchecks import Span
from mlplane.gitops.promotiongates import Gate
from mlplane.gitops.promotionsite import files_at, promotion_at


def of_rules(repo: Path, promotion: Promotion, span: Span) -> Iterator[Gate]:
    """A gate that is not met, where rules come together with a server that they would judge.

    Args:
        repo: The repository.
        promotion: The environments as the change has them.
        span: The change.

    Raises:
        InvalidInput: A manifest cannot be read.
    """
    try:
        before = promotion_at(repo, span.base)
    except InvalidInput:
        return  # the first rules, or the first that can be read
    if before.environments == promotion.environments:
        return
    free = _free(before) & _free(promotion)
    old = [spec for _, spec in _servers(repo, span.base, before, free)]
    new = [file for file, spec in _servers(repo, span.head, promotion, free) if spec not in old]
    if new:
        message = f"{FILE} changes together with {', '.join(new)}: have it merged first"
        yield gates.failed("policy", f"{message}, for a change is not judged by rules that it brings itself")


def _free(promotion: Promotion) -> set[str]:
    """Paths of the environments that nothing is promoted to."""
    return {environment.path for environment in promotion.environments if not environment.from_}


def _servers(
    repo: Path, commit: str, promotion: Promotion, free: Collection[str]
) -> Iterator[tuple[str, object]]:
    """File and spec of each server that is not in one of the free environments."""
    for environment in promotion.environments:
        if environment.path not in free:
            found = files_at(repo, commit, environment).of_kind("ModelServer")
            yield from ((file, body.get("spec")) for file, body in found)
