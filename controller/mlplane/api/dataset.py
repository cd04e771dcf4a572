"""Dataset: a source, its columns and splits; becomes an immutable, content-addressed version."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from mlplane.api.meta import (
    AGE_COLUMN,
    READY_COLUMN,
    REASON_COLUMN,
    ApiModel,
    Column,
    DecimalString,
    Digest,
    Identifier,
    Resource,
    Source,
    Status,
    StoreUri,
    rules,
    short_name_rule,
)


class DataColumn(ApiModel):
    """One field of a record: one value, or ``width`` values side by side that form a vector."""

    name: Annotated[Identifier, Field(description="Name; a model input with this name is fed from it.")]
    type: Annotated[Literal["Integer", "Number"], Field(description="Type of each value.")]
    width: Annotated[
        int | None, Field(ge=1, le=65536, description="Number of adjacent values that form a vector.")
    ] = None
    minimum: Annotated[DecimalString | None, Field(description="Smallest allowed value.")] = None
    maximum: Annotated[DecimalString | None, Field(description="Largest allowed value.")] = None


class SplitSpec(ApiModel):
    """A named share of the records."""

    name: Annotated[Identifier, Field(description="Name, such as train or test.")]
    percent: Annotated[int, Field(ge=1, le=100, description="Share of the records; all shares make 100.")]


class DatasetSpec(ApiModel):
    """What the data are and how they are divided."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.splits.map(s, s.percent).sum() == 100", "the percents of spec.splits must add up to 100"),
        )
    )

    source: Annotated[Source, Field(description="Where the bytes come from.")]
    format: Annotated[
        Literal["CSV"], Field(description="Format of the bytes; a name that ends in .gz is unpacked first.")
    ]
    header: Annotated[
        Literal["Present", "Absent"], Field(description="Whether the first line holds the names of columns.")
    ]
    columns: Annotated[
        tuple[DataColumn, ...],
        Field(
            min_length=1,
            max_length=256,
            description="The fields of a record, in their order.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]
    splits: Annotated[
        tuple[SplitSpec, ...],
        Field(
            min_length=1,
            max_length=16,
            description="How the records are divided, by a hash of each record; equal records stay together.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]


class Split(ApiModel):
    """A share of the records as it was made."""

    name: Annotated[Identifier, Field(description="Name of the split.")]
    digest: Annotated[Digest, Field(description="Digest of the records in it.")]
    rows: Annotated[int, Field(ge=0, description="Number of records in it.")]


class DatasetStatus(Status):
    """The newest version."""

    digest: Annotated[
        Digest | None, Field(description="Digest of the raw bytes, the columns and the splits.")
    ] = None
    uri: Annotated[StoreUri | None, Field(description="Where this version is stored.")] = None
    rows: Annotated[int | None, Field(ge=0, description="Number of records.")] = None
    splits: Annotated[
        tuple[Split, ...],
        Field(
            max_length=16,
            description="The splits as they were made.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()


class Dataset(Resource):
    """A source of data with its columns and splits; each change of it makes a new immutable version."""

    PLURAL: ClassVar[str] = "datasets"
    SHORT_NAME: ClassVar[str] = "dset"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        REASON_COLUMN,
        Column("Rows", ".status.rows", "integer"),
        Column("Digest", ".status.digest", priority=1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (short_name_rule(40),)

    kind: Literal["Dataset"] = "Dataset"
    spec: Annotated[DatasetSpec, Field(description="What the data are and how they are divided.")]
    status: Annotated[DatasetStatus, Field(description="The newest version.")] = DatasetStatus()
