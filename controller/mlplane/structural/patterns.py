"""What Go's regular expressions do not allow, found out by RE2, which the CEL engine holds.

``structuralchecks`` in the API server asks: Python's own expressions know more, and other mistakes.
"""

import functools
from typing import Any

from cel_expr_python import cel

_GO_WORDS = {
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
}


@functools.cache
def _search() -> Any:
    return cel.NewEnv(variables={"p": cel.Type.STRING}).compile("''.matches(p)")


def problem(pattern: str) -> str:
    """Why a pattern is none, in the words of Go; empty if it is one."""
    outcome = _search().eval(data={"p": pattern})
    if outcome.type() != cel.Type.ERROR:
        return ""
    text = str(outcome.plain_value()).rpartition("invalid regular expression: ")[2]
    if text == "trailing \\":
        return "trailing backslash at end of expression: ``"
    kind, _, where = text.partition(": ")
    return f"{_GO_WORDS.get(kind, kind)}: `{where}`"
