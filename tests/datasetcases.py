"""Each state of a Dataset, as (the Dataset, what else there is): for golden plans and for tables."""

from typing import Any

import builders as b
from mlplane.adapters.datasetworkflows import workflow_for_refresh
from mlplane.api import Dataset
from mlplane.api.dataset import DatasetSpec, ResolvedInput
from mlplane.reconcilers.recipes import recipe_of

Body = b.Body
OTHER = "sha256:" + "b" * 64
OTHER_URI = f"store://datasets/digits/sha256-{'b' * 64}"
NULLS = {
    "name": "nulls",
    "column": "label",
    "rule": "no value may be missing",
    "verdict": "Failed",
    "count": 17,
    "rows": [3, 17, 21, 40, 41, 55, 60, 61, 62, 70],
}
MINIMUM = NULLS | {"name": "minimum", "rule": "at least 0", "count": 1, "rows": [9]}
ROWS = {"name": "many", "rule": "at least 5000 records", "verdict": "Warned", "count": 0, "measured": "1797"}
DUE = b.NOW.replace(minute=0, second=0)
"""The last time that the schedule was due."""


def on_s3(
    status: Body | None = None, *, digest: str = "", schedule: str = "0 * * * *", **metadata: Any
) -> Body:
    """A Dataset whose bytes may change, and are read each hour."""
    made = b.dataset(status=status, **metadata)
    made["spec"]["source"] = {"s3": {"uri": "s3://bucket/digits.csv.gz"}}
    made["spec"] |= {"refresh": {"schedule": schedule}} | ({"digest": digest} if digest else {})
    return made


def on_s3_at(refreshed: str, *, workflow: str = "", digest: str = "", **status: Any) -> Body:
    """The same with a version, whose due times have been followed up to then."""
    spec = on_s3()["spec"]
    known = b.ingested(spec=spec) | {"refreshed": refreshed, "workflow": workflow or "dataset-digits-0"}
    return on_s3(known | status, digest=digest)


def refresh(owner: Body, phase: str = "", **outputs: str) -> Body:
    made = workflow_for_refresh(Dataset.model_validate(owner), DUE, b.SETTINGS)
    return b.with_status(made, phase, {"ingest": outputs})


def derived(status: Body | None = None, pin: str = "", **metadata: Any) -> Body:
    """A Dataset made of another one."""
    made = b.dataset("clean", status=status, **metadata)
    del made["spec"]["source"]
    made["spec"]["derivedFrom"] = {
        "datasets": [{"name": "digits"} | ({"digest": pin} if pin else {})],
        "code": {"git": {"url": b.URL, "path": "clean", "commit": b.COMMIT}},
        "entrypoint": "clean.py",
        "params": {"limit": 5},
    }
    return made


def made_of(digest: str) -> Body:
    """The status of a derived Dataset that was made of this version."""
    parent = ResolvedInput(name="digits", digest=digest)
    recipe = recipe_of(DatasetSpec.model_validate(derived()["spec"]), (parent,))
    return b.ingested() | {"recipe": recipe, "inputs": [parent.to_body()]}


def changed_spec() -> Body:
    made = b.dataset(status=b.ingested(generation=1), generation=2)
    made["spec"]["splits"] = [{"name": "train", "percent": 70}, {"name": "test", "percent": 30}]
    return made


CHANGED = changed_spec()
FOLLOWED, LONG_AGO = "2026-01-02T03:00:00Z", "2026-01-01T20:30:00Z"
RUNNING = "dataset-digits-202601020300"
FAILING = b.ingest_result(uri=None, splits=[], checks=[NULLS, MINIMUM])
CHANGED_BYTES = b.ingest_result(digest=OTHER, uri=OTHER_URI)
PINNED = on_s3_at(LONG_AGO, workflow=RUNNING, digest=b.DATA_DIGEST)
REFRESHING = on_s3_at(LONG_AGO, workflow=RUNNING)
BROKEN = on_s3(
    {
        "observedGeneration": 1,
        "workflow": RUNNING,
        "refreshed": FOLLOWED,
        "conditions": [
            b.condition("Ready", "False", "ChecksFailed"),
            b.condition("Stalled", "True", "ChecksFailed"),
        ],
    }
)


