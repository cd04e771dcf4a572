"""What a change of manifests would do: objects, runs, data, endpoints, GPUs."""

from copy import deepcopy

import pytest

import builders as b
from mlplane.api.dataset import Split
from mlplane.api.refs import ref_of
from mlplane.capacity import Pool, Profile
from mlplane.gitops.planning import Sides, plan
from mlplane.gitops.planningknown import Nothing
from mlplane.runkey import run_key
from mlplane.settings import Settings
from mlplane.tasks import RunTask, TrainedModel

TREE = "f" * 40
NEWER = "sha256:" + "b" * 64


def manifest(body, **spec):
    """The object as it stands in a file, with other values in its spec."""
    meta = {"name": body["metadata"]["name"], "namespace": "default"}
    made = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta}
    return made | {"spec": deepcopy(body["spec"]) | spec}


DATASET, RUN, SERVER = manifest(b.dataset()), manifest(b.run()), manifest(b.server())
ALL = (DATASET, RUN, SERVER)
PINNED_DATA = manifest(b.dataset(), digest=b.DATA_DIGEST)


def planned(before, after, facts=None, profile=None, live=None):
    def by_ref(bodies):
        return {ref_of(body): body for body in bodies}

    names = {"before_name": "before", "after_name": "after", "owned": len(before)}
    sides = Sides("dev", "default", by_ref(before), by_ref(after), live=live, **names)
    settings = Settings(store="s3://artifacts", profile=profile or Profile())
    return plan(sides, settings, facts or Nothing(), b.NOW)


def objects(found):
    return [(c.action, c.kind, c.name) for c in found.objects]


def effects(found):
    return [(e.what, e.kind, e.name) for e in found.effects]


def effect(found, name, kind):
    return next(e for e in found.effects if (e.name, e.kind) == (name, kind))


class Facts(Nothing):
    """A repository that has the code, and a store that has the data and what was trained on it."""

    def __init__(self, *runs):
        self.made = {}
        for run in runs:
            task = RunTask.model_validate(
                {
                    "spec": run["spec"],
                    "dataset": {"name": "digits", "digest": b.DATA_DIGEST},
                    "splits": b.SPLITS,
                    "image": Settings(store="").image,
                }
            )
            key = run_key(task, TREE)
            self.made[key] = TrainedModel.model_validate_json(
                TrainedModel.model_validate(
                    {
                        "key": key,
                        "tree": TREE,
                        "artifact": {
                            "uri": f"store://models/digits/sha256-{'e' * 64}",
                            "digest": b.MODEL_DIGEST,
                        },
                        "signature": b.SIGNATURE,
                    }
                ).model_dump_json()
            )

    def tree(self, _source, /):
        return TREE

    def splits(self, dataset, /):
        return tuple(map(Split.model_validate, b.SPLITS)) if dataset.digest == b.DATA_DIGEST else None

    def trained(self, key, /):
        return self.made.get(key)


def another_run(name="digits-2", **spec):
    return manifest(b.run(name), **spec)


def test_the_plan_of_no_change_is_empty():
    found = planned(ALL, ALL)
    assert found.is_empty
    assert (found.objects, found.effects, found.children, found.problems) == ((), (), (), ())


def test_what_the_agent_writes_on_objects_is_no_change():
    meta = {
        "name": "digits",
        "namespace": "default",
        "labels": {"mlplane.dev/source": "0" * 16},
        "annotations": {"mlplane.dev/commit": b.COMMIT},
    }
    assert planned([DATASET], [DATASET | {"metadata": meta}]).is_empty


def test_a_first_commit_reads_trains_and_serves_in_this_order():
    found = planned((), ALL)
    assert objects(found) == [
        ("Created", "Dataset", "digits"),
        ("Created", "TrainingRun", "digits-1"),
        ("Created", "ModelServer", "digits"),
    ]
    assert effects(found) == [
        ("Reads", "Dataset", "digits"),
        ("Trains", "TrainingRun", "digits-1"),
        ("Serves", "ModelServer", "digits"),
    ]
    assert effect(found, "digits", "Dataset").after == ""
    assert effect(found, "digits-1", "TrainingRun").after.startswith('waits for Dataset "digits"')
    assert "TrainingRun" in effect(found, "digits", "ModelServer").after


