"""The functions that Kubernetes adds to CEL, for ``celrules`` and ``celchecks``: lists, regex, URLs and more.

The engine has no opaque types that it could evaluate, so a URL or a quantity is a map to it; for its checker
they are types of their own. Missing: ``indexOf`` and ``lastIndexOf`` of lists (the engine's string library
occupies the names) and ``format`` (the engine's functions cannot return an optional).
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cel_expr_python import cel

from mlplane.structural import celaddresses, celquantities

_T = cel.Type
_DYN_LIST = _T.List(_T.DYN)
_OPAQUE = ("CIDR", "IP", "Quantity", "Semver", "URL")
COMPARISONS = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
"""Operators and what their overloads are called."""


def functions(types: Mapping[str, Any] | None = None) -> list[Any]:
    """Declarations with implementations, for a CEL environment.

    Args:
        types: What the types of Kubernetes are to it; None for maps, which is what can be evaluated.
    """
    declared = {**_overloads(types or {}), **_comparisons()}
    return [cel.FunctionDecl(name, overloads) for name, overloads in declared.items()]


def opaque_types() -> dict[str, Any]:
    """The types of Kubernetes by the names that functions have for them, for a checker."""
    return {name: cel.Type.AbstractType(f"kubernetes.{name}") for name in _OPAQUE}


def _overloads(types: Mapping[str, Any]) -> dict[str, list[Any]]:
    declared: dict[str, dict[str, Any]] = {}
    for name, result, parameters, implementation, member in _FUNCTIONS:
        kinds = [_typed(each, types) for each in parameters]
        named = "_".join(each if isinstance(each, str) else str(each) for each in parameters)
        # As maps, several types are the same: one declaration will do.
        key = f"{member}_{'_'.join(map(str, kinds))}"
        declared.setdefault(name, {}).setdefault(
            key,
            cel.Overload(
                id=_IDS.get((name, named), f"{name}_{len(parameters)}_{named}").lower(),
                return_type=_typed(result, types),
                parameters=kinds,
                is_member=member,
                impl=implementation,
            ),
        )
    return {name: list(overloads.values()) for name, overloads in declared.items()}


_IDS = {
    ("ip", "CIDR"): "cidr_ip",
    ("containsIP", "CIDR_STRING"): "cidr_contains_ip_string",
    ("containsCIDR", "CIDR_STRING"): "cidr_contains_cidr_string",
}
"""Overloads whose names decide on their cost."""


def _typed(kind: Any, types: Mapping[str, Any]) -> Any:
    return types.get(kind, _T.MAP) if isinstance(kind, str) else kind


def _comparisons() -> dict[str, list[Any]]:
    """Declarations of what the engine can compare, numbers of different types included."""
    kinds = {"bool": _T.BOOL, "string": _T.STRING, "bytes": _T.BYTES, "timestamp": _T.TIMESTAMP}
    numbers = {"int64": _T.INT, "uint64": _T.UINT, "double": _T.DOUBLE}
    same = {**kinds, "duration": _T.DURATION, **numbers}
    mixed = [(first, second) for first in numbers for second in numbers if first != second]
    return {
        operator: [
            *(_comparison(f"{name}_{kind}", known, known) for kind, known in same.items()),
            *(_comparison(f"{name}_{a}_{b}", numbers[a], numbers[b]) for a, b in mixed),
        ]
        for operator, name in COMPARISONS.items()
    }


def _comparison(name: str, first: Any, second: Any) -> Any:
    return cel.Overload(id=name, return_type=_T.BOOL, parameters=[first, second], is_member=False)


def _succeeds(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _split_url(text: str) -> SplitResult:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")):
        raise ValueError(f"URL parse error during conversion from string: {text}")
    _ = parts.port  # an impossible port raises here
    return parts


def _url(text: str) -> dict[str, Any]:
    parts = _split_url(text)
    return {
        "scheme": parts.scheme,
        "host": parts.netloc.rpartition("@")[2],
        "hostname": parts.hostname or "",
        "port": str(parts.port or ""),
        "path": parts.path,
        "query": parse_qs(parts.query, keep_blank_values=True),
    }


def _part(name: str) -> Callable[[Any], Any]:
    return lambda url: url[name]


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found.group() if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = (match.group() for match in re.finditer(pattern, text))
    return list(itertools.islice(found, limit if limit >= 0 else None))


def _is_sorted(values: Sequence[Any]) -> bool:
    return all(first <= second for first, second in itertools.pairwise(values))


_FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...], Callable[..., Any], bool], ...] = (
    ("isSorted", _T.BOOL, (_DYN_LIST,), _is_sorted, True),
    ("sum", _T.DYN, (_DYN_LIST,), sum, True),
    ("min", _T.DYN, (_DYN_LIST,), min, True),
    ("max", _T.DYN, (_DYN_LIST,), max, True),
    ("find", _T.STRING, (_T.STRING, _T.STRING), _find, True),
    ("findAll", _T.List(_T.STRING), (_T.STRING, _T.STRING), _find_all, True),
    ("findAll", _T.List(_T.STRING), (_T.STRING, _T.STRING, _T.INT), _find_all, True),
    ("url", "URL", (_T.STRING,), _url, False),
    ("isURL", _T.BOOL, (_T.STRING,), _succeeds(_split_url), False),
    ("getScheme", _T.STRING, ("URL",), _part("scheme"), True),
    ("getHost", _T.STRING, ("URL",), _part("host"), True),
    ("getHostname", _T.STRING, ("URL",), _part("hostname"), True),
    ("getPort", _T.STRING, ("URL",), _part("port"), True),
    ("getEscapedPath", _T.STRING, ("URL",), _part("path"), True),
    ("getQuery", _T.Map(_T.STRING, _T.List(_T.STRING)), ("URL",), _part("query"), True),
    *celquantities.FUNCTIONS,
    *celaddresses.FUNCTIONS,
)
