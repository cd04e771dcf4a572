"""The run key: a digest of everything that decides the result of a run.

Gates are not part of it: other gates judge the same model again, without training it again.
The same on a laptop and on a cluster, so that a run whose result is in the store is never repeated.
"""

import hashlib
import json

from mlplane.tasks import RunTask


def run_key(task: RunTask, tree: str) -> str:
    """The key of a run as ``sha256:<hex>``.

    Args:
        task: What is to be done; of the splits, only the digests count.
        tree: Git tree id of the code path, which does not change when history is rewritten.
    """
    spec = task.spec
    document = {
        "model": spec.model,
        # The script may read every split but the one that judges it.
        "withheld": spec.evaluation.split,
        "splits": {split.name: split.digest for split in task.splits},
        "code": tree,
        "image": task.image,
        "base": "",
        "entrypoint": spec.entrypoint,
        "params": {name: str(value) for name, value in spec.params.items()},
        "seed": spec.seed,
        "rerun": "",
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
