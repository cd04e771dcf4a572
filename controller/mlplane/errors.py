"""Every error mlplane raises on purpose.

    MlplaneError
    ├── Transient      worth another try after a back-off: the world may change by itself
    │   ├── Stopped        told to end from outside: the work goes on elsewhere
    │   ├── Killed         by nobody knows whom; mostly, memory was short
    │   └── GpuFault       a GPU fails: another one may not
    └── Terminal       no retry will help: becomes a condition, or the exit of a command
        ├── InvalidInput   what a person wrote is wrong: says where, what was found and what is allowed
        │   └── BadData        the data are, not the code
        ├── GpuMemoryShort a script needs more memory than its GPU has
        └── SystemFault    what is installed or stored is: an operator has to act

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


class Stopped(Transient):
    """Was told to end from outside, and did."""


class Killed(Transient):
    """Was killed, and nobody says why."""


class GpuFault(Transient):
    """A GPU, or its driver, fails."""


class GpuMemoryShort(Terminal):
    """A script needs more memory than its GPU has."""


class BadData(InvalidInput):
    """Data that do not hold what they are asked for."""


class SystemFault(Terminal):
    """The store, the image or the machine is not as it has to be."""
