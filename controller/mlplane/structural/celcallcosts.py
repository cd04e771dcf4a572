"""What calls cost by their sizes: functions of CEL itself, and those of Kubernetes. ``celcosts`` asks."""

import math
from typing import TYPE_CHECKING, NamedTuple

from mlplane.structural.celast import Expr, Type
from mlplane.structural.celranges import ONE, UNKNOWN, Range, fixed

if TYPE_CHECKING:
    from mlplane.structural.celcosts import Coster

_TRAVERSAL = 0.1
"""For each character that is read."""
_PATTERN = 0.25
"""For each character of a regular expression."""
_LONGEST_FORMAT = 128
_LIST_BASE = fixed(10)
_ADDRESS = Range(4, 16)
"""Bytes of an address."""

_NOMINAL = frozenset(
    [
        "masked",
        "prefixLength",
        "family",
        "isUnspecified",
        "isLoopback",
        "isLinkLocalMulticast",
        "isLinkLocalUnicast",
        "isGlobalUnicast",
        "sign",
        "asInteger",
        "isInteger",
        "asApproximateFloat",
        "isGreaterThan",
        "isLessThan",
        "compareTo",
        "add",
        "sub",
        "major",
        "minor",
        "patch",
        "getScheme",
        "getHostname",
        "getHost",
        "getPort",
        "getEscapedPath",
        "getQuery",
        "format.named",
    ]
)
_TRAVERSING = frozenset(["cidr", "ip", "isCIDR", "isIP", "isQuantity", "isSemver", "quantity", "semver"])
_ORDERED = frozenset(
    f"{name}_{kind}"
    for name in ("less", "greater", "less_equals", "greater_equals")
    for kind in ("string", "bytes")
)


class Estimate(NamedTuple):
    """What a call costs, and the size of what it returns."""

    cost: Range
    size: Range | None = None


def kubernetes(coster: "Coster", call: Expr, overload: str) -> Estimate | None:
    """The cost of a function that Kubernetes knows; None for all others."""
    target, arguments = call.target, call.children
    name = call.name
    if name in _NOMINAL or overload == "cidr_ip":
        return Estimate(ONE)
    if name in _TRAVERSING and arguments:
        return Estimate(coster.known_size(arguments[0]).times(_TRAVERSAL))
    if name in ("url", "jsonpatch.escapeKey") and len(arguments) == 1:
        size = coster.known_size(arguments[0])
        return Estimate(size.times(_TRAVERSAL), size)
    if name == "ip.isCanonical" and arguments:
        return Estimate(coster.known_size(arguments[0]).times(2 * _TRAVERSAL))
    if name in ("containsIP", "containsCIDR") and arguments:
        return _contains(coster, call, overload)
    if name == "validate" and arguments:
        return Estimate(coster.known_size(arguments[0]).times(_TRAVERSAL).times(_LONGEST_FORMAT * _PATTERN))
    if name == "_==_":
        return _equal_addresses(coster, call)
    if name.startswith("sets."):
        first, second = (coster.known_size(each) for each in arguments)
        return Estimate((first * second).times(2 if name == "sets.equivalent" else 1) + ONE)
    if name == "lists.range":
        return _allocated(fixed(_whole(arguments[0], UNKNOWN.most)))
    return _on_target(coster, call, target) if target is not None else None


def _on_target(coster: "Coster", call: Expr, target: Expr) -> Estimate | None:
    size = coster.known_size(target)
    match call.name:
        case "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf":
            return Estimate(_compared(coster, target, size))
        case "lowerAscii" | "upperAscii" | "substring" | "trim":
            return Estimate(size.times(_TRAVERSAL), size)
        case "replace" if len(call.children) >= 2:
            return Estimate(size.times(2 * _TRAVERSAL), _replaced(coster, call, size))
        case "split":
            return Estimate(size.times(2 * _TRAVERSAL), Range(0, _parts(call, size)))
        case "join":
            joined = _joined(coster, call, target, size)
            return Estimate(joined.times(_TRAVERSAL), joined)
        case "find" | "findAll" if call.children:
            pattern = coster.known_size(call.children[0]).times(_PATTERN)
            return Estimate((size + ONE).times(_TRAVERSAL) * pattern, Range(0, size.most))
    return _on_list(coster, call, target, size)


def _on_list(coster: "Coster", call: Expr, target: Expr, size: Range) -> Estimate | None:
    """Functions that make a list of a list."""
    match call.name:
        case "distinct" | "sort":
            return _self_compared(coster, target)
        case "@sortByAssociatedKeys":
            return _self_compared(coster, call.children[0])
        case "reverse":
            return _allocated(size)
        case "flatten":
            depth = _whole(call.children[0], UNKNOWN.most) if call.children else 1
            return _allocated(size.times(depth), size)
        case "slice" if len(call.children) == 2:
            start, end = _whole(call.children[0], 0), _whole(call.children[1], size.most)
            return _allocated(fixed((end - start) % 2**64))
    return None


def _allocated(cost: Range, size: Range | None = None) -> Estimate:
    """A new list of some size."""
    return Estimate(cost.times(1) + _LIST_BASE + ONE, cost if size is None else size)


