"""What failed when records were checked: counts and row numbers, never values, for data may be secret."""

from mlplane.errors import InvalidInput

ROWS_SHOWN = 5
CHECKS_SHOWN = 5


class Checks:
    """Collects the failures of a file. Rows count from 1, without the header and empty lines."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._rows: dict[tuple[str, str], list[int]] = {}

    @property
    def failed(self) -> bool:
        """Whether any check failed so far."""
        return bool(self._counts)

    def fail(self, column: str, rule: str, row: int) -> None:
        """Note that a value of a column in a row breaks a rule."""
        key = (column, rule)
        self._counts[key] = self._counts.get(key, 0) + 1
        rows = self._rows.setdefault(key, [])
        if len(rows) < ROWS_SHOWN and row not in rows:
            rows.append(row)

    def raise_if_failed(self, source: str, records: int) -> None:
        """Report all failures in one sentence.

        Args:
            source: Name of the file.
            records: How many records it has.

        Raises:
            InvalidInput: if any check failed.
        """
        if not self.failed:
            return
        findings = [
            f"column {column} breaks {rule} in {count} value{'s' * (count != 1)}"
            f" (first rows {', '.join(map(str, self._rows[column, rule]))})"
            for (column, rule), count in self._counts.items()
        ]
        more = len(findings) - CHECKS_SHOWN
        tail = f"; and {more} more" if more > 0 else ""
        raise InvalidInput(
            f"{source}: {'; '.join(findings[:CHECKS_SHOWN])}{tail}; {records} records were checked,"
            " correct the data or spec.columns"
        )