def test_a_run_that_is_added_trains_and_the_server_that_follows_gets_its_model():
    found = planned(ALL, [*ALL, another_run(seed=8)])
    assert objects(found) == [("Created", "TrainingRun", "digits-2")]
    assert effects(found) == [("Trains", "TrainingRun", "digits-2"), ("RollsOut", "ModelServer", "digits")]
    assert [(run.name, run.gates, run.is_stored) for run in found.runs] == [
        ("digits-2", ("accuracy at least 0.95",), False)
    ]
    assert 'TrainingRun "digits-2" makes' in effect(found, "digits", "ModelServer").message
    assert [(c.action, c.object["kind"], c.object["metadata"]["name"]) for c in found.children] == [
        ("Changed", "InferenceService", "digits"),
        ("Created", "Workflow", "digits-2-1"),
    ]


def test_a_sweep_is_planned_although_nobody_knows_which_trial_will_be_the_best():
    sweep = {
        "method": "Grid",
        "parameters": [{"name": "width", "values": [1, 2]}],
        "objective": {"metric": "loss", "goal": "Minimize"},
    }
    found = planned(ALL, [*ALL, another_run(sweep=sweep)], Facts(RUN))
    assert effects(found) == [("Trains", "TrainingRun", "digits-2"), ("RollsOut", "ModelServer", "digits")]
    assert [run.run_key for run in found.runs] == [None]


def test_a_run_whose_result_is_stored_is_not_trained_and_its_model_is_named():
    before = [PINNED_DATA, SERVER]
    found = planned(before, [*before, RUN], Facts(RUN))
    assert ("Reuses", "TrainingRun", "digits-1") in effects(found)
    (run,) = found.runs
    assert run.is_stored
    assert run.run_key in Facts(RUN).made
    service = next(c.object for c in found.children if c.object["kind"] == "InferenceService")
    assert b.MODEL_DIGEST in str(service)
    assert found.stand_ins == {}


def test_other_work_is_not_taken_for_what_is_stored():
    before = [PINNED_DATA]
    found = planned(before, [*before, another_run(seed=8)], Facts(RUN))
    assert effects(found) == [("Trains", "TrainingRun", "digits-2")]
    assert found.runs[0].run_key


def test_a_run_key_is_not_told_while_its_data_are_not_known():
    assert planned([DATASET], [DATASET, RUN], Facts(RUN)).runs[0].run_key is None


def test_a_run_without_its_dataset_waits_in_the_words_of_the_controller():
    found = planned([SERVER], [SERVER, RUN])
    waits = effect(found, "digits-1", "TrainingRun")
    assert (waits.what, waits.message) == (
        "Waits",
        'waits for Dataset "digits": apply it in the same namespace',
    )
    assert found.runs == ()


def test_data_that_are_cut_in_another_way_are_read_again_and_nothing_is_trained_again():
    splits = [{"name": "train", "percent": 70}, {"name": "test", "percent": 30}]
    found = planned(ALL, [manifest(b.dataset(), splits=splits), RUN, SERVER])
    assert [(f.path, f.old, f.new) for f in found.objects[0].fields] == [
        ("spec.splits[train].percent", 80, 70),
        ("spec.splits[test].percent", 20, 30),
    ]
    assert effects(found) == [("Reads", "Dataset", "digits")]
    assert "new version" in found.effects[0].message


def test_data_with_another_check_are_read_again_and_keep_their_digest():
    checks = [{"name": "enough", "rows": {"min": 100}}]
    found = planned(ALL, [manifest(b.dataset(), checks=checks), RUN, SERVER])
    assert effects(found) == [("Reads", "Dataset", "digits")]
    assert "the digest stays" in found.effects[0].message


def test_what_does_not_decide_a_version_leaves_the_data_alone():
    found = planned(ALL, [manifest(b.dataset(), retention={"versions": 3}), RUN, SERVER])
    assert effects(found) == [("Keeps", "Dataset", "digits")]
    assert not found.is_empty


def test_a_pin_that_cannot_hold_any_more_stalls_the_dataset():
    splits = [{"name": "train", "percent": 70}, {"name": "test", "percent": 30}]
    found = planned([PINNED_DATA], [manifest(PINNED_DATA, splits=splits)])
    assert effects(found) == [("Reads", "Dataset", "digits"), ("Stalls", "Dataset", "digits")]
    assert "mlplane lock --digests" in found.effects[1].message


