"""The one type that everybody shares, apart from the models: who handles plain JSON does not load those."""

from typing import Any

Body = dict[str, Any]
"""An object of a Kubernetes API as plain JSON."""