def _self_compared(coster: "Coster", compared: Expr) -> Estimate:
    """Each item with each."""
    size = coster.known_size(compared)
    parameters = coster.type_of(compared).parameters
    long = bool(parameters) and parameters[0].kind in ("string", "bytes")
    return _allocated((size * size).times(2 + _TRAVERSAL if long else 2), size * size)


def _whole(expr: Expr, otherwise: int) -> int:
    """A number that is written out."""
    if expr.kind != "const" or not isinstance(expr.value, int) or isinstance(expr.value, bool):
        return otherwise
    return max(0, expr.value)


def _element(coster: "Coster", container: Expr) -> tuple[Type, Range] | None:
    """Type and size of the elements of a list; None for what has no parameters: a string."""
    parameters = coster.type_of(container).parameters
    if not parameters:
        return None
    path = coster.path_of(container)
    size = coster.declared_size((*path, "@items")) if path else None
    return parameters[0], UNKNOWN if size is None else size


def _compared(coster: "Coster", target: Expr, size: Range) -> Range:
    element = _element(coster, target)
    if element is None:
        return size.times(_TRAVERSAL)
    kind, length = element
    return size * (ONE + length.times(_TRAVERSAL) if kind.kind in ("string", "bytes") else ONE)


def _replaced(coster: "Coster", call: Expr, size: Range) -> Range:
    """The size of a string after its parts have been replaced."""
    old, new = (coster.known_size(each) for each in call.children[:2])
    most_count, most_kept = _count(size.most, old.least, grows=new.most > old.least)
    least_count, least_kept = _count(size.least, old.most, grows=old.most > new.least)
    return Range(least_count, most_count) * new + Range(least_kept, most_kept)


def _count(size: int, part: int, *, grows: bool) -> tuple[int, int]:
    """How often a part can be replaced, and how much of the string stays."""
    if part == 0:  # between all characters
        return min(size + 1, UNKNOWN.most), size
    return (math.ceil(size / part), 0) if grows else (0, size)


def _parts(call: Expr, size: Range) -> int:
    if len(call.children) > 1 and isinstance(limit := call.children[1].value, int):
        return limit % 2**64
    return size.most


def _joined(coster: "Coster", call: Expr, target: Expr, size: Range) -> Range:
    element = _element(coster, target)
    joined = size * element[1] if element else Range(0, 0)
    if call.children:
        separators = Range(max(size.least - 1, 0), max(size.most - 1, 0))
        joined += coster.known_size(call.children[0]) * separators
    return joined


def _contains(coster: "Coster", call: Expr, overload: str) -> Estimate:
    cost = (_ADDRESS + _ADDRESS).times(_TRAVERSAL)
    if call.name == "containsCIDR":
        cost = cost + _ADDRESS.times(_TRAVERSAL) + ONE
    if overload.endswith("_string"):
        cost += coster.known_size(call.children[0]).times(_TRAVERSAL)
    return Estimate(cost)


def _equal_addresses(coster: "Coster", call: Expr) -> Estimate | None:
    first, second = (coster.type_of(each) for each in call.children)
    if first != second or not first.name.startswith("kubernetes."):
        return None
    if first.name == "kubernetes.URL":
        size = coster.size_of(call.children[1])
        return Estimate(Range(1, size.most if size else 1).times(_TRAVERSAL))
    return Estimate(ONE)


def standard(coster: "Coster", call: Expr, overload: str) -> Estimate:
    """The cost of a function of CEL itself, without that of its arguments."""
    sizes = [coster.known_size(each) for each in call.children]
    target = coster.known_size(call.target) if call.target is not None else UNKNOWN
    match overload:
        case "string_format" | "starts_with_string" | "ends_with_string":
            read = target if overload == "string_format" else sizes[0]
            return Estimate(read.times(_TRAVERSAL))
        case "in_list":
            return Estimate(sizes[1].times(1))
        case "matches" | "matches_string":
            text, pattern = (target, sizes[0]) if call.target is not None else sizes[:2]
            return Estimate((text + ONE).times(_TRAVERSAL) * pattern.times(_PATTERN))
        case "contains_string":
            return Estimate(target.times(_TRAVERSAL) * sizes[0].times(_TRAVERSAL))
    if overload in _ORDERED or overload in ("equals", "not_equals"):
        smaller = min(sizes[0].most, sizes[1].most)
        return Estimate(Range(min(smaller, 1), smaller).times(_TRAVERSAL))
    return _made(sizes, overload)


def _made(sizes: list[Range], overload: str) -> Estimate:
    """Functions that make a value whose size follows from theirs; all others cost 1."""
    match overload:
        case "string_to_bytes":
            return Estimate(sizes[0].times(_TRAVERSAL), Range(sizes[0].least, sizes[0].most * 4 % 2**64))
        case "bytes_to_string":
            return Estimate(sizes[0].times(_TRAVERSAL), Range(sizes[0].least // 4, sizes[0].most))
        case "strings_quote":
            return Estimate(sizes[0].times(_TRAVERSAL), Range(sizes[0].least + 2, sizes[0].most * 2 + 2))
        case "add_list":
            return Estimate(ONE, sizes[0] + sizes[1])
        case "add_string" | "add_bytes":
            return Estimate((sizes[0] + sizes[1]).times(_TRAVERSAL), sizes[0] + sizes[1])
    return Estimate(ONE)
