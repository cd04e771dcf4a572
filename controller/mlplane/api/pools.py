"""Which pool of the operator's profile a run trains in, and why none can take it. Pure.

Called by ``trainresources``, by the reconciler of runs and by ``mlplane validate``.
"""

from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.capacity import Pool, Profile


def pool_for(spec: TrainingRunSpec, profile: Profile) -> Pool | None:
    """The first pool of the run's type with enough GPUs on a node; None if it asks for none, or none has."""
    if not gpus_of(spec, profile):
        return None
    return next((pool for pool in _of_type(spec, profile) if _for_one_run(pool) >= (spec.gpus or 0)), None)


def gpus_of(spec: TrainingRunSpec, profile: Profile) -> int:
    """How many GPUs the step that trains asks for on this plane."""
    return 0 if profile.gpus_on_cpu else spec.gpus or 0


def shortage(spec: TrainingRunSpec, profile: Profile) -> str:
    """Why no pool can ever take a run, and what to do; empty if one can, or if the profile names none."""
    wanted = gpus_of(spec, profile)
    if not wanted or not profile.pools or pool_for(spec, profile) is not None:
        return ""
    asks = f"asks for {wanted} x {spec.gpu_type}" if spec.gpu_type else f"asks for {_counted(wanted)}"
    largest = max((_for_one_run(pool) for pool in _of_type(spec, profile)), default=None)
    if largest is None:
        types = ", ".join(sorted({pool.gpu_type for pool in profile.pools if pool.gpu_type})) or "none"
        return f"{asks}, and no pool has that type: write another spec.gpuType; there are {types}"
    if all(_is_of_parts(pool) for pool in _of_type(spec, profile)):
        return f"{asks}, which are parts of GPUs (MIG), and a run can use one of them: write spec.gpus: 1"
    return (
        f"{asks}, the largest pool has {largest} on a node: "
        "write a smaller spec.gpus, or ask the operator for a larger pool"
    )


def _for_one_run(pool: Pool) -> int:
    """GPUs that one pod can use."""
    return 1 if _is_of_parts(pool) else pool.gpus_per_node


def _is_of_parts(pool: Pool) -> bool:
    """Whether its GPUs are instances of MIG, of which CUDA shows a process only one."""
    return "/mig-" in pool.gpu_resource


def _of_type(spec: TrainingRunSpec, profile: Profile) -> list[Pool]:
    return [pool for pool in profile.pools if spec.gpu_type in (None, pool.gpu_type)]


def _counted(gpus: int) -> str:
    return "1 GPU" if gpus == 1 else f"{gpus} GPUs"
