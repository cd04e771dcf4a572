"""Dataset: a source, its columns, checks and splits; becomes an immutable, content-addressed version."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from mlplane.api.datacheck import Check, CheckResult
from mlplane.api.datasource import DataSource
from mlplane.api.meta import (
    AGE_COLUMN,
    ATOMIC,
    READY_COLUMN,
    REASON_COLUMN,
    ApiModel,
    Column,
    DecimalString,
    Digest,
    Identifier,
    ObjectName,
    Params,
    RelativePath,
    Resource,
    Source,
    Status,
    StoreUri,
    rules,
    short_name_rule,
)

Timestamp = Annotated[
    str, Field(max_length=32, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$")
]
"""A day, or a moment in UTC."""


class DataColumn(ApiModel):
    """One field of a record: one value, or ``width`` values side by side that form a vector."""

    name: Annotated[Identifier, Field(description="Name; a model input with this name is fed from it.")]
    type: Annotated[
        Literal["Integer", "Number", "String", "Boolean", "Timestamp", "Binary"],
        Field(description="Type of each value."),
    ]
    width: Annotated[
        int | None, Field(ge=1, le=65536, description="Number of adjacent values that form a vector.")
    ] = None
    nulls: Annotated[
        Literal["Allowed"] | None,
        Field(description="Allowed: values may be missing. No value may, if not set."),
    ] = None
    minimum: Annotated[DecimalString | None, Field(description="Smallest allowed value.")] = None
    maximum: Annotated[DecimalString | None, Field(description="Largest allowed value.")] = None


class SplitBy(ApiModel):
    """What decides the split of a record."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.method == 'Hash' || has(self.column)",
                "column must be set for the methods Time and Column",
            ),
        )
    )

    method: Annotated[
        Literal["Hash", "Time", "Column"],
        Field(description="A hash, the time in a column, or the value of a column."),
    ]
    column: Annotated[
        Identifier | None,
        Field(description="The column; for Hash, records that are equal in it stay together."),
    ] = None


class SplitSpec(ApiModel):
    """A named part of the records: those that it takes and no split before it has taken."""

    name: Annotated[Identifier, Field(description="Name, such as train or test.")]
    percent: Annotated[
        int | None, Field(ge=1, le=100, description="Hash: share of the records; all shares make 100.")
    ] = None
    until: Annotated[
        Timestamp | None, Field(description="Time: takes what is earlier; the last split takes the rest.")
    ] = None
    values: Annotated[
        tuple[Annotated[str, Field(max_length=256)], ...],
        Field(
            max_length=64,
            description="Column: takes these values; the last split may take the rest.",
            json_schema_extra=ATOMIC,
        ),
    ] = ()


class Sample(ApiModel):
    """A share of the records, the same ones each time."""

    percent: Annotated[int, Field(ge=1, le=99, description="Share of the records, chosen by their hash.")]


class DatasetRef(ApiModel):
    """A Dataset of the same namespace."""

    name: Annotated[ObjectName, Field(description="Name of the Dataset.")]
    digest: Annotated[Digest | None, Field(description="The one version of it to take.")] = None


class DerivedFrom(ApiModel):
    """Other Datasets, and the code that makes this one of them."""

    datasets: Annotated[
        tuple[DatasetRef, ...],
        Field(
            min_length=1,
            max_length=8,
            description="What the transform reads.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]
    code: Annotated[Source, Field(description="Directory with the user's code.")]
    entrypoint: Annotated[RelativePath, Field(description="Python script to run, relative to the code.")]
    params: Annotated[Params, Field(description="Parameters of the script.")] = {}


class Refresh(ApiModel):
    """When the source is read again."""

    schedule: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[0-9*,/A-Za-z-]+( [0-9*,/A-Za-z-]+){4}$",
            description="Five fields of cron, in UTC: minute, hour, day, month, day of the week.",
        ),
    ]


class Retention(ApiModel):
    """What `mlplane store gc` keeps of what nothing uses any more."""

    versions: Annotated[int, Field(ge=1, le=1000, description="Number of newest versions that are kept.")]


