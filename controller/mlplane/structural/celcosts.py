"""What a CEL expression can cost at most, by the cost model of cel-go with the additions of Kubernetes.

``celbudgets`` compares it with the limits. Costs and sizes are ranges (least, most) that end at 2**64 - 1.
Reference: checker/cost.go of cel-go, pkg/cel/library/cost.go of k8s.io/apiserver.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from mlplane.structural import celcallcosts
from mlplane.structural.celast import DYN, Checked, Expr, Type
from mlplane.structural.celranges import FREE, ONE, UNKNOWN, Range, fixed
from mlplane.structural.celtypes import Declared

Path = tuple[str, ...]

_LIST_BASE, _MAP_BASE, _STRUCT_BASE = fixed(10), fixed(30), fixed(40)
_SCALARS = frozenset(("bool", "double", "duration", "int", "timestamp", "uint"))
_ACCUMULATORS = frozenset(("__result__", "@result"))
_NO_ENTRIES = Range(2**64 - 1, 0)


@dataclass(frozen=True, slots=True)
class Entries:
    """Sizes of the keys and the values of a container."""

    kind: str
    keys: Range
    values: Range

    def union(self, other: "Entries | None") -> "Entries | None":
        """Sizes of either."""
        if other is None:
            return None
        return Entries(self.kind, self.keys.union(other.keys), self.values.union(other.values))


@dataclass(frozen=True, slots=True)
class _Variable:
    path: Path
    size: Range | None = None
    entries: Entries | None = None


@dataclass
class Coster:
    """Adds up one expression; ``self`` and ``oldSelf`` have the declared type."""

    checked: Checked
    root: Declared
    paths: dict[int, Path] = field(default_factory=dict)
    sizes: dict[int, Range] = field(default_factory=dict)
    entries: dict[int, Entries] = field(default_factory=dict)
    variables: dict[str, list[_Variable]] = field(default_factory=dict)

    def total(self) -> Range:
        """The cost of the whole expression."""
        return self._cost(self.checked.root)

    def type_of(self, expr: Expr) -> Type:
        """What the checker found."""
        return self.checked.types.get(expr.id, DYN)

    def path_of(self, expr: Expr) -> Path:
        """Where the value comes from; empty if it is not a part of ``self``."""
        if expr.kind == "ident" and (variable := self._variable(expr.name)):
            return variable.path
        return self.paths.get(expr.id, ())

    def size_of(self, expr: Expr) -> Range | None:
        """The size of the value, if it can be told."""
        if (known := self.sizes.get(expr.id)) is not None:
            return known
        if (size := _literal_size(expr)) is not None:
            return fixed(size)
        if (declared := self.declared_size(self.path_of(expr))) is not None:
            self.sizes[expr.id] = declared
            return declared
        if _is_scalar(self.type_of(expr)):
            return ONE
        if expr.kind == "ident" and (variable := self._variable(expr.name)):
            return variable.size
        return None

    def known_size(self, expr: Expr) -> Range:
        """The size of the value, or anything."""
        size = self.size_of(expr)
        return UNKNOWN if size is None else size

    def declared_size(self, path: Path) -> Range | None:
        """The size of what stands at a path of the schema."""
        current: Declared | None = self.root if path else None
        for step in path[1:]:
            if current is None:
                return None
            if step in ("@items", "@values"):
                current = current.element
            elif step == "@keys":
                # Keys are strings of any length.
                current = Declared("string") if current.kind == "map" else None
            else:
                current = current.fields.get(step)
        return None if current is None else Range(0, current.max_elements)

    def entries_of(self, expr: Expr) -> Entries | None:
        """Sizes of keys and values, if they can be told."""
        if (known := self.entries.get(expr.id)) is not None:
            return known
        variable = self._variable(expr.name) if expr.kind == "ident" else None
        return variable.entries if variable else None

    def _variable(self, name: str) -> _Variable | None:
        stack = self.variables.get(name)
        return stack[-1] if stack else None

    def _push(self, name: str, variable: _Variable) -> None:
        self.variables.setdefault(name, []).append(variable)

    def _cost(self, expr: Expr) -> Range:
        return _COSTS[expr.kind](self, expr)

    def _ident(self, expr: Expr) -> Range:
        variable = self._variable(expr.name)
        self.paths[expr.id] = variable.path if variable else (expr.name,)
        return ONE

    def _select(self, expr: Expr) -> Range:
        (operand,) = expr.children
        cost = self._cost(operand)
        if expr.test_only:
            return cost
        if self.type_of(operand).kind in ("map", "struct", "parameter"):
            cost += ONE
        self.paths[expr.id] = (*self.path_of(operand), expr.name)
        return cost

    def _call(self, expr: Expr) -> Range:
        costs = [self._cost(each) for each in expr.children]
        if expr.name == "dyn":
            self._copy(expr, expr.children[0])
            return ONE + costs[0]
        overloads = self.checked.overloads.get(expr.id, ())
        if not overloads:
            return FREE
        before = self._cost(expr.target) if expr.target is not None else FREE
        cost, size = _NO_ENTRIES, None
        for overload in overloads:
            found = self._overload(expr, overload, costs)
            cost = cost.union(found.cost)
            if found.size is not None:
                size = found.size if size is None else size.union(found.size)
            size = self._indexed(expr, overload, size)
            if size is None:
                size = self.size_of(expr)
        if size is not None:
            self.sizes[expr.id] = size
        return before + cost

    def _indexed(self, expr: Expr, overload: str, size: Range | None) -> Range | None:
        """An index leads to an element."""
        step = {"index_list": "@items", "index_map": "@values"}.get(overload)
        if step is None:
            return size
        container = expr.children[0]
        self.paths[expr.id] = (*self.path_of(container), step)
        entries = self.entries_of(container)
        return entries.values if entries else None

    def _overload(self, expr: Expr, overload: str, costs: list[Range]) -> celcallcosts.Estimate:
        total = FREE
        for each in costs:
            total += each
        if (found := celcallcosts.kubernetes(self, expr, overload)) is not None:
            return celcallcosts.Estimate(found.cost + total, found.size)
        match overload:
            case "logical_or" | "logical_and":
                return celcallcosts.Estimate(Range(costs[0].least, (costs[0] + costs[1]).most))
            case "conditional":
                return self._conditional(expr, costs)
            case "add_string" | "add_bytes" | "add_list":
                self._join_entries(expr, expr.children[0], expr.children[1])
        found = celcallcosts.standard(self, expr, overload)
        return celcallcosts.Estimate(found.cost + total, found.size)

    def _conditional(self, expr: Expr, costs: list[Range]) -> celcallcosts.Estimate:
        _, first, second = expr.children
        self._join_entries(expr, first, second)
        size = self.known_size(first).union(self.known_size(second))
        return celcallcosts.Estimate(costs[0] + costs[1].union(costs[2]), size)

    def _join_entries(self, expr: Expr, first: Expr, second: Expr) -> None:
        entries = self.entries_of(first)
        if entries and (joined := entries.union(self.entries_of(second))):
            self.entries[expr.id] = joined

    def _list(self, expr: Expr) -> Range:
        cost, values = _LIST_BASE, Range(0, 0) if not expr.children else _NO_ENTRIES
        for each in expr.children:
            cost += self._cost(each)
            values = values.union(self.known_size(each))
        self.entries[expr.id] = Entries("list", ONE, values)
        return cost

    def _map(self, expr: Expr) -> Range:
        cost = _MAP_BASE
        sizes = [Range(0, 0)] * 2 if not expr.children else [_NO_ENTRIES] * 2
        for place, each in enumerate(expr.children):
            cost += self._cost(each)
            sizes[place % 2] = sizes[place % 2].union(self.known_size(each))
        self.entries[expr.id] = Entries("map", *sizes)
        return cost

    def _struct(self, expr: Expr) -> Range:
        cost = _STRUCT_BASE
        for each in expr.children:
            cost += self._cost(each)
        return cost

    def _comprehension(self, expr: Expr) -> Range:
        over, start, condition, step, result = expr.children
        cost = self._cost(over) + self._cost(start)
        self._push(expr.name, _Variable(self.path_of(start), self.size_of(start), self.entries_of(start)))
        if _is_bind(expr):
            cost += self._cost(result)
            self.variables[expr.name].pop()
            self._copy(expr, result)
            return cost
        self._push_items(expr, over)
        each = self._cost(condition) + self._cost(step)
        for name in expr.variables:
            self.variables[name].pop()
        cost += self._cost(result)
        self.variables[expr.name].pop()
        count = self.known_size(over)
        self._keep_size(expr, start, step, count)
        return cost + count * each

    def _keep_size(self, expr: Expr, start: Expr, step: Expr, count: Range) -> None:
        if start.kind == "const":
            if (size := self.size_of(start)) is not None:
                self.sizes[expr.id] = size
        elif start.kind in ("list", "map"):
            self.sizes[expr.id] = count
            if entries := self.entries_of(step):
                self.entries[expr.id] = entries

    def _push_items(self, expr: Expr, over: Expr) -> None:
        entries, path = self.entries_of(over), self.path_of(over)
        is_list = (entries.kind if entries else self.type_of(over).kind) == "list"
        keys = _Variable((*path, "@indices" if is_list else "@keys"), entries.keys if entries else None)
        values = _Variable((*path, "@items" if is_list else "@values"), entries.values if entries else None)
        if len(expr.variables) == 2:
            self._push(expr.variables[0], keys)
            self._push(expr.variables[1], values)
        else:
            self._push(expr.variables[0], values if is_list else keys)

    def _copy(self, expr: Expr, source: Expr) -> None:
        if (size := self.size_of(source)) is not None:
            self.sizes[expr.id] = size
        if entries := self.entries_of(source):
            self.entries[expr.id] = entries


def _literal_size(expr: Expr) -> int | None:
    if expr.kind == "const":
        return len(expr.value) if isinstance(expr.value, str | bytes) else 1
    if expr.kind == "list":
        return len(expr.children)
    return len(expr.children) // 2 if expr.kind == "map" else None


def _is_scalar(kind: Type) -> bool:
    if kind.kind == "opaque" and kind.name == "optional_type" and kind.parameters:
        return _is_scalar(kind.parameters[0])
    return kind.kind in _SCALARS


def _is_bind(expr: Expr) -> bool:
    over, _, condition, _, _ = expr.children
    empty = over.kind == "list" and not over.children
    return empty and condition.kind == "const" and condition.value is False and expr.name not in _ACCUMULATORS


def cost_of(checked: Checked, root: Declared) -> int:
    """The most that an expression over ``self`` of a type can cost."""
    return Coster(checked, root).total().most


_COSTS: dict[str, Callable[[Coster, Expr], Range]] = {
    "call": Coster._call,  # noqa: SLF001
    "comprehension": Coster._comprehension,  # noqa: SLF001
    "const": lambda _coster, _expr: FREE,
    "ident": Coster._ident,  # noqa: SLF001
    "list": Coster._list,  # noqa: SLF001
    "map": Coster._map,  # noqa: SLF001
    "select": Coster._select,  # noqa: SLF001
    "struct": Coster._struct,  # noqa: SLF001
}
