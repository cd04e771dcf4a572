"""``training.params``: the parameters of a run, with the types of their defaults."""

from collections.abc import Callable
from types import SimpleNamespace

from mlplane.errors import InvalidInput
from mlplane.training.context import current_script

Value = int | float | str | bool


def params(**defaults: Value) -> SimpleNamespace:
    """The parameters of the run as attributes; each has the type of its default.

    Args:
        **defaults: Every parameter that the script knows, with the value it has where the run does not set
            it, and outside of mlplane.

    Raises:
        InvalidInput: the run sets a parameter that the script does not know, or one that is not of the type.
    """
    run = current_script()
    given = run.params if run else {}
    if unknown := sorted(given.keys() - defaults.keys()):
        known = ", ".join(sorted(defaults)) or "none"
        raise InvalidInput(f"spec.params.{unknown[0]} is not a parameter of the script; it knows {known}")
    values = {name: typed(f"spec.params.{name}", text, defaults[name]) for name, text in given.items()}
    return SimpleNamespace(**{**defaults, **values})


def typed(field: str, text: str, default: Value) -> Value:
    """The value of a parameter, of the type of its default.

    Args:
        field: Where the value stands, such as ``spec.params.lr``.
        text: The value, as the run has it.
        default: The script's own.

    Raises:
        InvalidInput: it is not of the type, or a parameter cannot be of that type.
    """
    kind = type(default)
    try:
        return _CONVERT[kind](text)
    except KeyError as error:
        raise InvalidInput(
            f"{field}: the script's own default is a {kind.__name__}; allowed: {_ALLOWED}"
        ) from error
    except ValueError as error:
        raise InvalidInput(f"{field} is {text!r}; the script needs {_NEEDS[kind]}") from error


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


_CONVERT: dict[type, Callable[[str], Value]] = {int: int, float: float, str: str, bool: _boolean}
_NEEDS = {int: "a whole number", float: "a number", bool: "'true' or 'false'"}
_ALLOWED = "int, float, str, bool"
