"""What may go from a store, as a table; and what is kept because nobody can know."""

from datetime import timedelta

import pytest

import builders as b
from mlplane.gitops.collecting import fates, uses_of
from mlplane.store.files import StoredFile
from mlplane.store.inventory import Stored

OLD = b.NOW - timedelta(days=40)


def stored(kind, name, digit, modified=OLD, *, is_complete=True):
    folder = f"{kind}/{name}/sha256-{digit * 64}"
    names = ("data", "manifest.json") if is_complete else ("data",)
    files = tuple(StoredFile(f"{folder}/{file}", 10, modified) for file in names)
    return Stored(kind, name, f"sha256:{digit * 64}", files)


def retaining(body, versions):
    return body | {"spec": body["spec"] | {"retention": {"versions": versions}}}


def judged(artifact, *bodies, manifests=None, others=()):
    found = fates([artifact, *others], uses_of(bodies, manifests or {}), b.NOW)
    return next(fate for fate in found if fate.stored == artifact)


READY = retaining(b.ready_dataset(), 1)
FINISHED_RUN = b.finished_run()
UNFINISHED_WORKFLOW = b.dataset_workflow(READY, "Running")
FINISHED_WORKFLOW = b.dataset_workflow(READY, "Succeeded", dataset=b.ingest_result())
NEWEST = stored("datasets", "digits", "d", OLD + timedelta(days=2))

STAYS = {
    "a version that a status names": (stored("datasets", "digits", "d"), (READY,), "in use by Dataset"),
    "a model of a version": (stored("models", "digits", "e"), (b.model_version(),), "in use by ModelVersion"),
    "data that a model was trained on": (
        stored("datasets", "gone", "d"),
        (b.model_version(),),
        "ModelVersion",
    ),
    "a report of an evaluation": (
        stored("reports", "digits", "9"),
        (b.evaluation(),),
        "in use by Evaluation",
    ),
    "what is young": (stored("models", "x", "7", b.NOW - timedelta(hours=23)), (READY,), "less than a day"),
    "an upload that is going on": (
        stored("uploads", "x", "7", b.NOW - timedelta(hours=1), is_complete=False),
        (READY,),
        "less than a day",
    ),
    "versions of a Dataset that is not ready": (
        stored("datasets", "digits", "7"),
        (b.dataset(),),
        "not ready",
    ),
    "what a Workflow may find": (
        stored("datasets", "digits", "7"),
        (READY, UNFINISHED_WORKFLOW),
        "Workflow default/dataset-digits",
    ),
    "models of a run that has not finished": (
        stored("models", "digits", "7"),
        (b.run(),),
        "has not finished",
    ),
    "models of an evaluation that has not finished": (
        stored("models", "digits", "7"),
        (b.evaluation(run=b.TO_JUDGE), b.model_version()),
        "Evaluation default/digits",
    ),
    "versions of a Dataset without retention": (
        stored("datasets", "digits", "7"),
        (b.ready_dataset(),),
        "names no retention",
    ),
    "the newest versions": (stored("datasets", "digits", "7"), (READY,), "one of the 1 newest"),
}
GOES = {
    "a model that nothing speaks of": (stored("models", "digits", "7"), (READY, FINISHED_RUN)),
    "data of no Dataset": (stored("datasets", "gone", "7"), (READY,)),
    "what was not finished long ago": (stored("datasets", "gone", "7", is_complete=False), (READY,)),
    "what only a Workflow that is over speaks of": (
        stored("datasets", "gone", "d"),
        (
            retaining(b.dataset(status=b.ingested() | {"digest": "sha256:" + "1" * 64, "uri": None}), 1),
            FINISHED_WORKFLOW,
        ),
    ),
}


@pytest.mark.parametrize("case", STAYS)
def test_what_stays(case):
    artifact, bodies, why = STAYS[case]
    fate = judged(artifact, *bodies)
    assert (fate.goes, why in fate.why) == (False, True), fate


@pytest.mark.parametrize("case", GOES)
def test_what_goes(case):
    artifact, bodies = GOES[case]
    fate = judged(artifact, *bodies)
    assert fate.goes, fate


def test_older_versions_than_the_newest_go():
    assert judged(stored("datasets", "digits", "7"), READY, others=(NEWEST,)).goes
    two = retaining(b.ready_dataset(), 2)
    assert not judged(stored("datasets", "digits", "7"), two, others=(NEWEST,)).goes


def test_a_dataset_of_the_same_name_elsewhere_that_keeps_more_counts():
    elsewhere = b.ready_dataset(namespace="other")
    assert not judged(stored("datasets", "digits", "7"), READY, elsewhere, others=(NEWEST,)).goes


def test_of_a_finished_sweep_the_models_of_trials_that_lost_go():
    run, best, loser = b.finished_run(), stored("models", "digits", "e"), stored("models", "digits", "7")
    trials = [
        {"index": i, "runKey": f"sha256:{digit * 64}", "state": "Succeeded"}
        for i, digit in ((1, "1"), (2, "2"))
    ]
    ended = run | {"status": run["status"] | {"trials": trials, "bestTrial": 1}}
    assert "in use by ModelVersion" in judged(best, ended, b.model_version()).why
    assert judged(loser, ended, b.model_version()).goes
    at_work = run | {"status": {"trials": trials}}
    assert "has not finished" in judged(loser, at_work, b.model_version()).why


def test_a_manifest_that_is_not_applied_keeps_what_it_speaks_of():
    pinned = b.server(spec={"modelVersion": {"name": "x", "digest": "sha256:" + "7" * 64}})
    fate = judged(stored("models", "digits", "7"), READY, manifests={"prod/server.yaml": pinned})
    assert fate.why == "in use by prod/server.yaml"


def test_a_run_in_a_manifest_that_is_not_applied_keeps_the_models_that_it_may_find():
    artifact = stored("models", "digits", "7")
    assert not judged(artifact, READY, manifests={"dev/run.yaml": b.run()}).goes
    assert judged(artifact, READY, FINISHED_RUN, manifests={"dev/run.yaml": b.run()}).goes
