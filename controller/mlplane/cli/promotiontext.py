"""The text of a pull request that promotes: verdict, comparison, lineage, the exact plan, the way back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlplane.api import Evaluation, ModelVersion
    from mlplane.api.planned import Plan
    from mlplane.api.promotion import Environment
    from mlplane.api.refs import Ref
    from mlplane.body import Body
    from mlplane.cards.subject import Subject
    from mlplane.gitops.environmentfiles import EnvironmentFiles
    from mlplane.gitops.promoting import Proposal
    from mlplane.gitops.promotion import Change
    from mlplane.gitops.promotionsite import Site
    from mlplane.store.artifacts import Store

LIMIT = 60_000
"""Characters; forges take some 65,000."""


def text_of(site: "Site", proposal: "Proposal", store: "Store | None", image: str) -> str:
    """The text.

    Args:
        site: What it starts from.
        proposal: What it changes.
        store: Where the reports are; without it there are fewer numbers.
        image: Image of steps and predictors, which the plan renders.
    """
    from mlplane.cards.promotion import evidence

    candidate = proposal.offer.candidate
    subject = subject_of(candidate.version, list(candidate.evaluations), store)
    change = proposal.change
    before = (
        f"`{change.before.name}` is served there now." if change.before else "Nothing is served there yet."
    )
    about = evidence(subject, serving(site, store), change.environment)
    plan = plan_of(site, change.files, image)
    if len(about) + len(plan) > LIMIT:
        plan = "### Plan\n\nIt is too long to be shown here: see `mlplane plan`."
    parts = [
        f"`{candidate.version.name}` goes from {candidate.source} to {change.environment}. {before}",
        about,
        plan,
        "### Way back",
        _way_back(change),
        _trailers(proposal.message),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _way_back(change: "Change") -> str:
    if change.before is None:
        return "`git revert` of the merge: nothing is served again, as before."
    return f"`mlplane rollback {change.server} --env {change.environment}`, or `git revert` of the merge."


def _trailers(message: str) -> str:
    """For a forge that makes the text of the pull request the message of the commit."""
    block = message.strip().rpartition("\n\n")[2]
    return f"<details><summary>For programs</summary>\n\n```text\n{block}\n```\n\n</details>"


def subject_of(version: "ModelVersion", evaluations: "list[Evaluation]", store: "Store | None") -> "Subject":
    """A version with its reports, as far as they can be had."""
    from mlplane.cards.subject import Judged, Subject
    from mlplane.cli.modelversions import judged_in

    if store is None:
        return Subject(version, [Judged(each, problem="no store is known") for each in evaluations])
    return Subject(version, [judged_in(each, store) for each in evaluations])


def serving(site: "Site", store: "Store | None") -> "Subject | None":
    """What the target pins now, as git has it; None where it pins nothing that is there."""
    found = site.target.server_of(site.model)
    return pinned_subject(site.target, found[0], store) if found else None


def pinned_subject(files: "EnvironmentFiles", file: str, store: "Store | None") -> "Subject | None":
    """The version that a server's manifest pins; None where it pins nothing that is there."""
    from mlplane.api import Evaluation, ModelVersion
    from mlplane.gitops.records import as_judged
    from mlplane.gitops.serverpins import pin_of

    pin = pin_of(files.bodies.get(file))
    version = files.find("ModelVersion", pin.name) if pin else None
    if pin is None or version is None:
        return None
    bodies = files.evaluations_of(pin.name).values()
    evaluations = [as_judged(Evaluation.model_validate(body)) for body in bodies]
    return subject_of(ModelVersion.model_validate(version[1]), evaluations, store)


def plan_of(site: "Site", files: Mapping[str, str | None], image: str) -> str:
    """What the change would do, by the controllers' own decisions."""
    from mlplane.gitops.planningmarkdown import markdown

    texts = site.target.texts
    changed = {name: content for name, content in {**texts, **files}.items() if content is not None}
    return markdown(planned(site.repo, site.target.environment, texts, changed, image))


def planned(
    repo: Path, environment: "Environment", before: Mapping[str, str], after: Mapping[str, str], image: str
) -> "Plan":
    """The plan of a change of an environment's manifests.

    Raises:
        InvalidInput: One of them is wrong.
    """
    from mlplane.gitops.planning import Sides, plan
    from mlplane.gitops.planningfacts import Repository
    from mlplane.settings import DEFAULT_IMAGE, Settings

    old, new = (_objects(repo, environment, texts) for texts in (before, after))
    sides = Sides(
        path=environment.path,
        namespace=environment.namespace,
        before=old,
        owned=len(old),
        after=new,
        before_name="the main branch",
        after_name="this change",
    )
    settings = Settings(store=environment.store or "s3://artifacts", image=image or DEFAULT_IMAGE)
    return plan(sides, settings, Repository(repo, None), datetime.now(UTC))


def _objects(repo: Path, environment: "Environment", texts: Mapping[str, str]) -> "dict[Ref, Body]":
    from mlplane.api.refs import ref_of
    from mlplane.gitops.committed import source_label, valid_documents
    from mlplane.gitops.sync import prepared

    source = source_label(repo, environment.path)
    documents = valid_documents({name: content.encode() for name, content in texts.items()})
    bodies = (prepared(d.body, namespace=environment.namespace, source=source) for d in documents)
    return {ref_of(body): body for body in bodies}
