"""A checked CEL expression as a tree: what ``cel.expr.CheckedExpr`` says, which the engine serialises.

``celcosts`` reads it. The engine shows neither tree nor types otherwise; the format is public:
https://github.com/google/cel-spec/blob/master/proto/cel/expr/checked.proto
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Fields = dict[int, list[Any]]
"""The fields of a message by their numbers: whole numbers, or bytes."""

_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_OTHERS = {2: "null", 4: "wrapper", 10: "parameter", 11: "type"}
_WELL_KNOWN = {1: "any", 2: "timestamp", 3: "duration"}


@dataclass(frozen=True, slots=True)
class Type:
    """A type that the checker found."""

    kind: str
    """bool, int, uint, double, string, bytes, timestamp, duration, null, dyn, list, map, struct, opaque, …"""
    name: str = ""
    """Of a struct or an opaque type."""
    parameters: tuple["Type", ...] = ()


DYN = Type("dyn")


@dataclass(frozen=True, slots=True)
class Expr:
    """One node of the tree."""

    id: int
    kind: str
    """const, ident, select, call, list, map, struct or comprehension."""
    value: Any = None
    """Of a constant."""
    name: str = ""
    """Of an identifier, a field or a function; the variable that a comprehension counts with."""
    children: tuple["Expr", ...] = ()
    """Operand; arguments; elements; keys and values in turn; range, start, condition, step and result."""
    target: "Expr | None" = None
    """What a member function is called on."""
    test_only: bool = False
    """Of a select: ``has()``."""
    variables: tuple[str, ...] = ()
    """What a comprehension iterates with."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression with what the checker found."""

    root: Expr
    types: dict[int, Type]
    overloads: dict[int, tuple[str, ...]]
    names: frozenset[str]
    """The variables that are read."""
    positions: dict[int, int]
    """Where each node begins in the text."""


def parse(serialised: bytes) -> Checked:
    """What ``Expression.serialize`` of the engine returns, as a tree."""
    checked = _fields(_fields(serialised)[2][0])
    overloads: dict[int, tuple[str, ...]] = {}
    names: set[str] = set()
    for entry in checked.get(2, ()):
        key, value = _entry(entry)
        reference = _fields(value)
        overloads[key] = tuple(each.decode() for each in reference.get(3, ()))
        names.update(each.decode() for each in reference.get(1, ()))
    types = {key: _type(value) for key, value in map(_entry, checked.get(3, ()))}
    source = _fields(checked.get(5, [b""])[0])
    positions = {}
    for each in source.get(4, ()):
        place = _fields(each)
        positions[place.get(1, [0])[0]] = place.get(2, [0])[0]
    return Checked(_expr(checked[4][0]), types, overloads, frozenset(names), positions)


def walk(expr: Expr) -> Iterator[Expr]:
    """A node and all below it."""
    yield expr
    for child in (*expr.children, *([expr.target] if expr.target else ())):
        yield from walk(child)


def _entry(data: bytes) -> tuple[int, bytes]:
    entry = _fields(data)
    return entry.get(1, [0])[0], entry.get(2, [b""])[0]


def _fields(data: bytes) -> Fields:
    found: Fields = {}
    for number, value in _each(data):
        found.setdefault(number, []).append(value)
    return found


def _each(data: bytes) -> Iterator[tuple[int, Any]]:
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        match tag & 7:
            case 0:
                value, place = _varint(data, place)
                yield tag >> 3, value
            case 2:
                size, place = _varint(data, place)
                yield tag >> 3, data[place : place + size]
                place += size
            case wire:  # 64 or 32 bits: doubles, which nobody asks for
                place += 8 if wire == 1 else 4
                yield tag >> 3, 0


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _type(data: bytes) -> Type:
    for number, value in _each(data):
        match number:
            case 3:
                return Type(_PRIMITIVES.get(value, "dyn"))
            case 5:
                return Type(_WELL_KNOWN.get(value, "dyn"))
            case 6 | 7:
                kind = "list" if number == 6 else "map"
                return Type(kind, parameters=tuple(_type(each) for _, each in sorted(_each(value))))
            case 9:
                return Type("struct", value.decode())
            case 14:
                found = _fields(value)
                return Type("opaque", found.get(1, [b""])[0].decode(), tuple(map(_type, found.get(2, ()))))
            case _:
                return Type(_OTHERS.get(number, "dyn"))
    return DYN


def _expr(data: bytes) -> Expr:
    number, name, body = 0, 0, b""
    for field, value in _each(data):
        if field == 2:
            number = value
        else:
            name, body = field, value
    return _EXPRS[name](number, _fields(body)) if name in _EXPRS else Expr(number, "const")


def _text(fields: Fields, number: int) -> str:
    return str(fields.get(number, [b""])[0].decode())


def _const(number: int, fields: Fields) -> Expr:
    for kind, values in fields.items():
        value = values[0]
        if kind == 2:
            return Expr(number, "const", bool(value))
        if kind == 3:
            return Expr(number, "const", value - 2**64 if value >= 2**63 else value)
        return Expr(number, "const", value.decode() if kind == 6 else value)
    return Expr(number, "const")


def _select(number: int, fields: Fields) -> Expr:
    operand = _expr(fields[1][0])
    return Expr(number, "select", name=_text(fields, 2), children=(operand,), test_only=bool(fields.get(3)))


def _call(number: int, fields: Fields) -> Expr:
    target = _expr(fields[1][0]) if 1 in fields else None
    return Expr(
        number, "call", name=_text(fields, 2), children=tuple(map(_expr, fields.get(3, ()))), target=target
    )


def _list(number: int, fields: Fields) -> Expr:
    return Expr(number, "list", children=tuple(map(_expr, fields.get(1, ()))))


def _struct(number: int, fields: Fields) -> Expr:
    children: list[Expr] = []
    for entry in map(_fields, fields.get(2, ())):
        children += [_expr(part) for key in (3, 4) for part in entry.get(key, ())]
    return Expr(number, "struct" if 1 in fields else "map", name=_text(fields, 1), children=tuple(children))


def _comprehension(number: int, fields: Fields) -> Expr:
    variables = tuple(_text(fields, key) for key in (1, 8) if key in fields)
    children = tuple(_expr(fields[key][0]) for key in (2, 4, 5, 6, 7))
    return Expr(number, "comprehension", name=_text(fields, 3), children=children, variables=variables)


_EXPRS = {
    3: _const,
    4: lambda number, fields: Expr(number, "ident", name=_text(fields, 1)),
    5: _select,
    6: _call,
    7: _list,
    8: _struct,
    9: _comprehension,
}
