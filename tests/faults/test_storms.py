"""A few of the error storms: one of each sort. ``make storms`` runs them all, beside a Kopf operator."""

import pytest
import pytest_asyncio

from faults.proxy import Request
from faults.storms.campaign import campaign
from faults.storms.table import storms, verb_of

STORM_S = 2.0
LIMIT_S = 90.0
"""More than `make storms` allows: other tests run beside this one, and the machine may be slow."""
CHOSEN = (
    "calm",
    "410 on watch p=1.0",
    "409 on status p=1.0",
    "reset on create p=1.0",
    "watch events dropped",
)
TABLE = {storm.name: storm for storm in storms()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory):
    async with campaign("mlplane", tmp_path_factory.mktemp("storms")) as made:
        yield made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", CHOSEN)
async def test_the_world_converges_after_a_storm_by_itself_and_is_quiet_then(world, name):
    outcome = await world.weather(TABLE[name], CHOSEN.index(name), storm_s=STORM_S, limit_s=LIMIT_S)
    assert outcome.left == []
    assert outcome.is_good, outcome


def test_the_table_has_every_fault_on_every_verb_and_no_name_twice():
    names = [storm.name for storm in storms()]
    assert len(names) == len(set(names)) == 1 + 12 * 6 * 2 + 12 + 1 + 5 + 3


@pytest.mark.parametrize(
    ("method", "path", "query", "verb"),
    [
        ("GET", "/apis/mlplane.dev/v1alpha1/namespaces/default/datasets/a", "", "get"),
        ("GET", "/apis/mlplane.dev/v1alpha1", "", "get"),
        ("GET", "/apis/mlplane.dev/v1alpha1/datasets", "limit=500", "list"),
        ("GET", "/apis/mlplane.dev/v1alpha1/namespaces/default/datasets", "", "list"),
        ("GET", "/api/v1/namespaces", "", "list"),
        ("GET", "/apis/mlplane.dev/v1alpha1/datasets", "watch=true", "watch"),
        ("POST", "/apis/argoproj.io/v1alpha1/namespaces/default/workflows", "", "create"),
        ("PATCH", "/apis/serving.kserve.io/v1beta1/namespaces/default/inferenceservices/a", "", "apply"),
        ("PATCH", "/apis/mlplane.dev/v1alpha1/namespaces/default/datasets/a/status", "", "status"),
    ],
)
def test_the_verb_of_a_request(method, path, query, verb):
    write = None if method == "GET" else 1
    assert verb_of(Request(1, method, path, query, {}, b"", write)) == verb
