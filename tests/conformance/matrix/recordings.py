"""The committed files: what the real server answered, and how the local one is allowed to differ."""

from functools import cache
from typing import Any

import yaml

from conformance.matrix import changes
from conformance.matrix.cell import HERE, Body, Cell, cells

FOLDER = HERE / "recorded"
DEVIATIONS = HERE / "deviations.yaml"


class _Dumper(yaml.SafeDumper):
    """Blocks for texts of several lines, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


@cache
def _file(group: str) -> Body:
    path = FOLDER / f"{group}.yaml"
    return yaml.load(path.read_text(), yaml.CSafeLoader) or {} if path.exists() else {}


def recorded(cell: Cell) -> Body | None:
    """What the real server answered; None if it was never asked."""
    return _file(cell.group).get(cell.name)


def names() -> set[str]:
    """All recorded cells."""
    return {name for path in FOLDER.glob("*.yaml") for name in _file(path.stem)}


def record(cells: list[Cell], seen: dict[str, Body]) -> None:
    """Write what was seen of all cells; what was not asked now stays as it was recorded."""
    for group in {cell.group for cell in cells if cell.name in seen}:
        kept = {cell.name: seen.get(cell.name) or recorded(cell) for cell in cells if cell.group == group}
        known = {name: body for name, body in kept.items() if body}
        text = yaml.dump(known, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
        (FOLDER / f"{group}.yaml").write_text(text)
    _file.cache_clear()


def note(seen: dict[str, Body]) -> None:
    """Write how the local server differs now; reasons that were given stay."""
    found = {
        cell.name: {**deviations().get(cell.name, {"because": ""}), "lines": differing}
        for cell in cells()
        if (differing := _differing(cell, seen))
    }
    DEVIATIONS.write_text(yaml.dump(found, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True))


def _differing(cell: Cell, seen: dict[str, Body]) -> list[str]:
    if cell.name not in seen:
        return list(deviations().get(cell.name, {}).get("lines", []))
    return changes.lines(recorded(cell), seen[cell.name])


def same(value: Any) -> Any:
    """As it would be read back from a file."""
    return yaml.load(yaml.dump(value, Dumper=_Dumper, allow_unicode=True), yaml.CSafeLoader)


@cache
def deviations() -> dict[str, Body]:
    """Cells that differ on the local server: ``because`` and the differing ``lines``."""
    return yaml.load(DEVIATIONS.read_text(), yaml.CSafeLoader) or {} if DEVIATIONS.exists() else {}
