"""The matrix plays once a session, all cells at a time; each test takes its cell's result.

``CONFORMANCE_KUBECONFIG`` names another server than the local one; ``RECORD=1`` records its answers.
``RECORD=deviations`` writes how the local one differs.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.matrix import play, recordings
from conformance.matrix.cell import Body, Cell, cells
from conformance.matrix.target import Target


@pytest.fixture(scope="session")
def elsewhere() -> str:
    """The kubeconfig of another server; empty for the local one."""
    found = os.environ.get("CONFORMANCE_KUBECONFIG", "")
    assert found or os.environ.get("RECORD") != "1", "RECORD=1 is for a real server: name its KUBECONFIG"
    return found


@pytest.fixture(scope="session")
def target(
    elsewhere: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The server; it knows the kinds of the matrix."""
    kubeconfig = elsewhere or request.getfixturevalue("matrix_server").state.kubeconfig
    found = Target(Path(kubeconfig), tmp_path_factory.mktemp("matrix"), 300 if elsewhere else 100)
    play.define(found)
    yield found
    found.api_client.close()
    if elsewhere:
        play.forget(found)


@pytest.fixture(scope="session")
def result(target: Target, request: pytest.FixtureRequest) -> Iterator[Callable[[Cell], Body]]:
    """What a cell has shown; only the cells whose tests are selected play."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [call.params["cell"] for call in calls if call and "cell" in call.params]
    with contextlib.ExitStack() as stack:
        if any(cell.client == "kopf" for cell in chosen):
            stack.enter_context(play.operating(target))
        yield from _asked(play.Players(target, chosen))


def _asked(players: play.Players) -> Iterator[Callable[[Cell], Body]]:
    seen: dict[str, Body] = {}

    def ask(cell: Cell) -> Body:
        seen[cell.name] = recordings.same(players.futures[cell.name].result())
        return seen[cell.name]

    yield ask
    players.close()
    if os.environ.get("RECORD") == "1":
        recordings.record(cells(), seen)
    if os.environ.get("RECORD") == "deviations":
        recordings.note(seen)
