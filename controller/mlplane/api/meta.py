"""What all kinds share: the base model, metadata, conditions, and the constrained strings.

Python names are snake_case, the manifests' names are camelCase; one alias generator does the
translation. Ratios and thresholds are decimal strings, because floats do not survive a round trip
through every client (Kubernetes API conventions).
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mlplane import body

Body = body.Body
"""An object of a Kubernetes API as plain JSON."""


class ApiModel(BaseModel):
    """Base of everything in a manifest: immutable, camelCase outside, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", frozen=True
    )

    def to_body(self) -> Body:
        """Plain JSON as it stands in a manifest: camelCase, without unset fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


ATOMIC = {"x-kubernetes-list-type": "atomic"}
"""Schema of a list that is replaced as a whole."""
ObjectName = Annotated[str, Field(max_length=63, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
"""A DNS label that starts with a letter."""
ModelName = Annotated[str, Field(max_length=45, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
"""Name of a model: short enough for two hashes behind it in the name of a record."""
Identifier = Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""A name of a column, an input or a metric."""
Digest = Annotated[str, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")]
DecimalString = Annotated[str, Field(max_length=32, pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
StoreUri = Annotated[
    str, Field(max_length=512, pattern=r"^store://[a-z]+/[a-z][-a-z0-9]*/sha256-[0-9a-f]{64}$")
]
RelativePath = Annotated[
    str, Field(max_length=256, pattern=r"^[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)*$")
]
"""A path inside a repository: no leading slash or dot, hence no way out of it."""
CommitId = Annotated[str, Field(max_length=40, pattern=r"^[0-9a-f]{40}$")]
Quantity = Annotated[
    int | Annotated[str, Field(max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?([mkMGTPE]|[KMGTPE]i)?$")],
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
"""An amount as Kubernetes writes it: ``4``, ``500m``, ``16Gi``."""
ImageReference = Annotated[
    str,
    Field(
        max_length=512,
        pattern=r"^[a-z0-9]([-a-z0-9._:/]*[a-z0-9])?(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?(@sha256:[0-9a-f]{64})?$",
    ),
]
Param = Annotated[
    int | Annotated[str, Field(max_length=1024, pattern=r"^(\{?[^{])*\{?$")],
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
"""A whole number or a string (a float is quoted); without ``{{``, which Argo would expand."""
Params = Annotated[dict[Identifier, Param], Field(max_length=64)]


class Condition(ApiModel):
    """One aspect of an object's state (metav1.Condition)."""

    type: Annotated[str, Field(max_length=63, description="Name of the aspect, such as Ready.")]
    status: Annotated[Literal["True", "False", "Unknown"], Field(description="Whether the aspect holds.")]
    observed_generation: Annotated[int, Field(ge=0, description="Generation that was looked at.")]
    last_transition_time: Annotated[
        str,
        Field(
            max_length=32,
            description="When status last changed, RFC 3339.",
            json_schema_extra={"format": "date-time"},
        ),
    ]
    reason: Annotated[
        str, Field(max_length=63, pattern=r"^[A-Z][A-Za-z0-9]*$", description="Why, for programs.")
    ]
    message: Annotated[
        str, Field(max_length=2048, description="Why, and what to do next, for people: one sentence.")
    ]


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        description="State of the object, one entry for each aspect.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]


class Status(ApiModel):
    """What every status starts with."""

    conditions: Conditions = ()
    observed_generation: Annotated[
        int | None, Field(ge=0, description="Generation of the spec that this status speaks of.")
    ] = None


class ObjectMeta(ApiModel):
    """The metadata that mlplane reads; the API server keeps the rest."""

    model_config = ConfigDict(extra="ignore")

    name: ObjectName
    namespace: str | None = None
    uid: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Column(NamedTuple):
    """A printer column: what ``kubectl get`` shows (additionalPrinterColumns)."""

    name: str
    json_path: str
    type: str = "string"
    priority: int = 0
    """0 is always shown, 1 only with ``-o wide``."""


REASON_COLUMN = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason')
READY_COLUMN = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
AGE_COLUMN = Column("Age", ".metadata.creationTimestamp", "date")


class Resource(ApiModel):
    """Base of the five kinds. Class variables hold what the CRD says beside its schema."""

    PLURAL: ClassVar[str]
    SHORT_NAME: ClassVar[str]
    COLUMNS: ClassVar[tuple[Column, ...]]
    RULES: ClassVar[tuple[tuple[str, str], ...]] = ()
    """CEL rules over the whole object, as (rule, message)."""

    api_version: Literal["mlplane.dev/v1alpha1"] = "mlplane.dev/v1alpha1"
    kind: str
    metadata: ObjectMeta

    @property
    def name(self) -> str:
        """Name of the object in its namespace."""
        return self.metadata.name


def short_name_rule(limit: int) -> tuple[str, str]:
    """CEL rule that leaves room for suffixes in the names of children (DNS labels, 63 characters)."""
    return (f"self.metadata.name.size() <= {limit}", f"metadata.name must have at most {limit} characters")


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """``json_schema_extra`` that carries CEL rules, given as (rule, message)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def immutable_except(spec: type[BaseModel], *mutable: str) -> tuple[str, str]:
    """CEL rule that holds every field of a spec but these; fields by their Python names."""
    same = []
    for name, field in spec.model_fields.items():
        if name in mutable:
            continue
        alias = to_camel(name)
        if field.is_required():
            same.append(f"self.{alias} == oldSelf.{alias}")
        else:
            there = f"has(self.{alias})"
            same.append(f"{there} == has(oldSelf.{alias}) && (!{there} || self.{alias} == oldSelf.{alias})")
    but = " and ".join(to_camel(name) for name in mutable)
    return " && ".join(same), f"spec is immutable but for {but}: create an object with another name instead"


IMMUTABLE = rules(("self == oldSelf", "spec is immutable: create an object with another name instead"))


class GitSource(ApiModel):
    """A path of a git repository at a commit. The URL has no place for a password: it stands in git."""

    url: Annotated[
        str,
        Field(
            max_length=512,
            pattern=r"^(https://|ssh://([a-z]+@)?)[A-Za-z0-9][-A-Za-z0-9._~/:%+]*$",
            description="Identity of the repository; where it is fetched from is git configuration.",
        ),
    ]
    path: Annotated[RelativePath, Field(description="File or directory in the repository.")]
    commit: Annotated[
        CommitId, Field(description="Last commit that changed the path; written by `mlplane lock --commit`.")
    ]


class Source(ApiModel):
    """Where bytes come from."""

    git: Annotated[GitSource, Field(description="A path of a git repository.")]
