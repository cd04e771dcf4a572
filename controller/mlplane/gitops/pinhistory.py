"""Which versions a server has been given, one after the other, and which of them were taken back. Pure.

Read from the pins that stood in its manifest on the main branch: a commit that brings back what stood there
before takes back what came in between, whoever made it and however, unless it is a promotion itself. Nothing
is kept anywhere else. Called by ``gitops.promotionlog``, ``gitops.promotiongates`` and ``gitops.rollback``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mlplane.api.judgement import PinnedRef
from mlplane.gitops import trailers


@dataclass(frozen=True)
class Moment:
    """A commit of the main branch that changed a manifest."""

    commit: str
    when: datetime
    message: str
    """With those of the commits that it merged."""
    pin: PinnedRef | None
    """What the manifest pins from here on."""


@dataclass(frozen=True)
class Move:
    """A change of the pin."""

    commit: str
    when: datetime
    before: PinnedRef | None
    after: PinnedRef | None


@dataclass(frozen=True)
class PinHistory:
    """What became of the pin of one server."""

    standing: Sequence[Move] = ()
    """The moves that led to what is pinned now, oldest first; none that was taken back."""
    reverted: dict[str, Move] = field(default_factory=dict)
    """By digest, the move that took it back, where nothing brought it again since."""
    moves: Sequence[Move] = ()
    """All of them, oldest first."""

    @property
    def newest(self) -> Move | None:
        """The promotion that is in force."""
        return self.standing[-1] if self.standing else None

    @property
    def pinned_since(self) -> datetime | None:
        """Since when what is pinned now is; None if nothing is."""
        last = self.moves[-1] if self.moves else None
        return last.when if last and last.after else None

    def since(self, digest: str) -> datetime | None:
        """Since when the digest is pinned; None if another one is, or none."""
        last = self.moves[-1] if self.moves else None
        return last.when if last and last.after and last.after.digest == digest else None


def history_of(moments: Iterable[Moment]) -> PinHistory:
    """Follow the pin.

    Args:
        moments: Oldest first.
    """
    standing: list[Move] = []
    moves: list[Move] = []
    reverted: dict[str, Move] = {}
    pin: PinnedRef | None = None
    for moment in moments:
        if moment.pin == pin:
            continue
        move = Move(moment.commit, moment.when, pin, moment.pin)
        moves.append(move)
        kept = _kept(standing, moment)
        if kept is None:
            standing.append(move)
        elif moment.pin is None and len(standing) > 1:
            standing.clear()  # a server that is given up, not a version that was wrong
        else:
            reverted |= {each.after.digest: move for each in standing[kept:] if each.after}
            del standing[kept:]
        if moment.pin:
            reverted.pop(moment.pin.digest, None)
        pin = moment.pin
    return PinHistory(tuple(standing), reverted, tuple(moves))


def _kept(standing: Sequence[Move], moment: Moment) -> int | None:
    """How many of the moves a moment leaves standing; None if it takes nothing back."""
    said = trailers.read(moment.message)
    is_promotion = moment.pin is not None and moment.pin.digest in said.get(trailers.DIGEST, ())
    if is_promotion and trailers.ROLLBACK not in said and "This reverts commit" not in moment.message:
        return None
    pins = [None, *(move.after for move in standing)]
    earlier = [place for place, pin in enumerate(pins[:-1]) if pin == moment.pin]
    return earlier[-1] if earlier else None
