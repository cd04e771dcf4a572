"""What `mlplane plan --output json` prints: the published form of a plan, version 1.

Fields are added within a version; one that goes, or means something else, makes the next version. Made by
``gitops.planning``; its JSON Schema is ``schemas/plan.json``.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from mlplane.api.meta import ApiModel, Body

Action = Literal["Created", "Changed", "Deleted", "Refused"]
What = Literal[
    "Reads",
    "Keeps",
    "Trains",
    "Reuses",
    "Judges",
    "Verifies",
    "Serves",
    "RollsOut",
    "Stops",
    "Waits",
    "Stalls",
]


class FieldChange(ApiModel):
    """One field of an object; a side on which it is absent is left out."""

    path: Annotated[str, Field(description="Such as spec.splits[train].percent; items of lists by key.")]
    old: Annotated[Any, Field(description="Value before.")] = None
    new: Annotated[Any, Field(description="Value afterwards.")] = None


class ObjectChange(ApiModel):
    """An object that the GitOps agent would create, change or delete."""

    action: Annotated[Action, Field(description="Refused: the API server would not take the change.")]
    kind: Annotated[str, Field(description="Kind of the object.")]
    name: Annotated[str, Field(description="Name of the object.")]
    fields: Annotated[tuple[FieldChange, ...], Field(description="Fields of a changed object.")] = ()
    problem: Annotated[str, Field(description="Why it would be refused, and what to do.")] = ""


class Effect(ApiModel):
    """What the controllers would do for an object, or what it would wait for."""

    what: Annotated[
        What,
        Field(
            description="Reads data; keeps its version; trains; reuses a result of the store; judges a "
            "model; verifies a record; serves; rolls out another version; stops; waits; stalls, until a "
            "person acts."
        ),
    ]
    kind: Annotated[str, Field(description="Kind of the object.")]
    name: Annotated[str, Field(description="Name of the object.")]
    message: Annotated[str, Field(description="More of it, for people.")]
    after: Annotated[
        str, Field(description="What has to happen first, in the controllers' words; empty: it is at once.")
    ] = ""


class PlannedRun(ApiModel):
    """A run that would start."""

    name: Annotated[str, Field(description="Name of the TrainingRun.")]
    model: Annotated[str, Field(description="The model that it makes a version of.")]
    run_key: Annotated[str | None, Field(description="Its run key, where all that decides it is known.")] = (
        None
    )
    is_stored: Annotated[bool, Field(description="Whether the store has its result already.")] = False
    trials: Annotated[int | None, Field(description="Trials of a sweep.")] = None
    stored_trials: Annotated[int | None, Field(description="Trials that the store has the results of.")] = (
        None
    )
    gpus: Annotated[int, Field(description="GPUs that it asks for at most at one time.")] = 0
    gpu_type: Annotated[str, Field(description="Which ones; empty: any.")] = ""
    gates: Annotated[tuple[str, ...], Field(description="What its model must meet to be served.")] = ()


class Gpus(ApiModel):
    """GPUs of one type."""

    gpu_type: Annotated[str, Field(description="Name of the type; empty: any.")]
    before: Annotated[int, Field(description="Asked for by runs that go on.")]
    after: Annotated[int, Field(description="Asked for at most at one time, with the change.")]
    available: Annotated[int | None, Field(description="That the operator's profile has.")] = None


class Child(ApiModel):
    """An object that the controllers would make, change or delete, as it is in the end."""

    action: Annotated[Action, Field(description="What becomes of it.")]
    owner: Annotated[str, Field(description="Kind/name of the object that it belongs to.")]
    fields: Annotated[tuple[FieldChange, ...], Field(description="Fields of a changed object.")] = ()
    object: Annotated[Body, Field(description="The whole object; without status, as it was if deleted.")]


class Plan(ApiModel):
    """What a change would do."""

    version: Annotated[Literal[1], Field(description="Version of this form.")] = 1
    path: Annotated[str, Field(description="Path of the repository.")]
    namespace: Annotated[str, Field(description="Namespace that the objects go to.")]
    before: Annotated[str, Field(description="What is compared with: a commit, or a cluster.")]
    after: Annotated[str, Field(description="What is planned: the working tree, or a commit.")]
    problems: Annotated[tuple[str, ...], Field(description="Why the change cannot be made as it is.")] = ()
    objects: Annotated[tuple[ObjectChange, ...], Field(description="Objects that differ.")] = ()
    effects: Annotated[tuple[Effect, ...], Field(description="What the controllers would do.")] = ()
    runs: Annotated[tuple[PlannedRun, ...], Field(description="Runs that would start.")] = ()
    capacity: Annotated[tuple[Gpus, ...], Field(description="GPUs, by type, where any are asked for.")] = ()
    children: Annotated[tuple[Child, ...], Field(description="What the controllers would make.")] = ()
    stand_ins: Annotated[
        dict[str, str],
        Field(description="Digests and names in here that are not known yet, and what they stand for."),
    ] = {}
    notes: Annotated[tuple[str, ...], Field(description="What the plan takes for granted.")] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.objects or self.problems)
