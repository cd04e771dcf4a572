"""Whether a script knows the parameters that a run gives it, as far as its source says.

What counts are the names and literal defaults in its calls of ``training.params``. What cannot be read there,
such as ``**defaults`` or a default that is computed, is left to the script. Called by ``steps.preflight``.
"""

import ast
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.errors import InvalidInput
from mlplane.sweeps import trials_of
from mlplane.training.parameters import typed

_PACKAGE, _MODULE, _FUNCTION = "mlplane", "training", "params"
_UNKNOWN = object()
"""A default that cannot be read."""


def check_params(spec: TrainingRunSpec, source: bytes) -> None:
    """Compare the parameters of a run, and of each trial of its sweep, with those of its script.

    Args:
        spec: Of the run.
        source: Its script, which is Python.

    Raises:
        InvalidInput: the script has no such parameter, or one of another type.
    """
    known = defaults_in(source)
    if known is None:
        return
    for field, name, text in dict.fromkeys(_given(spec)):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            names = ", ".join(sorted(known)) or "none"
            raise InvalidInput(f"{field} is not a parameter of {spec.entrypoint}; it knows {names}{hint}")
        if known[name] is not _UNKNOWN:
            typed(field, text, known[name])


def defaults_in(source: bytes) -> Mapping[str, Any] | None:
    """Names and defaults of the parameters of a script; None if it does not say them in its source."""
    tree = ast.parse(source)
    calls = list(_calls(tree))
    keywords = [keyword for call in calls for keyword in call.keywords]
    if not calls or any(keyword.arg is None for keyword in keywords):
        return None
    return {str(keyword.arg): _literal(keyword.value) for keyword in keywords}


def _given(spec: TrainingRunSpec) -> Iterator[tuple[str, str, str]]:
    """Field, name and text of each parameter."""
    for name, value in spec.params.items():
        yield f"spec.params.{name}", name, str(value)
    if spec.sweep is None:
        return
    places = {p.name: f"spec.sweep.parameters[{i}] {p.name}" for i, p in enumerate(spec.sweep.parameters)}
    for trial in trials_of(spec.sweep, spec.seed):
        yield from ((places[name], name, text) for name, text in trial.items())


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls of ``training.params``, by whatever name the script has imported it."""
    names = set(_names(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node


def _names(tree: ast.Module) -> Iterator[str]:
    """How the script may call the function, by its imports."""
    whole = f"{_PACKAGE}.{_MODULE}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in (whole, _PACKAGE) and not alias.asname:
                    yield f"{whole}.{_FUNCTION}"
                elif alias.name == whole:
                    yield f"{alias.asname}.{_FUNCTION}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                called = alias.asname or alias.name
                if (node.module, alias.name) == (_PACKAGE, _MODULE):
                    yield f"{called}.{_FUNCTION}"
                elif (node.module, alias.name) == (whole, _FUNCTION):
                    yield called


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return _UNKNOWN
