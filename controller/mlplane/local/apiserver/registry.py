"""Which kinds the server has right now: the built-in ones and those of CustomResourceDefinitions.

Discovery, OpenAPI and the routes all read it, so a new CRD is everywhere at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from mlplane.local.apiserver.rows import Collection, Key
from mlplane.local.apiserver.statuses import Body
from mlplane.structural.schemas import Schema

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind in one version."""

    group: str
    version: str
    plural: str
    kind: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[str, ...] = ()
    """``status``, ``log``, …"""
    list_kind: str = ""
    stored: Collection | None = None
    """Where objects are kept, if not under this group and plural."""
    stored_version: str = ""
    """The apiVersion that objects are kept in, if not this one."""
    siblings: tuple[str, ...] = ()
    """All versions that the definition has, whether they are served or not."""
    custom: bool = False
    going: bool = False
    """Its definition is deleted, and waits for the objects."""
    counts_generation: bool = False
    unconditional_update: bool = True
    """A PUT without resourceVersion is accepted."""
    created_by_update: bool = False
    """A PUT of what does not exist creates it."""
    openapi: Body | None = field(default=None, repr=False, compare=False)
    """The structural schema; None for kinds whose fields are not checked."""
    since: int = field(default=0, compare=False)
    """The revision of the definition; objects of earlier ones may have been written under another schema."""
    columns: list[Body] | None = field(default=None, repr=False, compare=False)
    """additionalPrinterColumns."""
    deprecation: str = ""
    """What clients are told with every answer, if the version is deprecated."""
    selectable: tuple[str, ...] = ()
    """Fields that a field selector may name beside those of metadata: ``spec.size``."""
    scale: Body | None = field(default=None, repr=False, compare=False)
    """Where ``/scale`` finds its numbers: the paths of a definition's scale subresource."""

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def collection(self) -> Collection:
        """Where the objects are kept."""
        return self.stored or Collection(self.group, self.plural)

    @property
    def has_status(self) -> bool:
        """Whether ``.status`` is written through ``/status`` alone."""
        return "status" in self.subresources

    @cached_property
    def schema(self) -> Schema | None:
        """The compiled schema; compiled at first use, as some are megabytes."""
        return Schema.compile(self.openapi) if self.openapi is not None else None

    def key(self, namespace: str, name: str) -> Key:
        """The identity of an object of this kind."""
        return Key(*self.collection, namespace if self.namespaced else "", name)


class Registry:
    """The kinds, by group, version and plural, in the order that discovery lists them."""

    def __init__(self, builtins: list[Resource]) -> None:
        self._builtins = builtins
        self._custom: dict[str, list[Resource]] = {}
        self._index: dict[tuple[str, str, str], Resource] = {}
        self.state = 0
        """Another number whenever other kinds are served."""
        self._rebuild()

    def _rebuild(self) -> None:
        self._index = {(r.group, r.version, r.plural): r for r in self}
        self.state += 1

    def __iter__(self) -> Iterator[Resource]:
        yield from self._builtins
        for name in sorted(self._custom):
            yield from self._custom[name]

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The kind that a path names."""
        return self._index.get((group, version, plural))

    def groups(self) -> dict[str, dict[str, list[Resource]]]:
        """All kinds: group, then version, then kinds; the core group first."""
        groups: dict[str, dict[str, list[Resource]]] = {}
        for resource in self:
            groups.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
        return groups

    def serving(self, collection: Collection) -> Resource | None:
        """A kind whose objects are in this collection; the one in the stored version if there is one."""
        found = [r for r in self if r.collection == collection]
        return next((r for r in found if not r.stored_version), found[0] if found else None)

    def kind(self, api_version: str, kind: str) -> Resource | None:
        """The kind of an object's apiVersion and kind."""
        return next((r for r in self if (r.api_version, r.kind) == (api_version, kind)), None)

    def install(self, crd_name: str, resources: list[Resource]) -> None:
        """Serve (exactly) these versions for a CustomResourceDefinition."""
        self._custom[crd_name] = resources
        self._rebuild()

    def uninstall(self, crd_name: str) -> None:
        """Stop serving the kinds of a CustomResourceDefinition."""
        self._custom.pop(crd_name, None)
        self._rebuild()