def test_a_change_of_a_run_is_refused_and_says_to_take_another_name():
    found = planned(ALL, [DATASET, manifest(b.run(), seed=8), SERVER])
    assert objects(found) == [("Refused", "TrainingRun", "digits-1")]
    assert "create an object with another name instead" in found.problems[0]
    assert found.effects == ()


def test_what_is_not_refused_is_planned_beside_what_is():
    found = planned(ALL, [DATASET, manifest(b.run(), seed=8), SERVER, another_run()])
    assert ("Trains", "TrainingRun", "digits-2") in effects(found)
    assert len(found.problems) == 1


def test_a_server_that_goes_stops_and_so_does_a_run():
    found = planned([*ALL, another_run()], [DATASET, RUN])
    assert objects(found) == [("Deleted", "TrainingRun", "digits-2"), ("Deleted", "ModelServer", "digits")]
    assert effects(found) == [("Stops", "TrainingRun", "digits-2"), ("Stops", "ModelServer", "digits")]
    assert {c.action for c in found.children} == {"Deleted"}


def test_most_of_all_objects_are_not_deleted_at_once():
    found = planned(ALL, [SERVER])
    assert [action for action, _, _ in objects(found)] == ["Deleted", "Deleted"]
    assert "refused to delete 2 of 3 objects" in found.problems[0]
    assert (found.effects, found.children) == ((), ())


VERSIONS = (
    manifest(b.model_version()),
    manifest(b.model_version("digits-bbbbbbbb", digest=NEWER)),
    manifest(b.evaluation()),
    manifest(b.evaluation("newer", digest=NEWER)),
)
VERSIONS[3]["spec"]["modelVersion"]["name"] = "digits-bbbbbbbb"


def pinned(name, digest):
    return manifest(b.server(spec={"modelVersion": {"name": name, "digest": digest}}))


OLD, NEW = pinned("digits-aaaaaaaa", b.MODEL_DIGEST), pinned("digits-bbbbbbbb", NEWER)


def test_a_server_that_is_pinned_to_another_version_rolls_it_out():
    found = planned([*VERSIONS, OLD], [*VERSIONS, NEW])
    assert [f.path for f in found.objects[0].fields] == [
        "spec.modelVersion.name",
        "spec.modelVersion.digest",
    ]
    assert effects(found) == [("RollsOut", "ModelServer", "digits")]
    assert found.effects[0].message == "digits-bbbbbbbb; until then digits-aaaaaaaa answers"
    (child,) = found.children
    assert child.object["spec"]["predictor"]["name"] == "v-bbbbbbbb"
    assert found.stand_ins == {}


def test_a_server_that_is_pinned_to_what_it_serves_already_does_nothing():
    follows = manifest(b.server())
    found = planned([*VERSIONS, follows], [*VERSIONS, NEW])
    assert objects(found) == [("Changed", "ModelServer", "digits")]
    assert (found.effects, found.children) == ((), ())


def test_a_version_that_was_not_judged_is_not_served():
    found = planned([*VERSIONS[:3], OLD], [*VERSIONS[:3], NEW])
    waits = effect(found, "digits", "ModelServer")
    assert waits.what == "Waits"
    assert "no Evaluation speaks of it" in waits.message
    assert found.children == ()


def test_a_record_that_is_added_is_compared_with_its_report():
    found = planned([*VERSIONS[:3], NEW], [*VERSIONS, NEW])
    assert effects(found) == [("Verifies", "Evaluation", "newer"), ("Serves", "ModelServer", "digits")]


def test_other_gates_of_a_run_that_was_there_are_refused_like_any_change_of_it():
    spec = deepcopy(RUN["spec"]["evaluation"]) | {"gates": [{"metric": "accuracy", "min": "0.99"}]}
    found = planned(ALL, [DATASET, manifest(b.run(), evaluation=spec), SERVER])
    assert objects(found) == [("Refused", "TrainingRun", "digits-1")]


