"""Every error mlplane raises on purpose.

    MlplaneError
    ├── Transient      worth another try after a back-off: the world may change by itself
    └── Terminal       no retry will help: becomes a condition, or the exit of a command
        └── InvalidInput   what a person wrote is wrong: says where, what was found and what is allowed

Errors are wrapped where they arise and are either raised or reported, never both.
"""


class MlplaneError(Exception):
    """Root of the tree; its text is one sentence for a person."""


class Transient(MlplaneError):
    """May succeed when tried again."""


class Terminal(MlplaneError):
    """Will not succeed without a change by a person."""


class InvalidInput(Terminal):
    """A file, a manifest or an argument that a person must correct."""
