"""A promotion, from what the remote's main branch says to a branch that changes it: the edges that act.

What is decided is decided anew whenever the main branch or the promotion's own branch has moved meanwhile, so
that a revert is never undone and the newest version wins. Called by ``cli.promote``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlplane.api import Evaluation
from mlplane.errors import Terminal
from mlplane.gitops import promotiongates, remote
from mlplane.gitops.candidates import Offer
from mlplane.gitops.evidence import bytes_gate, missing, problems_of
from mlplane.gitops.pinhistory import PinHistory
from mlplane.gitops.promotion import Change, change_for, message_for
from mlplane.gitops.promotiongates import Gate
from mlplane.gitops.promotionlog import is_let_again
from mlplane.gitops.promotionsite import Site
from mlplane.gitops.records import recorded
from mlplane.store.artifacts import Store

TRIES = 5
"""How often a promotion is worked out while others push."""


class Refused(Terminal):
    """A promotion that must not be made."""


class NothingToDo(Terminal):
    """The environment pins the version already."""


@dataclass(frozen=True)
class Proposal:
    """What is to be merged."""

    offer: Offer
    change: Change
    gates: Sequence[Gate]
    message: str

    @property
    def refusals(self) -> list[Gate]:
        """What stands in its way."""
        return [gate for gate in self.gates if gate.state == "Failed"]


@dataclass(frozen=True)
class Pushed:
    """A branch that is what it should be."""

    site: Site
    proposal: Proposal
    commit: str


def propose(site: Site, offer: Offer, store: Store | None, now: datetime) -> Proposal:
    """Work out what is to change, and whether it may.

    Raises:
        NothingToDo: It is pinned already.
        InvalidInput: The environment's files stand in the way.
        Transient: The store fails.
    """
    candidate = offer.candidate
    found = site.history.moves
    pinned = [move.after.digest for move in found if move.after]
    change = change_for(candidate, site.target, pinned, offer.server)
    if change.before == candidate.pin:
        raise NothingToDo(f"{change.environment} pins {candidate.pin.name} already: there is nothing to do")
    return Proposal(offer, change, _gates(site, offer, store, now), message_for(candidate, change))


def _gates(site: Site, offer: Offer, store: Store | None, now: datetime) -> list[Gate]:
    version, evaluations = offer.candidate.version, offer.candidate.evaluations
    proofs = [Evaluation.model_validate(recorded(each) or each.to_body()) for each in evaluations]
    lacking = missing(version, proofs, store) if store else []
    # What is not in the store cannot be compared with it, and is told already.
    problems = problems_of(version, proofs, None if lacking else store)
    target, source = site.target.environment, site.source.environment.name
    return promotiongates.merged(
        [
            bytes_gate(version, store, lacking),
            promotiongates.evaluation_gate(version.name, evaluations, problems),
            *(_hold(site, offer, history) for history in (site.history, site.source_history)),
            promotiongates.soak_gate(target, source, offer.ready_since, offer.not_ready, now),
            promotiongates.freeze_gate(target, now),
        ]
    )


def _hold(site: Site, offer: Offer, history: PinHistory) -> Gate:
    pin = offer.candidate.pin
    reverted = history.reverted.get(pin.digest)
    if reverted is None:
        return promotiongates.hold_gate(pin, None, (), is_let_again=False)
    again = is_let_again(site.repo, pin.digest, reverted.commit, site.heads.base)
    newer = [e.name for e in offer.candidate.evaluations if _is_passed_since(e, reverted.when)]
    return promotiongates.hold_gate(pin, reverted, newer, is_let_again=again)


def _is_passed_since(evaluation: Evaluation, moment: datetime) -> bool:
    created = evaluation.metadata.creation_timestamp
    passed = evaluation.status.verdict == "Passed"
    return passed and bool(created) and datetime.fromisoformat(created) > moment


def commit(site: Site, proposal: Proposal) -> str:
    """The commit of a proposal; the branch's own where it says the same already."""
    files = {
        path: None if content is None else content.encode() for path, content in proposal.change.files.items()
    }
    made = remote.commit(site.repo, site.heads.base, files, proposal.message)
    tip = site.heads.tip
    return tip if tip and remote.is_same_change(site.repo, tip, made) else made


def publish(look_again: Callable[[], Site], decide: Callable[[Site], Proposal]) -> Pushed:
    """Push the branch of a promotion, worked out from a main branch that is still the same afterwards.

    Args:
        look_again: Asks the remote for its state.
        decide: Works out the proposal, from the world as it is at that moment.

    Returns:
        What was decided on what, and the commit that the branch is.

    Raises:
        Refused: A gate is not met. A branch that was pushed meanwhile is put back.
        NothingToDo: It is pinned already.
        Terminal: Others push all the time.
    """
    pushed: Pushed | None = None
    for _ in range(TRIES):
        site = look_again()
        if pushed and (site.heads.base, site.heads.tip) == (pushed.site.heads.base, pushed.commit):
            return pushed
        try:
            proposal = _accepted(decide(site))
        except Terminal:
            if pushed:
                remote.withdraw(site.repo, pushed.commit, pushed.site.heads)
            raise
        made = commit(site, proposal)
        try:
            if made != site.heads.tip:
                remote.push(site.repo, made, site.heads)
        except remote.Moved:
            continue
        pushed = Pushed(site, proposal, made)
    raise Terminal(f"the repository changed {TRIES} times while this was worked out: run it again")


def _accepted(proposal: Proposal) -> Proposal:
    if refusals := proposal.refusals:
        raise Refused("; ".join(f"mlplane/{gate.name}: {gate.message}" for gate in refusals))
    return proposal
