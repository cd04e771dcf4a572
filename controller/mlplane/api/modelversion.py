"""ModelVersion: the immutable, digest-pinned result of a run, with its lineage."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlplane.api.dataset import Split
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import (
    AGE_COLUMN,
    IMMUTABLE,
    READY_COLUMN,
    ApiModel,
    Column,
    CommitId,
    Digest,
    GitSource,
    Identifier,
    ModelName,
    ObjectName,
    Params,
    RelativePath,
    Resource,
    Status,
    StoreUri,
    rules,
    short_name_rule,
)
from mlplane.api.usercode import ImageCode


class Artifact(ApiModel):
    """The stored model."""

    uri: Annotated[StoreUri, Field(description="Where the model is stored.")]
    digest: Annotated[Digest, Field(description="Digest of its files.")]


class RunRef(ApiModel):
    """The run that made a model."""

    name: Annotated[ObjectName, Field(description="Name of the TrainingRun.")]
    key: Annotated[Digest, Field(description="Digest of everything that decided the result.")]


class CodeLineage(GitSource):
    """The code that made a model."""

    tree: Annotated[CommitId, Field(description="Git tree id of the path: the identity of its content.")]
    entrypoint: Annotated[RelativePath, Field(description="Python script that was run.")]


class ImageCodeLineage(ImageCode):
    """The code that made a model, in a directory of ``spec.lineage.image``."""

    entrypoint: Annotated[RelativePath, Field(description="Python script that was run.")]


class Lineage(ApiModel):
    """Everything that a model came from."""

    model_config = {
        "json_schema_extra": rules(
            ("has(self.code) != has(self.imageCode)", "give exactly one of code and imageCode")
        )
    }

    run: Annotated[RunRef, Field(description="The run that made it.")]
    dataset: Annotated[PinnedRef, Field(description="The dataset version that it was trained on.")]
    splits: Annotated[
        tuple[Split, ...],
        Field(
            max_length=16,
            description="The splits that it was trained on: it may not be judged by these.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    code: Annotated[CodeLineage | None, Field(description="The code that made it.")] = None
    image_code: Annotated[
        ImageCodeLineage | None, Field(description="The code that made it, where it came with the image.")
    ] = None
    image: Annotated[str, Field(max_length=512, description="Container image that the code ran in.")]
    params: Annotated[Params, Field(description="Parameters of the script.")] = {}
    seed: Annotated[int, Field(ge=0, le=2147483647, description="Seed of every random generator.")]


class Imported(ApiModel):
    """Where a model came from that no run made."""

    source: Annotated[
        str,
        Field(
            max_length=512, pattern=r"^[^\n]+$", description="Where it came from, in the words of a person."
        ),
    ]
    license: Annotated[
        str | None,
        Field(max_length=64, pattern=r"^[-A-Za-z0-9.+ ]+$", description="SPDX license expression."),
    ] = None


class Tensor(ApiModel):
    """An input or an output of a model."""

    name: Annotated[Identifier, Field(description="Name of the tensor.")]
    datatype: Annotated[
        Literal["FP32", "FP64", "INT32", "INT64"],
        Field(description="Type of an element, as the Open Inference Protocol names it."),
    ]
    shape: Annotated[
        tuple[int, ...],
        Field(
            min_length=1,
            max_length=8,
            description="Sizes of the dimensions; -1 where any size is allowed, as for the batch.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ]


Tensors = Annotated[
    tuple[Tensor, ...],
    Field(
        min_length=1,
        max_length=32,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    ),
]


class Signature(ApiModel):
    """What a model takes and gives."""

    inputs: Annotated[Tensors, Field(description="What the model takes.")]
    outputs: Annotated[Tensors, Field(description="What the model gives.")]


class ModelVersionSpec(ApiModel):
    """One model, pinned by digest, and where it came from."""

    model_config = {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                *IMMUTABLE["x-kubernetes-validations"],
                {
                    "rule": "has(self.lineage) != has(self.imported)",
                    "message": "exactly one of spec.lineage and spec.imported must be set",
                },
            ]
        }
    }

    model: Annotated[ModelName, Field(description="Name of the model.")]
    artifact: Annotated[Artifact, Field(description="The stored model.")]
    signature: Annotated[Signature, Field(description="What the model takes and gives.")]
    lineage: Annotated[Lineage | None, Field(description="Everything that it came from.")] = None
    imported: Annotated[
        Imported | None,
        Field(description="Where it came from, if no run made it; `mlplane import` writes it."),
    ] = None


class ModelVersion(Resource):
    """The immutable result of a run; what a ModelServer serves and a promotion copies."""

    PLURAL: ClassVar[str] = "modelversions"
    SHORT_NAME: ClassVar[str] = "mv"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        Column("Approved", '.status.conditions[?(@.type=="Approved")].status'),
        Column("Model", ".spec.model"),
        Column("Digest", ".spec.artifact.digest"),
        Column("Run", ".spec.lineage.run.name", priority=1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (short_name_rule(63),)

    kind: Literal["ModelVersion"] = "ModelVersion"
    spec: Annotated[ModelVersionSpec, Field(description="One model and where it came from; immutable.")]
    status: Annotated[Status, Field(description="Whether it may be served.")] = Status()
