"""The profile of a dataset version: what its columns hold, in a few hundred numbers each.

``data.profiling`` makes it of the staged records; it lies in the version's folder as ``profile.json``. A
check ``distribution`` needs nothing else of the version that it compares with, and ``mlplane profile`` shows
it. It holds values of the data, so it is nowhere but in the store.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import ValidationError

from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import ApiModel
from mlplane.errors import Terminal
from mlplane.store.artifacts import Store
from mlplane.store.uris import uri_of

PROFILE = "profile.json"
KIND = "datasets"


class Bins(ApiModel):
    """Values counted by where they lie: up to the first edge, from there to the second, …, above the last."""

    edges: tuple[int | float, ...]
    """Ascending; a value that is an edge lies below it."""
    counts: tuple[int, ...]
    """One more than edges."""


class TopValue(ApiModel):
    """A frequent value."""

    value: str
    count: int


class Numbers(ApiModel):
    """Values of a column of numbers; of a Timestamp, in microseconds since 1970 in UTC."""

    min: int | float
    max: int | float
    mean: float
    std: float | None = None
    """Standard deviation of a sample; None of a single value, and where no float is large enough."""
    deciles: tuple[int | float, ...]
    """Nine of them, estimated (t-digest); the fifth is the median."""
    bins: Bins
    """Between the deciles; fewer of them where values repeat."""
    histogram: Bins
    """Of equal width, from the smallest to the largest value."""


class Lengths(ApiModel):
    """Lengths of the values: characters of a String, bytes of a Binary."""

    min: int
    max: int
    mean: float


class ColumnProfile(ApiModel):
    """What a column holds."""

    name: str
    type: Literal["Integer", "Number", "String", "Boolean", "Timestamp", "Binary"]
    width: int | None = None
    looked_at: int
    """Number of values: one for each record; of vectors, all values in a part of them."""
    nulls: int
    """How many of these are missing."""
    distinct: int
    """Number of different values, estimated (HyperLogLog)."""
    numbers: Numbers | None = None
    """Of Integer, Number and Timestamp, if there is a value."""
    lengths: Lengths | None = None
    """Of String and Binary, if there is a value."""
    top: tuple[TopValue, ...] = ()
    """Of String and Boolean: the most frequent values, at most 20, each counted exactly."""


class Profile(ApiModel):
    """What ``profile.json`` holds."""

    version: Literal[1] = 1
    rows: int
    """Number of records."""
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        """A column by its name; None where there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def write(self, directory: Path) -> None:
        """Write ``profile.json`` into a folder."""
        (directory / PROFILE).write_text(
            self.model_dump_json(by_alias=True, exclude_none=True, indent=1) + "\n"
        )


def read_profile(store: Store, dataset: PinnedRef) -> Profile:
    """The profile of a stored version.

    Args:
        store: Where it is.
        dataset: Name and digest of the version.

    Raises:
        Terminal: there is no such version, it has no profile, or the profile is damaged.
        Transient: the store failed.
    """
    uri = uri_of(KIND, dataset.name, dataset.digest)
    with TemporaryDirectory() as folder:
        file = Path(folder) / PROFILE
        store.get(uri, Path(folder), only={PROFILE})
        if not file.is_file():
            raise Terminal(
                f"{uri} has no {PROFILE}: an older mlplane has made it; delete it and make it again"
            )
        try:
            return Profile.model_validate_json(file.read_bytes())
        except ValidationError as error:
            raise Terminal(f"{PROFILE} of {uri} is not one that this mlplane reads") from error


def is_numeric(column: DataColumn | ColumnProfile) -> bool:
    """Whether values of a column have an order and a distance."""
    return column.type in ("Integer", "Number", "Timestamp")