def test_a_run_that_is_suspended_stops_if_it_is_at_work():
    found = planned(ALL, [DATASET, manifest(b.run(), suspend=True), SERVER])
    assert objects(found) == [("Changed", "TrainingRun", "digits-1")]
    assert effects(found)[0] == ("Stops", "TrainingRun", "digits-1")
    assert "GPUs are freed" in found.effects[0].message


def test_a_run_that_was_suspended_starts_when_it_is_let_go():
    asleep = manifest(b.run(), suspend=True)
    assert effects(planned([DATASET], [DATASET, asleep])) == [("Waits", "TrainingRun", "digits-1")]
    found = planned([DATASET, asleep], [DATASET, RUN])
    assert effects(found) == [("Trains", "TrainingRun", "digits-1")]


@pytest.mark.parametrize(("more", "waiting"), [({}, ": 6 would wait"), ({"nodes": 4}, "")])
def test_gpus_are_told_before_and_after_beside_what_there_are(more, waiting):
    profile = Profile(pools=(Pool(name="big", gpu_type="h100", gpus_per_node=2, **more),))
    runs = [another_run(f"big-{n}", gpus=2, gpuType="h100", seed=n) for n in range(4)]
    found = planned([DATASET], [DATASET, *runs], profile=profile)
    (gpus,) = found.capacity
    assert (gpus.gpu_type, gpus.before, gpus.after) == ("h100", 0, 8)
    assert gpus.available == (8 if more else 2)
    from mlplane.gitops.planningwords import gpus as said

    assert said(gpus).endswith(waiting or "of 8")


SWEEP = {
    "method": "Grid",
    "parameters": [{"name": "width", "values": [64, 128, 256]}],
    "parallelism": 2,
    "objective": {"metric": "loss", "goal": "Minimize"},
}


def test_a_sweep_is_told_by_its_trials_and_those_that_are_stored():
    before = [PINNED_DATA, manifest(b.server())]
    sweep = another_run(sweep=SWEEP, gpus=2)
    one = another_run(params={**RUN["spec"]["params"], "width": 128}, gpus=2)
    found = planned(before, [*before, sweep], Facts(one))
    (run,) = found.runs
    assert (run.trials, run.stored_trials, run.is_stored, run.gpus, run.run_key) == (3, 1, False, 4, None)
    message = effect(found, "digits-2", "TrainingRun").message
    assert message.endswith("with 2 x GPU; 3 trials, 2 at a time, 1 of them are in the store")
    assert ("Serves", "ModelServer", "digits") in effects(found)


def test_a_request_that_no_pool_has_stalls_in_the_words_of_the_controller():
    profile = Profile(pools=(Pool(name="big", gpu_type="h100", gpus_per_node=2),))
    found = planned([DATASET], [DATASET, another_run(gpus=8, gpuType="h100")], profile=profile)
    assert effects(found) == [("Stalls", "TrainingRun", "digits-2")]


class TestOnACluster:
    def live(self, *more):
        """A cluster on which the run is at work, with four GPUs."""
        run = b.run(status=None)
        run["spec"] |= {"gpus": 4}
        workflow = b.run_workflow(run, "Running")
        workflow["metadata"]["ownerReferences"][0]["uid"] = "uid-run"
        run["metadata"]["uid"] = "uid-run"
        run["status"] = {
            "attempt": 1,
            "workflow": "digits-1-1",
            "conditions": [b.condition("Ready", "False", "Running")],
        }
        return (b.ready_dataset(), run, workflow, *more)

    def test_what_goes_on_anyway_is_not_told(self):
        live = self.live()
        run = manifest(live[1])
        assert planned([DATASET, run], [DATASET, run], live=live).is_empty

    def test_gpus_of_runs_at_work_count(self):
        live = self.live()
        run = manifest(live[1])
        found = planned([DATASET, run], [DATASET, run, another_run(gpus=1)], live=live)
        assert [(g.gpu_type, g.before, g.after) for g in found.capacity] == [("", 4, 5)]
        assert found.effects[0].after == ""

    def test_a_run_that_goes_frees_its_gpus(self):
        live = self.live()
        found = planned([DATASET, manifest(live[1])], [DATASET], live=live)
        assert [(g.before, g.after) for g in found.capacity] == [(4, 0)]
        assert effects(found) == [("Stops", "TrainingRun", "digits-1")]
