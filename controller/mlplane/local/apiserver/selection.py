"""Label and field selectors of list and watch requests: labels as a predicate, fields as terms.

Grammar and messages follow apimachinery's ``labels`` and ``fields`` packages. The HTTP layer parses a
selector once a request and asks the predicate for every object.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlplane.local.apiserver.statuses import ApiError, bad_request

LabelPredicate = Callable[[dict[str, str]], bool]
"""Says whether labels match."""

_TOKENS = re.compile(r"\s*(?:(==|!=|[=!<>(),])|([^\s=!<>(),]+))")
_END = ""
_OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")
_SYMBOLS = frozenset(("==", "!=", "=", "!", "<", ">", "(", ")", ","))
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_KEY_RULE = (
    f"a valid label key {_NAME_RULE} with an optional DNS subdomain prefix and '/' "
    "(e.g. 'example.com/MyName')"
)
_PREFIX_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@dataclass(frozen=True, slots=True)
class _Requirement:
    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: dict[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case _:
                return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            have, want = int(value), int(next(iter(self.values)))
        except ValueError:
            return False
        return have > want if self.operator == ">" else have < want


def parse_labels(text: str) -> LabelPredicate:
    """Parse a label selector such as ``app=web,tier in (a,b),!old``; an empty one matches everything.

    Raises:
        ApiError: 400 when the text is no label selector.
    """
    requirements = tuple(_requirements(_Tokens(text)))
    return lambda labels: all(each.matches(labels) for each in requirements)


class _Tokens:
    """The tokens of a label selector, read one by one; the end is the empty string."""

    def __init__(self, text: str) -> None:
        self._tokens = [match.group(1) or match.group(2) for match in _TOKENS.finditer(text)]
        self._position = 0

    @property
    def next(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else _END

    def take(self) -> str:
        token = self.next
        self._position += 1
        return token


def _requirements(tokens: _Tokens) -> Iterator[_Requirement]:
    while tokens.next != _END:
        if not (_is_word(tokens.next) or tokens.next == "!"):
            raise bad_request(f"found '{tokens.next}', expected: !, identifier, or 'end of string'")
        yield _requirement(tokens)
        separator = tokens.take()
        if separator == _END:
            return
        if separator != ",":
            raise bad_request(f"found '{separator}', expected: ',' or 'end of string'")
        if not (_is_word(tokens.next) or tokens.next == "!"):
            raise bad_request(f"found '{tokens.next}', expected: identifier after ','")


def _requirement(tokens: _Tokens) -> _Requirement:
    negated = tokens.next == "!"
    if negated:
        tokens.take()
    key = tokens.take()
    if not _is_word(key):
        raise _unparsable(f"found '{key}', expected: identifier")
    _check_key(key)
    if negated or tokens.next in (_END, ","):
        return _Requirement(key, "!" if negated else "exists")
    operator = tokens.take()
    if operator in ("in", "notin"):
        values = frozenset(_set(tokens))
    elif operator in ("=", "==", "!=", ">", "<"):
        values = frozenset((_value(tokens),))
    else:
        raise _unparsable(f"found '{operator}', expected: {', '.join(_OPERATORS)}")
    for value in values:
        _check_value(key, value, numeric=operator in "<>")
    kind = {"=": "in", "==": "in", "!=": "notin"}.get(operator, operator)
    return _Requirement(key, kind, values)


def _value(tokens: _Tokens) -> str:
    if tokens.next in (_END, ","):
        return ""
    value = tokens.take()
    if not _is_word(value):
        raise _unparsable(f"found '{value}', expected: identifier")
    return value


def _set(tokens: _Tokens) -> Iterator[str]:
    """Values in parentheses; a missing one between commas is the empty string."""
    if (opening := tokens.take()) != "(":
        raise _unparsable(f"found '{opening}' expected: '('")
    if not (_is_word(tokens.next) or tokens.next in (",", ")")):
        raise _unparsable(f"found '{tokens.next}', expected: ',', ')' or identifier")
    while True:
        yield tokens.take() if _is_word(tokens.next) else ""
        separator = tokens.take()
        if separator == ")":
            return
        if separator != ",":
            raise _unparsable(f"found '{separator}', expected: ',' or ')'")


def _is_word(token: str) -> bool:
    return token != _END and token not in _SYMBOLS


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        raise _unparsable(f'<nil>: Invalid value: "{key}": {_KEY_RULE}')
    if slash and not (_PREFIX.fullmatch(prefix) and len(prefix) <= 253):
        raise _unparsable(f'<nil>: Invalid value: "{key}": prefix part {_PREFIX_RULE}')
    if len(name) > 63:
        raise _unparsable(f'<nil>: Invalid value: "{key}": name part must be no more than 63 bytes')
    if not _NAME.fullmatch(name):
        raise _unparsable(f'<nil>: Invalid value: "{key}": name part {_NAME_RULE}')


def _check_value(key: str, value: str, *, numeric: bool) -> None:
    where = f'values[0][{key}]: Invalid value: "{value}"'
    if len(value) > 63:
        raise _unparsable(f"{where}: must be no more than 63 bytes")
    if value and not _NAME.fullmatch(value):
        raise _unparsable(f"{where}: {_VALUE_RULE}")
    if numeric and not re.fullmatch(r"-?[0-9]+", value):
        rule = "for 'Gt', 'Lt' operators, the value must be an integer"
        raise _unparsable(f'values[0]: Invalid value: "{value}": {rule}')


def _unparsable(why: str) -> ApiError:
    return bad_request(f"unable to parse requirement: {why}")


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One term of a field selector."""

    label: str
    """The field, as a dotted path."""
    value: str
    equal: bool
    """Whether the field must have the value, or must not."""


def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """Parse a field selector such as ``metadata.name=a,status.phase!=Failed``.

    Raises:
        ApiError: 400 when the text is no field selector.
    """
    return tuple(_term(text, part) for part in re.split(r"(?<!\\),", text) if part)


def _term(text: str, part: str) -> FieldTerm:
    found = re.match(r"(.*?)(!=|==|=)(.*)", part, re.DOTALL)
    if not found:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
    label, operator, value = found.groups()
    return FieldTerm(label.strip(), _unescaped(value), operator != "!=")


def _unescaped(value: str) -> str:
    if wrong := re.search(r"\\(?![\\,=])(.?)", re.sub(r"\\[\\,=]", "", value)):
        raise bad_request(f"invalid field selector: invalid escape sequence: \\{wrong.group(1)}")
    if wrong := re.search(r"[,=]", re.sub(r"\\.", "", value)):
        raise bad_request(f"invalid field selector: unescaped character in value: {ord(wrong.group())}")
    return re.sub(r"\\(.)", r"\1", value)
