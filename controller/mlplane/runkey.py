"""The run key: a digest of everything that decides the result of a run.

Gates are not part of it: other gates judge the same model again, without training it again.
The same on a laptop and on a cluster, so that a run whose result is in the store is never repeated.
"""

import hashlib
import json

from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.tasks import RunTask


def run_key(task: RunTask, tree: str) -> str:
    """The key of a run as ``sha256:<hex>``.

    Args:
        task: What is to be done; of the splits, only the digests count.
        tree: Git tree id of the code path, which does not change when history is rewritten; ``image:PATH``
            where the code came with the image.
    """
    spec = task.spec
    document = {
        "model": spec.model,
        # The script may read every split but the one that judges it.
        "withheld": spec.evaluation.split,
        "splits": {split.name: split.digest for split in task.splits},
        "code": tree,
        "image": spec.image or task.image,
        "base": "",
        "entrypoint": spec.entrypoint,
        "params": {name: str(value) for name, value in spec.params.items()},
        "seed": spec.seed,
        "rerun": spec.rerun or "",
    }
    # What nobody wrote is not part of it: so what was trained before these fields existed is found.
    document |= {name: value for name, value in _written(spec).items() if value is not None}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _written(spec: TrainingRunSpec) -> dict[str, object]:
    """What else changes a result, as written: which pool of GPUs it comes to run on does not count."""
    return {
        "gpus": spec.gpus,
        "gpuType": spec.gpu_type,
        "processes": spec.processes,
        "sweep": spec.sweep.model_copy(update={"parallelism": 1}).to_body() if spec.sweep else None,
    }