class DatasetSpec(ApiModel):
    """What the data are, what they must be like, and how they are divided."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.source) != has(self.derivedFrom)",
                "exactly one of spec.source and spec.derivedFrom must be set",
            ),
            (
                "has(self.header) == (self.format == 'CSV')",
                "spec.header must be set for CSV, and only for it",
            ),
            (
                "has(self.columns) == (self.format in ['CSV', 'JSONL', 'Parquet'])",
                "spec.columns must be set for CSV, JSONL and Parquet, and only for these",
            ),
            (
                "has(self.splitBy) && self.splitBy.method != 'Hash' || "
                "self.splits.map(s, has(s.percent) ? s.percent : 0).sum() == 100",
                "the percents of spec.splits must add up to 100",
            ),
            (
                "!has(self.splitBy) || self.splitBy.method == 'Hash' || self.splits.all(s, !has(s.percent))",
                "percent of a split is for the method Hash only",
            ),
            (
                "has(self.splitBy) && self.splitBy.method == 'Time' || self.splits.all(s, !has(s.until))",
                "until of a split is for the method Time only",
            ),
            (
                "has(self.splitBy) && self.splitBy.method == 'Column' || self.splits.all(s, !has(s.values))",
                "values of a split are for the method Column only",
            ),
            (
                "!has(self.refresh) || has(self.source) && [has(self.source.s3), has(self.source.gs), "
                "has(self.source.https), has(self.source.pvc)].exists(mutable, mutable)",
                "spec.refresh is for the sources s3, gs, https and pvc: the bytes of others stay as they are",
            ),
        )
    )

    source: Annotated[DataSource | None, Field(description="Where the bytes come from.")] = None
    derived_from: Annotated[
        DerivedFrom | None, Field(description="Other Datasets, and the code that makes this one of them.")
    ] = None
    digest: Annotated[
        Digest | None,
        Field(description="Digest that the version must have; written by `mlplane lock`."),
    ] = None
    format: Annotated[
        Literal["CSV", "JSONL", "Parquet", "ImageFolder", "Files"],
        Field(description="Format of the bytes; a name that ends in .gz is unpacked first."),
    ]
    header: Annotated[
        Literal["Present", "Absent"] | None,
        Field(description="CSV: whether the first line of a file holds the names of columns."),
    ] = None
    columns: Annotated[
        tuple[DataColumn, ...] | None,
        Field(
            min_length=1,
            max_length=256,
            description="The fields of a record, in their order. ImageFolder has path, label and image; "
            "Files has path and content.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = None
    sample: Annotated[Sample | None, Field(description="Take a share of the records only.")] = None
    checks: Annotated[
        tuple[Check, ...],
        Field(
            max_length=64,
            description="What must hold, beside the columns, before the version counts.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    split_by: Annotated[
        SplitBy | None, Field(description="What decides the split; a hash of the record, if not set.")
    ] = None
    splits: Annotated[
        tuple[SplitSpec, ...],
        Field(
            min_length=1,
            max_length=16,
            description="How the records are divided; a record is in the first split that takes it.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]
    refresh: Annotated[Refresh | None, Field(description="When the source is read again.")] = None
    retention: Annotated[Retention | None, Field(description="What is kept of unused versions.")] = None


class Split(ApiModel):
    """A share of the records as it was made."""

    name: Annotated[Identifier, Field(description="Name of the split.")]
    digest: Annotated[Digest, Field(description="Digest of the records in it.")]
    rows: Annotated[int, Field(ge=0, description="Number of records in it.")]


class ResolvedInput(ApiModel):
    """A version of another Dataset that this one was made of."""

    name: Annotated[ObjectName, Field(description="Name of the Dataset.")]
    digest: Annotated[Digest, Field(description="Digest of its version.")]


class DatasetStatus(Status):
    """The newest version."""

    digest: Annotated[
        Digest | None, Field(description="Digest of the raw bytes, the columns and the splits.")
    ] = None
    uri: Annotated[StoreUri | None, Field(description="Where this version is stored.")] = None
    rows: Annotated[int | None, Field(ge=0, description="Number of records.")] = None
    files: Annotated[int | None, Field(ge=0, description="Number of raw files.")] = None
    bytes: Annotated[int | None, Field(ge=0, description="Size of the raw files.")] = None
    splits: Annotated[
        tuple[Split, ...],
        Field(
            max_length=16,
            description="The splits as they were made.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    checks: Annotated[
        tuple[CheckResult, ...],
        Field(
            max_length=64,
            description="What the checks found when the data were last read; those that failed come first.",
            json_schema_extra=ATOMIC,
        ),
    ] = ()
    inputs: Annotated[
        tuple[ResolvedInput, ...],
        Field(
            max_length=8,
            description="The versions that a derived Dataset was made of.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    recipe: Annotated[
        Digest | None,
        Field(description="Digest of what this version was made by: a part of the spec, and the inputs."),
    ] = None
    found: Annotated[
        Digest | None,
        Field(description="Digest of sound bytes that the source has now and spec.digest does not allow."),
    ] = None
    workflow: Annotated[
        str | None, Field(max_length=63, description="The Workflow that reads the source, or did last.")
    ] = None
    refreshed: Annotated[
        str | None,
        Field(
            max_length=32,
            description="Due times of the schedule up to this one have been followed.",
            json_schema_extra={"format": "date-time"},
        ),
    ] = None


class Dataset(Resource):
    """A source of data with its columns, checks and splits; a change makes a new immutable version."""

    PLURAL: ClassVar[str] = "datasets"
    SHORT_NAME: ClassVar[str] = "dset"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        REASON_COLUMN,
        Column("Rows", ".status.rows", "integer"),
        Column("Digest", ".status.digest", priority=1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (
        short_name_rule(40),
        (
            "!has(self.spec.derivedFrom) || !self.spec.derivedFrom.datasets"
            ".exists(parent, parent.name == self.metadata.name)",
            "spec.derivedFrom.datasets must name other Datasets",
        ),
    )

    kind: Literal["Dataset"] = "Dataset"
    spec: Annotated[DatasetSpec, Field(description="What the data are and how they are divided.")]
    status: Annotated[DatasetStatus, Field(description="The newest version.")] = DatasetStatus()
