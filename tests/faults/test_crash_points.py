"""A part of the crash points: in each scenario two of the processes, at different moments and on both sides.

``make faults`` runs them all. docs/explanation/crash-points.md says what is shown.
"""

from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from faults.crash.campaign import Campaign, sample, sampled
from faults.crash.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(900)  # the first test waits for all
QUIET_S = 2.0
STORIES = list(dict.fromkeys(name for name, _ in sampled()))
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "crash-points.md"


def test_the_documentation_has_each_story():
    page = PAGE.read_text()
    assert [s.name for s in SCENARIOS.values() if f"| {s.name} | {s.what} |" not in page] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def campaign(tmp_path_factory):
    """All of them, some planes at a time."""
    with closing(Campaign(tmp_path_factory.mktemp("faults"), QUIET_S, jobs=4)) as made:
        await made.prepare(STORIES, times=1)
        await made.run(sample(made.references))
    return made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scenario", STORIES)
async def test_the_story_can_be_told(campaign, scenario):
    assert campaign.references[scenario].faults == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("scenario", "part"), sampled())
async def test_the_world_converges_after_a_crash(campaign, scenario, part):
    (outcome,) = [o for o in campaign.outcomes if o.scenario == scenario and o.point.part == part]
    assert outcome.faults == [], f"{outcome.point}, killed at {outcome.killed}"
