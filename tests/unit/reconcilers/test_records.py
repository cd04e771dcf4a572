"""What a run whose code came with the image leaves: its lineage, and what a card says of it."""

from builders import DATA_DIGEST, RUN_KEY, SPLITS, model_version, recorded, run
from mlplane.api import ModelVersion, TrainingRun
from mlplane.cards.differences import differences
from mlplane.cards.lineage import origin
from mlplane.reconcilers.records import model_version_for
from mlplane.tasks import RunResult, RunTask

IMAGE = "registry.example/train@sha256:" + "1" * 64


def left() -> ModelVersion:
    body = run()
    body["spec"] |= {"code": {"image": {"path": "/app"}}, "image": IMAGE}
    made = TrainingRun.model_validate(body)
    dataset = {"name": "digits", "digest": DATA_DIGEST}
    task = RunTask.model_validate(
        {"spec": body["spec"], "dataset": dataset, "splits": SPLITS, "image": IMAGE}
    )
    spec = model_version()["spec"]
    trained = {"key": RUN_KEY, "artifact": spec["artifact"], "signature": spec["signature"]}
    result = RunResult.model_validate({"trained": trained, "recorded": recorded()})
    return model_version_for(made, task, result)


def test_the_lineage_names_image_path_and_script_and_no_commit():
    lineage = left().to_body()["spec"]["lineage"]
    assert "code" not in lineage
    assert lineage["imageCode"] == {"path": "/app", "entrypoint": "train.py"}
    assert lineage["image"] == IMAGE
    assert ModelVersion.model_validate(left().to_body()) == left()


def test_a_card_and_a_comparison_say_so():
    card = "\n".join(origin(left().spec))
    assert "in the image, `/app/train.py`" in card
    assert "commit" not in card
    of_git = ModelVersion.model_validate(model_version())
    found = {each.what: (each.first, each.second) for each in differences(of_git.spec, left().spec).found}
    assert found["script (in the image)"][1] == "/app/train.py"
    assert found["image"][1] == IMAGE
    assert "commit" in found
