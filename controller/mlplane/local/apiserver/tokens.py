"""Tokens of service accounts: signed here, believed for as long as their account lives.

A token names its account by uid, so that it dies with it; one that is bound to a pod, a secret or a node dies
with that too. Signatures are checked once: what has been found good is remembered by the hash of the token.
``tokenrequests`` issues tokens, ``auth`` reads them. No token appears in a log or a message.
"""

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

from mlplane.local.apiserver.rows import Key
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.users import User, account
from mlplane.local.files import write_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
BOUND = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}
"""What a token may be bound to beside its account, and where that is kept."""
_ALGORITHM = "ES256"
_CLAIM = "kubernetes.io"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class _Known:
    """What a good token says."""

    user: User
    expires: float
    alive: tuple[tuple[Key, str], ...]
    """Objects that have to exist, with their uids."""


class Tokens:
    """Issues tokens and tells whose they are."""

    def __init__(self, store: Store, key: "ec.EllipticCurvePrivateKey") -> None:
        self._store = store
        self._key = key
        self._public = key.public_key()
        self._known: dict[bytes, _Known] = {}

    def issue(
        self, namespace: str, name: str, uid: str, *, seconds: int, audiences: Sequence[str], bound: Body
    ) -> str:
        """A token of a service account.

        Args:
            namespace: Of the account.
            name: Of the account.
            uid: Of the account.
            seconds: How long it is good for.
            audiences: Whom it is for; this server takes those that name ``AUDIENCE``.
            bound: The claim about another object that it dies with, such as ``{"pod": {…}}``; may be empty.
        """
        now = int(time.time())
        claims = {
            "aud": list(audiences),
            "exp": now + seconds,
            "iat": now,
            "iss": AUDIENCE,
            "jti": str(uuid.uuid4()),
            _CLAIM: {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}, **bound},
            "nbf": now,
            "sub": account(namespace, name).name,
        }
        return jwt.encode(claims, self._key, _ALGORITHM)

    def user_of(self, token: str) -> User | None:
        """Whose a token is; None if it is nobody's, too old, or of an account that has gone."""
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        known = self._known.get(digest)
        if known is None:
            try:
                claims = jwt.decode(
                    token, self._public, [_ALGORITHM], audience=AUDIENCE, issuer=AUDIENCE, leeway=0
                )
                known = _read(claims)
            except (jwt.PyJWTError, KeyError, TypeError, ValueError):
                return None
            self._remember(digest, known)
        if known.expires <= time.time() or not all(self._lives(*each) for each in known.alive):
            self._known.pop(digest, None)
            return None
        return known.user

    def _lives(self, key: Key, uid: str) -> bool:
        row = self._store.get(key)
        return row is not None and row.uid == uid

    def _remember(self, digest: bytes, known: _Known) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[digest] = known


def _read(claims: dict[str, Any]) -> _Known:
    said = claims[_CLAIM]
    namespace, who = said["namespace"], said["serviceaccount"]
    alive = [(Key("", "serviceaccounts", namespace, who["name"]), who["uid"])]
    for kind, plural in BOUND.items():
        if other := said.get(kind.lower()):
            place = "" if kind == "Node" else namespace
            alive.append((Key("", plural, place, other["name"]), other["uid"]))
    extra = {_CREDENTIAL: [f"JTI={claims['jti']}"]}
    return _Known(account(namespace, who["name"], who["uid"], extra), claims["exp"], tuple(alive))


def signing_key(path: Path) -> "ec.EllipticCurvePrivateKey":
    """The key that tokens are signed with; made if the file is missing, readable by its owner only.

    Raises:
        ValueError: The file holds something else.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not path.exists():
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_once(path, pem.decode(), 0o600)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}: not an elliptic curve key: remove the file to have one made")
    return key
