"""ModelServer: which version of a model answers predictions."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import (
    AGE_COLUMN,
    READY_COLUMN,
    REASON_COLUMN,
    ApiModel,
    Column,
    ModelName,
    Resource,
    Status,
    rules,
    short_name_rule,
)


class Follow(ApiModel):
    """Serve whichever version of a model is best by a policy."""

    model: Annotated[ModelName, Field(description="Name of the model.")]
    policy: Annotated[
        Literal["Newest"], Field(description="Newest: the newest approved version of the model.")
    ]


class ModelServerSpec(ApiModel):
    """Which version is served: one that is pinned, or one that follows a policy."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.modelVersion) != has(self.follow)",
                "exactly one of spec.modelVersion and spec.follow must be set",
            ),
        )
    )

    model_version: Annotated[PinnedRef | None, Field(description="The one version to serve.")] = None
    follow: Annotated[Follow | None, Field(description="The rule that picks the version to serve.")] = None


class ModelServerStatus(Status):
    """What is served and where."""

    model_version: Annotated[
        PinnedRef | None, Field(description="The version that is served or being rolled out.")
    ] = None
    url: Annotated[str | None, Field(max_length=512, description="Address of the endpoint.")] = None


class ModelServer(Resource):
    """An endpoint that answers predictions with one version of a model."""

    PLURAL: ClassVar[str] = "modelservers"
    SHORT_NAME: ClassVar[str] = "ms"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        REASON_COLUMN,
        Column("Model Version", ".status.modelVersion.name"),
        Column("URL", ".status.url"),
        Column("Digest", ".status.modelVersion.digest", priority=1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (short_name_rule(37),)

    kind: Literal["ModelServer"] = "ModelServer"
    spec: Annotated[ModelServerSpec, Field(description="Which version is served.")]
    status: Annotated[ModelServerStatus, Field(description="What is served and where.")] = ModelServerStatus()
