"""Whether a container image that is named by digest still exists, asked of its registry.

Asks without credentials, with the anonymous token that registries give for what is public. Called by
``cli.rollback``.
"""

import re

import httpx

from mlplane.gitops.promotiongates import Gate, failed, passed

TIMEOUT_SECONDS = 15
_IMAGE = re.compile(
    r"(?:(?P<host>[^/]*[.:][^/]*|localhost)/)?(?P<name>[^@:]+)(?::[^@]*)?@(?P<digest>sha256:[0-9a-f]{64})"
)
_FORMS = ", ".join(
    f"application/vnd.{form}+json"
    for form in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_HUB = "registry-1.docker.io"


def image_gate(image: str) -> Gate:
    """Whether an image is where it says; a warning where that cannot be known."""
    match = _IMAGE.fullmatch(image)
    if match is None:
        return Gate(
            "lineage", "Warning", f"the image {image} names no digest, so that nobody can vouch for it"
        )
    host, name = match["host"] or _HUB, match["name"]
    if host == _HUB and "/" not in name:
        name = f"library/{name}"
    scheme = "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    try:
        reply = _head(f"{scheme}://{host}/v2/{name}/manifests/{match['digest']}")
    except httpx.HTTPError as error:
        return Gate("lineage", "Warning", f"the registry {host} cannot be asked: {type(error).__name__}")
    if reply.is_success:
        return passed("lineage", f"the image {image} exists")
    if reply.status_code == 404:
        return failed("lineage", f"{host} has no {name}@{match['digest']}: push that image again")
    return Gate("lineage", "Warning", f"the registry {host} does not tell ({reply.status_code})")


def _head(url: str) -> httpx.Response:
    with httpx.Client(timeout=TIMEOUT_SECONDS, headers={"Accept": _FORMS}) as client:
        reply = client.head(url)
        said = reply.headers.get("www-authenticate", "")
        challenge = dict(_CHALLENGE.findall(said))
        if reply.status_code != 401 or not said.lower().startswith("bearer ") or "realm" not in challenge:
            return reply
        asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        given = client.get(challenge["realm"], params=asked)
        token = given.json().get("token") if given.is_success else None
        return client.head(url, headers={"Authorization": f"Bearer {token}"}) if token else reply
