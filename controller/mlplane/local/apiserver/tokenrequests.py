"""TokenRequest: a token for a service account, made on request and never stored."""

from datetime import UTC, datetime, timedelta

from mlplane.local.apiserver import typedrequests
from mlplane.local.apiserver.rows import Key, Row
from mlplane.local.apiserver.statuses import Body, Cause, bad_request, conflict, invalid, not_found
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.tokens import AUDIENCE, BOUND, Tokens

API_VERSION = "authentication.k8s.io/v1"
_DEFAULT_S = 3600
_SHORTEST_S = 600
_LONGEST_S = 2**32


def answer(store: Store, tokens: Tokens, key: Key, body: Body | None) -> Body:
    """The request with its token.

    Args:
        store: Where accounts are.
        tokens: Issues the token.
        key: The service account.
        body: A TokenRequest.

    Raises:
        ApiError: 404 for what does not exist, 422 for a time that is too short or too long, 400 and 409 for
            an object that a token cannot be bound to, 400 for fields of wrong types.
    """
    spec = typedrequests.read("TokenRequest", body).get("spec") or {}
    seconds = _seconds(spec.get("expirationSeconds"))
    row = _existing(store, key)
    audiences = spec.get("audiences") or [AUDIENCE]
    bound = _bound(store, key.namespace, spec.get("boundObjectRef") or {})
    now = datetime.now(UTC)
    token = tokens.issue(key.namespace, key.name, row.uid, seconds=seconds, audiences=audiences, bound=bound)
    until = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": API_VERSION,
        "kind": "TokenRequest",
        "metadata": {"name": key.name, "namespace": key.namespace, "creationTimestamp": None},
        "spec": spec | {"audiences": audiences, "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": until},
    }


def _seconds(wanted: int | None) -> int:
    if wanted is None:
        return _DEFAULT_S
    problem = ""
    if wanted < _SHORTEST_S:
        problem = "may not specify a duration less than 10 minutes"
    elif wanted > _LONGEST_S:
        problem = "may not specify a duration larger than 2^32 seconds"
    if problem:
        cause = Cause("FieldValueInvalid", "spec.expirationSeconds", f"Invalid value: {wanted}: {problem}")
        raise invalid("authentication.k8s.io", "TokenRequest", "", [cause])
    return wanted


def _existing(store: Store, key: Key) -> Row:
    row = store.get(key)
    if row is None:
        raise not_found(key.group, key.plural, key.name)
    return row


def _bound(store: Store, namespace: str, reference: Body) -> Body:
    """The claim about the object that the token is bound to."""
    if not reference:
        return {}
    api_version, kind, name = (reference.get(key, "") for key in ("apiVersion", "kind", "name"))
    if api_version != "v1" or kind not in BOUND:
        group, _, version = api_version.rpartition("/")
        raise bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    key = Key("", BOUND[kind], "" if kind == "Node" else namespace, name)
    uid = _existing(store, key).uid
    if (wanted := reference.get("uid") or uid) != uid:
        why = (
            f"the UID in the bound object reference ({wanted}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise conflict("", key.plural, name, why)
    return {kind.lower(): {"name": name, "uid": uid}}
