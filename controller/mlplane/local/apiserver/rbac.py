"""Who may do what: the decision that Roles and their bindings add up to. Pure.

Reference: Kubernetes' RBAC authorizer. ClusterRoles are taken as they stand: those that the real server
fills by aggregation have their rules written out here (``rbacdefaults``). ``authority`` keeps a ``Policy`` up
to date.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.users import ACCOUNT_PREFIX, MASTERS, Attributes, User

GROUP = "rbac.authorization.k8s.io"
_KEPT_USERS = 256
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may be made, and why."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Grant:
    rules: Sequence[Body]
    reason: str


@dataclass
class _Grants:
    """What one user has got, by namespace; the empty one holds everywhere."""

    places: dict[str, list[_Grant]] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)


class Policy:
    """All roles and bindings of one moment."""

    def __init__(self, roles: Iterable[Body], bindings: Iterable[Body]) -> None:
        """Take Roles and ClusterRoles, RoleBindings and ClusterRoleBindings together."""
        self._roles: Mapping[tuple[str, str, str], Sequence[Body]] = {
            (role["kind"], role["metadata"].get("namespace", ""), role["metadata"]["name"]): role.get("rules")
            or ()
            for role in roles
        }
        self._bindings = list(bindings)
        self._users: dict[tuple[str, tuple[str, ...]], _Grants] = {}

    def decide(self, user: User, asked: Attributes) -> Decision:
        """Whether a user may make a request."""
        if MASTERS in user.groups:
            return Decision(allowed=True)
        grants = self._grants(user)
        for grant in _at(grants.places, asked.namespace):
            if any(_allows(rule, asked) for rule in grant.rules):
                return Decision(allowed=True, reason=grant.reason)
        return Decision(allowed=False, reason=_joined(_at(grants.errors, asked.namespace)))

    def rules(self, user: User, namespace: str) -> tuple[list[Body], str]:
        """The rules that hold for a user in a namespace, and what was wrong with bindings."""
        grants = self._grants(user)
        rules = [rule for grant in _at(grants.places, namespace) for rule in grant.rules]
        return rules, _joined(_at(grants.errors, namespace))

    def rules_of(self, reference: Body, namespace: str) -> Sequence[Body] | None:
        """The rules of the role that a binding refers to; None if there is none."""
        place = namespace if reference["kind"] == "Role" else ""
        return self._roles.get((reference["kind"], place, reference["name"]))

    def _grants(self, user: User) -> _Grants:
        key = user.name, user.groups
        if key not in self._users:
            if len(self._users) >= _KEPT_USERS:
                self._users.clear()
            self._users[key] = self._collect(user)
        return self._users[key]

    def _collect(self, user: User) -> _Grants:
        found = _Grants()
        for binding in self._bindings:
            namespace = binding["metadata"].get("namespace", "")
            subjects = binding.get("subjects") or ()
            subject = next((s for s in subjects if _is(user, s, namespace)), None)
            if subject is None:
                continue
            reference = binding["roleRef"]
            rules = self.rules_of(reference, namespace)
            if rules is None:
                missing = f'{reference["kind"].lower()}.{GROUP} "{reference["name"]}" not found'
                found.errors.setdefault(namespace, []).append(missing)
            else:
                grant = _Grant(rules, _reason(binding, subject))
                found.places.setdefault(namespace, []).append(grant)
        return found


def covers(held: Sequence[Body], wanted: Attributes) -> bool:
    """Whether rules allow what a single rule would."""
    return any(_allows(rule, wanted) for rule in held)


def _at(places: Mapping[str, Sequence[_T]], namespace: str) -> Iterator[_T]:
    yield from places.get("", ())
    if namespace:
        yield from places.get(namespace, ())


def _joined(errors: Iterable[str]) -> str:
    found = list(dict.fromkeys(errors))
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]" if found else ""


def _is(user: User, subject: Body, namespace: str) -> bool:
    match subject["kind"]:
        case "User":
            return bool(user.name == subject["name"])
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            home = subject.get("namespace") or namespace
            return bool(home) and user.name == f"{ACCOUNT_PREFIX}{home}:{subject['name']}"
    return False


def _reason(binding: Body, subject: Body) -> str:
    meta, reference = binding["metadata"], binding["roleRef"]
    namespace = meta.get("namespace", "")
    name = f"{meta['name']}/{namespace}" if namespace else meta["name"]
    who = subject["name"]
    if subject["kind"] == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or namespace}"
    return (
        f'RBAC: allowed by {binding["kind"]} "{name}" of {reference["kind"]} "{reference["name"]}" '
        f'to {subject["kind"]} "{who}"'
    )


def _allows(rule: Body, asked: Attributes) -> bool:
    if not _any(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path_matches(each, asked.path) for each in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames") or ()
    return (
        _any(rule.get("apiGroups"), asked.group)
        and _resource_matches(rule.get("resources") or (), asked)
        and (not names or asked.name in names)
    )


def _any(allowed: Sequence[str] | None, found: str) -> bool:
    return allowed is not None and ("*" in allowed or found in allowed)


def _resource_matches(allowed: Sequence[str], asked: Attributes) -> bool:
    if "*" in allowed or asked.full_resource in allowed:
        return True
    return bool(asked.subresource) and f"*/{asked.subresource}" in allowed


def _path_matches(allowed: str, path: str) -> bool:
    return allowed == path or (allowed.endswith("*") and path.startswith(allowed.rstrip("*")))
