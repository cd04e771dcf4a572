"""What an operator configures and decisions depend on."""

from dataclasses import dataclass, field

from mlplane import __version__
from mlplane.capacity import Profile

DEFAULT_IMAGE = f"ghcr.io/mlplane/runtime:{__version__}"
"""Image of steps and predictors where the operator names no other."""


@dataclass(frozen=True)
class Settings:
    """The controller's configuration, as far as decisions need it."""

    store: str
    """fsspec URL that ``store://`` stands for, such as ``s3://bucket/prefix``."""
    image: str = DEFAULT_IMAGE
    """Container image that steps run in; also the image that a run key speaks of."""
    allowed_hosts: tuple[str, ...] = ()
    """Servers, ``host`` or ``host:port``, that data are read from although their addresses are not public."""
    hf_endpoint: str = ""
    """The Hugging Face hub that data are read from; empty for the public one."""
    profile: Profile = field(default_factory=Profile)
    """The machines of the plane."""
