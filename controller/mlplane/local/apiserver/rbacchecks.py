"""What Roles and bindings may say, and that nobody gives away rights that they do not hold. Pure.

Reference: Kubernetes' validation and escalation checks of ``rbac.authorization.k8s.io``.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlplane.local.apiserver import naming
from mlplane.local.apiserver.rbac import GROUP, Policy, covers
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body, Cause, forbidden, not_found
from mlplane.local.apiserver.users import Attributes, User

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def check_role(body: Body, _old: Body | None, _now: str) -> list[Cause]:
    """What is wrong with a Role or a ClusterRole."""
    causes: list[Cause] = []
    for index, rule in enumerate(body.get("rules") or ()):
        causes += _rule_problems(f"rules[{index}]", rule, namespaced=body["kind"] == "Role")
    return causes


def _rule_problems(at: str, rule: Body, *, namespaced: bool) -> Iterator[Cause]:
    if not rule.get("verbs"):
        yield _required(f"{at}.verbs", "verbs must contain at least one value")
    if urls := rule.get("nonResourceURLs"):
        problem = ""
        if namespaced:
            problem = "namespaced rules cannot apply to non-resource URLs"
        elif any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
            problem = "rules cannot apply to both regular resources and non-resource URLs"
        if problem:
            shown = f"[]string{{{', '.join(map(json.dumps, urls))}}}"
            yield Cause("FieldValueInvalid", f"{at}.nonResourceURLs", f"Invalid value: {shown}: {problem}")
        return
    if not rule.get("apiGroups"):
        yield _required(f"{at}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield _required(f"{at}.resources", "resource rules must supply at least one resource")


def check_binding(body: Body, old: Body | None, _now: str) -> list[Cause]:
    """Default the groups of a binding, in place; what is wrong with it."""
    reference = body.setdefault("roleRef", {})
    reference.setdefault("apiGroup", GROUP)
    for subject in body.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", GROUP)
    namespaced = body["kind"] == "RoleBinding"
    causes = list(_reference_problems(reference, ("Role", "ClusterRole") if namespaced else ("ClusterRole",)))
    for index, subject in enumerate(body.get("subjects") or ()):
        causes += _subject_problems(f"subjects[{index}]", subject, namespaced=namespaced)
    if old is not None and old["roleRef"] != reference:
        group, kind, name = (reference.get(key, "") for key in ("apiGroup", "kind", "name"))
        shown = f'rbac.RoleRef{{APIGroup:"{group}", Kind:"{kind}", Name:"{name}"}}'
        message = f"Invalid value: {shown}: cannot change roleRef"
        causes.append(Cause("FieldValueInvalid", "roleRef", message))
    return causes


def _reference_problems(reference: Body, kinds: Sequence[str]) -> Iterator[Cause]:
    if (group := reference.get("apiGroup")) != GROUP:
        yield _unsupported("roleRef.apiGroup", group, (GROUP,))
    if (kind := reference.get("kind", "")) not in kinds:
        yield _unsupported("roleRef.kind", kind, kinds)
    if not (name := reference.get("name")):
        yield _required("roleRef.name")
    elif problem := naming.path_segment_problem(name):
        yield Cause("FieldValueInvalid", "roleRef.name", f'Invalid value: "{name}": {problem}')


def _subject_problems(at: str, subject: Body, *, namespaced: bool) -> Iterator[Cause]:
    name, kind, group = (subject.get(key, "") for key in ("name", "kind", "apiGroup"))
    if not name:
        yield _required(f"{at}.name")
    if kind not in ("ServiceAccount", "User", "Group"):
        yield _unsupported(f"{at}.kind", kind, ("ServiceAccount", "User", "Group"))
        return
    if kind == "ServiceAccount":
        if name and (problem := naming.subdomain_problem(name)):
            yield Cause("FieldValueInvalid", f"{at}.name", f'Invalid value: "{name}": {problem}')
        if not namespaced and not subject.get("namespace"):
            yield _required(f"{at}.namespace")
    expected = "" if kind == "ServiceAccount" else GROUP
    if group != expected:
        yield _unsupported(f"{at}.apiGroup", group, (expected,))


def _required(at: str, why: str = "") -> Cause:
    return Cause("FieldValueRequired", at, f"Required value: {why}" if why else "Required value")


def _unsupported(at: str, found: Any, allowed: Sequence[str]) -> Cause:
    listed = ", ".join(f'"{each}"' for each in allowed)
    message = f'Unsupported value: "{found}": supported values: {listed}'
    return Cause("FieldValueNotSupported", at, message)


def no_escalation(policy: Policy, user: User, resource: Resource, body: Body, old: Body | None) -> None:
    """Nobody may write a role or a binding that gives more than they hold themselves.

    Raises:
        ApiError: 403 with the rights that the writer lacks; 404 for a binding to no role.
    """
    namespace, name = body["metadata"].get("namespace", ""), body["metadata"]["name"]
    if resource.kind in _BINDINGS:
        if old is not None and old.get("subjects") == body.get("subjects"):
            return
        reference = body["roleRef"]
        plural = f"{reference['kind'].lower()}s"
        if policy.decide(user, Attributes("bind", GROUP, plural, "", reference["name"], namespace)).allowed:
            return
        rules = policy.rules_of(reference, namespace)
        if rules is None:
            raise not_found(GROUP, plural, reference["name"])
    else:
        rules = body.get("rules") or []
        if old is not None and old.get("rules") == body.get("rules"):
            return
        if policy.decide(user, Attributes("escalate", GROUP, resource.plural, "", name, namespace)).allowed:
            return
    if missing := _missing(policy.rules(user, namespace)[0], rules):
        groups = " ".join(f'"{group}"' for group in user.groups)
        why = (
            f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently '
            "held:\n" + "\n".join(missing)
        )
        raise forbidden(resource.group, resource.plural, name, why)


def _missing(held: Sequence[Body], wanted: Sequence[Body]) -> list[str]:
    """The rights that are not held, a line for each resource, as the real server lists them."""
    lines: dict[str, list[str]] = {}
    for rule in wanted:
        for asked in _single(rule):
            if not covers(held, asked):
                lines.setdefault(_described(asked), []).append(asked.verb)
    return sorted(f"{{{what}, Verbs:{_go_list(verbs)}}}" for what, verbs in lines.items())


def _single(rule: Body) -> Iterator[Attributes]:
    for verb in rule.get("verbs") or ():
        yield from (Attributes(verb, path=url) for url in rule.get("nonResourceURLs") or ())
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                plural, _, sub = resource.partition("/")
                for name in rule.get("resourceNames") or ("",):
                    yield Attributes(verb, group, plural, sub, name)


def _described(asked: Attributes) -> str:
    if asked.path:
        return f"NonResourceURLs:{_go_list([asked.path])}"
    named = f", ResourceNames:{_go_list([asked.name])}" if asked.name else ""
    return f"APIGroups:{_go_list([asked.group])}, Resources:{_go_list([asked.full_resource])}{named}"


def _go_list(items: Sequence[str]) -> str:
    return f"[{' '.join(map(json.dumps, items))}]"
