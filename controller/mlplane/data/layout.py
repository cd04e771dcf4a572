"""What a dataset version consists of: the columns of its records, and a file for each split. Pure."""

from mlplane.api.dataset import DataColumn, DatasetSpec

_IMPLIED = {
    "ImageFolder": (
        DataColumn(name="path", type="String"),
        DataColumn(name="label", type="String"),
        DataColumn(name="image", type="Binary"),
    ),
    "Files": (DataColumn(name="path", type="String"), DataColumn(name="content", type="Binary")),
}


def columns_of(spec: DatasetSpec) -> tuple[DataColumn, ...]:
    """The columns of a record, in their order: those of the spec, or those that its format implies."""
    return spec.columns or _IMPLIED.get(spec.format, ())


def split_file(name: str) -> str:
    """The file of a split."""
    return f"{name}.parquet"
