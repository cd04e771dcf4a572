"""What the steps of a Workflow would answer if all goes well, and which of it is not known yet.

A digest that nobody can know before the bytes were read is stood in for by another one, the same for the same
work, so that decisions can go on; ``stand_ins`` says what each one is. Called by ``gitops.foresight``.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlplane import tasks
from mlplane.adapters import workflowoutcome
from mlplane.adapters.children import short_digest
from mlplane.api import Body, Dataset, Evaluation, TrainingRun
from mlplane.api.evaluation import Recorded
from mlplane.api.judgement import GateResult, Judgement
from mlplane.api.modelversion import Artifact, Signature, Tensor
from mlplane.api.sweep import Trial
from mlplane.errors import Terminal
from mlplane.gitops.planningknown import Facts, StandIns
from mlplane.gitops.planningversions import Versions
from mlplane.runkey import run_key
from mlplane.store.uris import uri_of
from mlplane.sweeps import task_of_trial, trials_of
from mlplane.tasks import RunResult, RunTask, TrainedModel

Answers = Mapping[tuple[str, str], str]
"""Output parameters by step and name."""
_SIGNATURE = Signature(
    inputs=(Tensor(name="input", datatype="FP32", shape=(-1,)),),
    outputs=(Tensor(name="output", datatype="FP32", shape=(-1,)),),
)


class Work(NamedTuple):
    """One thing to train."""

    key: str
    """Its run key."""
    tree: str | None
    """Git tree of its code, where that is known."""
    is_known: bool
    """Whether the key is the one that it will have."""
    trained: TrainedModel | None
    """What the store has of it."""


class Answering:
    """Gives the answers, and remembers what in them is a stand-in."""

    def __init__(self, facts: Facts) -> None:
        """``facts`` are asked before anything is made up."""
        self._facts = facts
        self.stand_ins = StandIns()
        self.versions = Versions(facts, self.stand_ins)
        self.works: dict[str, list[Work]] = {}
        """By run, what it has to train; several for a sweep."""

    def is_stored(self, run: str) -> bool:
        """Whether the store has all that a run would train."""
        works = self.works.get(run, [])
        return bool(works) and all(work.trained for work in works)

    def answer(self, workflow: Body, owner: Body) -> Answers | None:
        """The output parameters of a Workflow whose steps have all succeeded.

        Args:
            workflow: As it was rendered.
            owner: The object that it belongs to.

        Returns:
            None where it holds no task that this version of mlplane reads.
        """
        match owner["kind"]:
            case "Dataset":
                task = workflowoutcome.transform_task_of(workflow)
                dataset = Dataset.model_validate(owner | {"status": {}})
                result = self.versions.read(dataset, task.inputs if task else ())
                return {(tasks.INGEST, tasks.DATASET_OUTPUT): _json(result)}
            case "TrainingRun":
                return self._trained(TrainingRun.model_validate(owner | {"status": {}}), workflow)
            case _:
                return self._judged(Evaluation.model_validate(owner | {"status": {}}))

    def _trained(self, run: TrainingRun, workflow: Body) -> Answers | None:
        try:
            task = workflowoutcome.task_of(workflow)
        except Terminal:
            return None
        works = self._works(task)
        self.works[run.name] = works
        trained = works[0].trained if len(works) == 1 else None
        trained = trained or self._untrained(run, works[0])
        result = RunResult(trained=trained, recorded=self._recorded(run.spec.model, task.spec.evaluation))
        answers = {
            (tasks.PREFLIGHT, tasks.KEY_OUTPUT): trained.key,
            (tasks.PUBLISH, tasks.RESULT_OUTPUT): _json(result),
        }
        if task.spec.sweep:
            # Which trial is the best one nobody knows: the first stands for it.
            trials = (
                Trial(index=n, run_key=work.key, state="Succeeded").to_body()
                for n, work in enumerate(works, 1)
            )
            answers[tasks.SELECT, tasks.TRIALS_OUTPUT] = json.dumps([*trials])
        return answers

    def _works(self, task: RunTask) -> list[Work]:
        """What is to be trained: one thing, or each trial of a sweep."""
        git, image = task.spec.code.git, task.spec.code.image
        tree = self._facts.tree(git) if git else None
        code = f"image:{image.path}" if image else tree
        is_known = bool(code) and not any(split.digest in self.stand_ins for split in task.splits)
        sweep = task.spec.sweep
        indices = range(1, len(trials_of(sweep, task.spec.seed)) + 1) if sweep else ()
        each = [task_of_trial(task, index) for index in indices] or [task]
        keys = [run_key(one, code or "unknown") for one in each]
        return [Work(key, tree, is_known, self._facts.trained(key) if is_known else None) for key in keys]

    def _untrained(self, run: TrainingRun, work: Work) -> TrainedModel:
        meaning = f'the model that TrainingRun "{run.name}" makes'
        digest = self.stand_ins.digest(meaning, "model", work.key)
        self.stand_ins[f"{run.spec.model}-{short_digest(work.key)}"] = meaning
        if not work.is_known or run.spec.sweep:
            self.stand_ins[work.key] = f'the run key of TrainingRun "{run.name}"'
        tree = work.tree
        if run.spec.code.git and not tree:
            tree = self.stand_ins.digest("the tree of its code", "tree", work.key).removeprefix("sha256:")[
                :40
            ]
        artifact = Artifact(uri=uri_of("models", run.spec.model, digest), digest=digest)
        return TrainedModel(key=work.key, tree=tree, artifact=artifact, signature=_SIGNATURE)

    def _judged(self, evaluation: Evaluation) -> Answers:
        if evaluation.spec.run is None:
            return {(tasks.VERIFY, tasks.FINDING_OUTPUT): ""}
        recorded = self._recorded(evaluation.spec.model_version.name, evaluation.spec.run)
        return {
            (tasks.EVALUATE, tasks.REPORT_OUTPUT): recorded.report.rpartition("sha256-")[2],
            (tasks.EVALUATE, tasks.RECORDED_OUTPUT): _json(recorded),
        }

    def _recorded(self, model: str, judgement: Judgement) -> Recorded:
        """A verdict for which nothing was measured: the gates are met."""
        digest = self.stand_ins.digest("a report that is not written yet", "report", model)
        results = (GateResult(gate=gate, verdict="Passed", rows=0) for gate in judgement.gates)
        return Recorded(
            verdict="Passed", rows=0, results=tuple(results), report=uri_of("reports", model, digest)
        )


def _json(answer: Any) -> str:
    text: str = answer.model_dump_json(by_alias=True, exclude_none=True)
    return text
