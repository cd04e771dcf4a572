"""What an operator says about the machines of a plane: its pools of GPUs, its queue, its patience.

So that a person writes ``gpus: 1`` and nothing else about Kubernetes. Only the step that trains is rendered
by it. ``settings`` holds it, ``api.pools`` chooses by it, ``gitops.profilefile`` reads it from a file.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Label = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
]
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
QualifiedName = Annotated[
    str,
    Field(
        max_length=317,
        pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
    ),
]
"""Key of a label or a taint: a name, with a domain before it where it has one."""
_AMOUNT = r"[0-9]{1,15}(\.[0-9]{1,9})?([mkMGTPE]|[KMGTPE]i)?"


def _amount(value: Any) -> Any:
    """One sentence for what would be one for each type that an amount may have."""
    if isinstance(value, bool) or not re.fullmatch(_AMOUNT, str(value)):
        message = "is no amount; write for example 4, 500m or 16Gi"
        raise ValueError(message)
    return value


Amount = Annotated[
    int | Annotated[str, Field(max_length=32, pattern=f"^{_AMOUNT}$")], BeforeValidator(_amount)
]
"""An amount as Kubernetes writes it."""


class ProfileModel(BaseModel):
    """Base: immutable, camelCase in the file, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", frozen=True
    )


class Toleration(ProfileModel):
    """A taint that the step which trains may be put beside."""

    key: Annotated[QualifiedName, Field(description="Key of the taint.")]
    operator: Annotated[Literal["Equal", "Exists"], Field(description="Whether its value counts.")] = "Equal"
    value: Annotated[LabelValue | None, Field(description="Value of the taint; for Equal.")] = None
    effect: Annotated[
        Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None,
        Field(description="Effect of the taint; default: each."),
    ] = None

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            message = "the operator Exists takes no value; leave it out, or write Equal"
            raise ValueError(message)
        return self


class Pool(ProfileModel):
    """Nodes that are alike. A run takes the first pool that has what it asks for."""

    name: Annotated[
        str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", description="Name of the pool.")
    ]
    gpu_type: Annotated[
        str | None,
        Field(
            max_length=63,
            pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            description="What a run calls its GPUs in spec.gpuType.",
        ),
    ] = None
    gpu_resource: Annotated[
        str,
        Field(
            max_length=317,
            pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
            description="The resource that stands for one of them, such as nvidia.com/mig-1g.10gb.",
        ),
    ] = "nvidia.com/gpu"
    gpus_per_node: Annotated[int, Field(ge=1, le=64, description="How many a node has.")]
    nodes: Annotated[int, Field(ge=1, le=10000, description="Nodes at most.")] = 1
    node_selector: Annotated[
        dict[QualifiedName, LabelValue], Field(max_length=16, description="Labels of the nodes.")
    ] = {}
    tolerations: Annotated[
        tuple[Toleration, ...], Field(max_length=16, description="Taints of the nodes.")
    ] = ()
    shared_memory: Annotated[
        Amount | None, Field(description="Size of /dev/shm; default: as large as the pod's memory.")
    ] = None
    cpu: Annotated[Amount | None, Field(description="CPUs of a run that names none.")] = None
    memory: Annotated[Amount | None, Field(description="Memory of a run that names none.")] = None


class Profile(ProfileModel):
    """What the operator of a plane says about its machines."""

    pools: Annotated[
        tuple[Pool, ...],
        Field(max_length=64, description="Pools of GPUs; none: any GPU that the cluster has."),
    ] = ()
    queue: Annotated[
        Label | None, Field(description="Kueue's LocalQueue that the step which trains waits in.")
    ] = None
    pending_deadline_seconds: Annotated[
        int, Field(ge=1, le=604800, description="After so long a pod that does not start is said to.")
    ] = 900
    gpus_on_cpu: Annotated[
        bool, Field(description="The plane has no GPU: what asks for some trains on the CPU.")
    ] = False

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [pool.name for pool in self.pools]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"pools: the name {twice[0]} is given twice; give each pool a name of its own"
            raise ValueError(message)
        if self.pools and self.gpus_on_cpu:
            message = "gpusOnCpu is for a plane without GPUs; leave out pools or gpusOnCpu"
            raise ValueError(message)
        return self
