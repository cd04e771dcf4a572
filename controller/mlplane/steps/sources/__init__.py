"""Reading the raw bytes of a dataset, whatever the kind of its source. Called by ``steps.ingest``.

reading     one entry point: a source becomes a folder of files
"""

from mlplane.steps.sources.policy import Policy
from mlplane.steps.sources.reading import fetch_raw

__all__ = ["Policy", "fetch_raw"]
