"""What keeps an expression from harming the engine: limits, and one kind of error. Pure.

The engine shares its event loop with the node and the gateway, and a Workflow gets a status only from an
``ExpressionError``. Called by ``exprlang.py`` and ``whenlang.py``, for every expression.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import re2

from mlplane.local.workflows.exprfunctions import ExpressionError

LENGTH_LIMIT = 32_768
"""Characters of an expression; it is parsed in one go."""
_SHOWN = 80
_ESCAPING = (
    *(TypeError, ValueError, ArithmeticError, LookupError, AttributeError),
    *(RecursionError, MemoryError, re.error),
)
"""What Python's operators and functions, and the parser, may raise for what a person wrote."""

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@contextmanager
def guarded(text: str) -> Iterator[None]:
    """Read or evaluate an expression; whatever is wrong with it is an ``ExpressionError``.

    Raises:
        ExpressionError: it is too long, or reading or evaluating it failed.
    """
    if len(text) > LENGTH_LIMIT:
        message = f"an expression has {len(text)} characters, {LENGTH_LIMIT} are allowed"
        raise ExpressionError(message)
    try:
        yield
    except _ESCAPING as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        message = f"{shown!r}: {error or type(error).__name__}"
        raise ExpressionError(message) from None


def matches(text: str, pattern: str) -> bool:
    """Whether a regular expression is found in a text, in time that grows with the text alone.

    Raises:
        ExpressionError: RE2 does not know the pattern.
    """
    try:
        return re2.search(pattern, text, _OPTIONS) is not None
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        message = f"regular expression {pattern[:_SHOWN]!r}: {why}"
        raise ExpressionError(message) from None
