"""How objects of a Kubernetes API are named: one object, or many."""

from dataclasses import dataclass, field

from mlplane.api.meta import Body


@dataclass(frozen=True, slots=True)
class Ref:
    """One object. ``namespace`` is empty for a cluster-scoped kind."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Query:
    """All objects of a kind, of one namespace or (``None``) of all, that have these labels and fields."""

    api_version: str
    kind: str
    namespace: str | None = None
    labels: tuple[tuple[str, str | None], ...] = ()
    """Each with its value; None where any value will do."""
    fields: tuple[tuple[str, str], ...] = field(default=())

    def covers(self, ref: Ref) -> bool:
        """Whether the object could be among the answers (labels and fields are not looked at)."""
        return (self.api_version, self.kind) == (ref.api_version, ref.kind) and self.namespace in (
            None,
            ref.namespace,
        )


def ref_of(body: Body) -> Ref:
    """The reference to an object, from its body."""
    meta = body["metadata"]
    return Ref(body["apiVersion"], body["kind"], meta.get("namespace", ""), meta["name"])