def with_digest(dataset: Body, digest: str) -> Body:
    return dataset | {"spec": dataset["spec"] | {"digest": digest}}


def ingest_of(dataset: Body, answer: str) -> tuple[Body, tuple[Body, ...]]:
    return dataset, (b.dataset_workflow(dataset, "Succeeded", dataset=answer),)


CASES = {
    "Dataset/new": (b.dataset(), ()),
    "Dataset/ingesting": (b.dataset(), (b.dataset_workflow(b.dataset(), "Running"),)),
    "Dataset/ingested": ingest_of(b.dataset(), b.ingest_result()),
    "Dataset/ingested with a warning": ingest_of(b.dataset(), b.ingest_result(checks=[ROWS])),
    "Dataset/stays ingested without its workflow": (b.ready_dataset(), ()),
    "Dataset/changed": (CHANGED, ()),
    "Dataset/checks failed": ingest_of(b.dataset(), FAILING),
    "Dataset/checks failed after a change": ingest_of(CHANGED, FAILING),
    "Dataset/could not be read": (
        b.dataset(),
        (b.with_failed_pod(b.dataset_workflow(b.dataset()), "ingest", "the bucket is gone"),),
    ),
    "Dataset/answer of another version": ingest_of(b.dataset(), '{"rows": "many"}'),
    "Dataset/workflow of an earlier dataset": (
        b.dataset(uid="uid-new"),
        (b.dataset_workflow(b.dataset(), "Running"),),
    ),
    "Dataset/pinned to what it has": (with_digest(b.ready_dataset(generation=2), b.DATA_DIGEST), ()),
    "Dataset/pinned to what is found": ingest_of(with_digest(b.dataset(), b.DATA_DIGEST), b.ingest_result()),
    "Dataset/pinned to something else": ingest_of(with_digest(b.ready_dataset(), OTHER), b.ingest_result()),
    "Dataset/first look before the schedule": (on_s3(), ()),
    "Dataset/schedule wrong": (on_s3(schedule="61 * * * *"), ()),
    "Dataset/not due": (on_s3_at(FOLLOWED), ()),
    "Dataset/due": (on_s3_at("2026-01-02T02:00:00Z"), ()),
    "Dataset/due several times": (on_s3_at(LONG_AGO), ()),
    "Dataset/being read again": (REFRESHING, (refresh(REFRESHING, "Running"),)),
    "Dataset/read again and the same": (
        REFRESHING,
        (refresh(REFRESHING, "Succeeded", dataset=b.ingest_result()),),
    ),
    "Dataset/read again and a new version": (
        REFRESHING,
        (refresh(REFRESHING, "Succeeded", dataset=CHANGED_BYTES),),
    ),
    "Dataset/read again and drifted from its pin": (
        PINNED,
        (refresh(PINNED, "Succeeded", dataset=CHANGED_BYTES),),
    ),
    "Dataset/read again and broken": (
        REFRESHING,
        (
            refresh(
                REFRESHING,
                "Succeeded",
                dataset=b.ingest_result(digest=OTHER, uri=None, splits=[], checks=[NULLS]),
            ),
        ),
    ),
    "Dataset/read again and too old by now": (
        REFRESHING,
        (refresh(REFRESHING, "Succeeded", dataset=FAILING),),
    ),
    "Dataset/could not be read again": (
        REFRESHING,
        (b.with_failed_pod(refresh(REFRESHING), "ingest", "the bucket is gone"),),
    ),
    "Dataset/answer of a due time lost": (REFRESHING, ()),
    "Dataset/broken until the next due time": (BROKEN, ()),
    "Dataset/mended at a due time": (
        BROKEN | {"status": BROKEN["status"] | {"refreshed": LONG_AGO}},
        (refresh(BROKEN, "Succeeded", dataset=b.ingest_result()),),
    ),
    "Dataset/parent missing": (derived(), ()),
    "Dataset/parent not ready": (derived(), (b.dataset(),)),
    "Dataset/parent at another version": (derived(pin=OTHER), (b.ready_dataset(),)),
    "Dataset/parent ready": (derived(), (b.ready_dataset(),)),
    "Dataset/made of its parent": (derived(made_of(b.DATA_DIGEST)), (b.ready_dataset(),)),
    "Dataset/parent has a new version": (derived(made_of(OTHER)), (b.ready_dataset(),)),
}
