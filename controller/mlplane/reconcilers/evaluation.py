"""Evaluation: a model version is judged by a Workflow, or a recorded verdict is compared with its report.

A record that a run itself left needs no second look: the run's status holds the digest of its outcome.
"""

from dataclasses import replace
from datetime import datetime

from mlplane import names
from mlplane.adapters import argo
from mlplane.adapters.children import is_owned_by
from mlplane.adapters.workflowoutcome import judge_task_of
from mlplane.api import Body, Evaluation
from mlplane.api.judgement import PinnedRef
from mlplane.api.reading import at
from mlplane.api.refs import Query, Ref
from mlplane.api.trainingrun import EvaluationPlan
from mlplane.reconcilers.baselines import baseline_model, baseline_refs
from mlplane.reconcilers.datasets import version_of
from mlplane.reconcilers.evaluationgates import (
    RECORD_GATES,
    RUN_GATES,
    dataset_ref,
    namespace_of,
    trained_on,
    version_ref,
)
from mlplane.reconcilers.evaluationoutcome import finished, outcome_of, status_of, vouched_for
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.state import UNWATCHED, first_blocked, name_taken
from mlplane.tasks import JudgeTask, VerifyTask

KIND = Evaluation


def refs(evaluation: Evaluation, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The model version, the Workflow, and what is compared with the model or vouches for the record."""
    run, namespace = evaluation.spec.run, namespace_of(evaluation)
    known = (version_ref(evaluation), _workflow(evaluation))
    if run is None:
        return (*known, *_run(evaluation))
    return (*known, dataset_ref(evaluation), *baseline_refs(run.baseline, namespace))


def plan(evaluation: Evaluation, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Carry out what is to be carried out, verify what is recorded; what has ended stays as it ended."""
    lasting = finished(evaluation)
    workflow = None if lasting else observed.get(_workflow(evaluation))
    if workflow is not None:
        return _follow(evaluation, workflow, now)
    gates = RECORD_GATES if lasting or evaluation.spec.run is None else RUN_GATES
    if blocked := first_blocked(gates, evaluation, observed):
        return Plan(status_of(evaluation, blocked, now))
    runs = [observed.get(ref) for ref in _run(evaluation)]
    if state := lasting or vouched_for(evaluation, runs[0] if runs else None):
        return Plan(status_of(evaluation, state, now))
    made = _workflow_for(evaluation, observed, settings)
    return replace(_follow(evaluation, made, now), create=(made,))


def _follow(evaluation: Evaluation, workflow: Body, now: datetime) -> Plan:
    if not is_owned_by(workflow, evaluation):
        taken = name_taken(workflow, names.EVALUATING)
        return Plan(status_of(evaluation, taken, now), requeue_after=UNWATCHED)
    task = judge_task_of(workflow)
    baseline = task.baseline.version if task and task.baseline else None
    known = {
        "workflow": workflow["metadata"]["name"],
        "dataset": task.dataset if task else None,
        "baseline": baseline,
    }
    state, recorded = outcome_of(evaluation, workflow)
    return Plan(status_of(evaluation, state, now, recorded, **known))


def _workflow_for(evaluation: Evaluation, observed: Observed, settings: Settings) -> Body:
    spec, run = evaluation.spec, evaluation.spec.run
    version = observed.get(version_ref(evaluation))
    model = str(at(version, "spec", "model"))
    if run is None:
        return argo.workflow_for_record(evaluation, VerifyTask(model=model, spec=spec), settings)
    found = version_of(observed.get(dataset_ref(evaluation)))
    if found.digest is None:  # the gates let only a Dataset with a version through
        message = f'Dataset "{spec.dataset.name}" is ready without a digest'
        raise ValueError(message)
    judging = run.model_dump(exclude={"code"})
    task = JudgeTask(
        model=model,
        dataset=PinnedRef(name=spec.dataset.name, digest=found.digest),
        splits=found.splits,
        plan=EvaluationPlan(split=spec.split, **judging),
        code=run.code,
        baseline=baseline_model(run.baseline, namespace_of(evaluation), observed),
        trained_on=trained_on(version),
    )
    return argo.workflow_for_evaluation(evaluation, task, spec.model_version.digest, settings)


def _workflow(evaluation: Evaluation) -> Ref:
    name = argo.evaluation_workflow_name(evaluation)
    return Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, namespace_of(evaluation), name)


def _run(evaluation: Evaluation) -> tuple[Ref, ...]:
    """The TrainingRun that says by a label that it left this record."""
    labels = evaluation.metadata.labels
    if evaluation.spec.run or labels.get(names.OWNER_KIND_LABEL) != "TrainingRun":
        return ()
    name = labels.get(names.OWNER_NAME_LABEL, "")
    return (Ref(names.API_VERSION, "TrainingRun", namespace_of(evaluation), name),) if name else ()
