"""What the records of a Dataset must be like, and what was found."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from mlplane.api.meta import ATOMIC, ApiModel, DecimalString, Digest, Identifier, ObjectName, rules

Count = Annotated[int, Field(ge=0, le=2**53)]
Duration = Annotated[str, Field(max_length=16, pattern=r"^[1-9][0-9]{0,5}(m|h|d)$")]
"""Minutes, hours or days, such as ``36h``."""


class RowsCheck(ApiModel):
    """How many records there must be."""

    min: Annotated[Count | None, Field(description="Fewest records.")] = None
    max: Annotated[Count | None, Field(description="Most records.")] = None


class NullsCheck(ApiModel):
    """How many values of a column may be missing."""

    max_share: Annotated[DecimalString, Field(description="Largest share of the records, such as 0.01.")]


class RangeCheck(ApiModel):
    """Between which numbers the values of a column must lie; each bound is allowed itself."""

    min: Annotated[DecimalString | None, Field(description="Smallest allowed value.")] = None
    max: Annotated[DecimalString | None, Field(description="Largest allowed value.")] = None


class EnumCheck(ApiModel):
    """The only values that a column may have."""

    values: Annotated[
        tuple[Annotated[str, Field(max_length=256)], ...],
        Field(min_length=1, max_length=256, description="Allowed values.", json_schema_extra=ATOMIC),
    ]


class UniqueCheck(ApiModel):
    """No two records may be alike in these columns."""

    columns: Annotated[
        tuple[Identifier, ...],
        Field(
            min_length=1,
            max_length=16,
            description="Columns that together are a key.",
            json_schema_extra=ATOMIC,
        ),
    ]


class RegexCheck(ApiModel):
    """The whole of each value of a column must match a regular expression (RE2)."""

    pattern: Annotated[str, Field(min_length=1, max_length=512, description="Regular expression (RE2).")]


class FreshnessCheck(ApiModel):
    """How old the newest value of a column may be when the data are read."""

    max_age: Annotated[Duration, Field(description="Minutes, hours or days, such as 36h.")]


class DistributionCheck(ApiModel):
    """How far the values of a column may lie from those of a named version."""

    dataset: Annotated[ObjectName, Field(description="Name of the Dataset; it may be this one.")]
    digest: Annotated[Digest, Field(description="Version to compare with.")]
    statistic: Annotated[
        Literal["PSI", "KS"],
        Field(description="Population stability index, or Kolmogorov-Smirnov distance over its bins."),
    ]
    max: Annotated[DecimalString, Field(description="Largest distance that passes.")]


class RecordCheck(ApiModel):
    """Each record, as a JSON object of its columns, must be valid by a JSON Schema."""

    json_schema: Annotated[
        str,
        Field(
            min_length=2,
            max_length=16384,
            description="JSON Schema (draft 2020-12) as JSON or YAML text, without references to elsewhere.",
        ),
    ]


ROWS_SHOWN = 10
"""As many row numbers as a ``CheckResult`` has room for."""
_KINDS = "rows, nulls, range, enum, unique, regex, freshness, distribution and record"
_ABOUT_A_COLUMN = "nulls, range, enum, regex, freshness and distribution"


class Check(ApiModel):
    """One rule that the records must obey."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.rows), has(self.nulls), has(self.range), has(self.enum), has(self.unique), "
                "has(self.regex), has(self.freshness), has(self.distribution), has(self.record)]"
                ".filter(s, s).size() == 1",
                f"exactly one of {_KINDS} must be set",
            ),
            (
                "has(self.column) == (has(self.nulls) || has(self.range) || has(self.enum) || "
                "has(self.regex) || has(self.freshness) || has(self.distribution))",
                f"column must be set for {_ABOUT_A_COLUMN}, and only for these",
            ),
        )
    )

    name: Annotated[ObjectName, Field(description="Name of the check, as it stands in messages.")]
    column: Annotated[Identifier | None, Field(description="The column that is looked at.")] = None
    severity: Annotated[
        Literal["Error", "Warning"] | None,
        Field(description="Warning: the version is made all the same. Error where it is not set."),
    ] = None
    rows: Annotated[RowsCheck | None, Field(description="Number of records.")] = None
    nulls: Annotated[NullsCheck | None, Field(description="Missing values.")] = None
    range: Annotated[RangeCheck | None, Field(description="Bounds of numbers.")] = None
    enum: Annotated[EnumCheck | None, Field(description="Allowed values.")] = None
    unique: Annotated[UniqueCheck | None, Field(description="No record twice.")] = None
    regex: Annotated[RegexCheck | None, Field(description="Form of texts.")] = None
    freshness: Annotated[FreshnessCheck | None, Field(description="Age of the newest value.")] = None
    distribution: Annotated[DistributionCheck | None, Field(description="Distance from another version.")] = (
        None
    )
    record: Annotated[RecordCheck | None, Field(description="JSON Schema of a record.")] = None


class CheckResult(ApiModel):
    """What a check found: counts and places, never values."""

    name: Annotated[str, Field(max_length=63, description="Name of the check, or of a rule of the columns.")]
    column: Annotated[str | None, Field(max_length=63, description="The column that was looked at.")] = None
    rule: Annotated[str, Field(max_length=256, description="What had to hold.")]
    verdict: Annotated[Literal["Passed", "Failed", "Warned"], Field(description="What came of it.")]
    count: Annotated[Count, Field(description="Number of records that break the rule.")]
    rows: Annotated[
        tuple[Count, ...],
        Field(
            max_length=ROWS_SHOWN,
            description="The first of these records, counted from 1.",
            json_schema_extra=ATOMIC,
        ),
    ] = ()
    measured: Annotated[
        str | None, Field(max_length=64, description="The number that was compared, where it is one.")
    ] = None
