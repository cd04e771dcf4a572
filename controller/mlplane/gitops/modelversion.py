"""The manifest of a model version that no run made. Pure; called by ``mlplane import``."""

import yaml
from pydantic import ValidationError

from mlplane.adapters.children import short_digest
from mlplane.api import ModelVersion
from mlplane.api.meta import ObjectMeta
from mlplane.api.modelversion import Artifact, Imported, ModelVersionSpec, Signature
from mlplane.errors import InvalidInput
from mlplane.store.uris import uri_of


def imported_version(model: str, digest: str, signature: Signature, origin: str, license_: str | None) -> str:
    """The manifest as YAML; named by the model and its digest.

    Raises:
        InvalidInput: a name, the origin or the license is not allowed; says what is.
    """
    try:
        version = ModelVersion(
            metadata=ObjectMeta(name=f"{model}-{short_digest(digest)}"),
            spec=ModelVersionSpec(
                model=model,
                artifact=Artifact(uri=uri_of("models", model, digest), digest=digest),
                signature=signature,
                imported=Imported(source=origin, license=license_),
            ),
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{field} of the model version: {first['msg']}") from error
    body = version.to_body()
    del body["status"]
    body["metadata"] = {"name": version.name}
    return yaml.safe_dump(body, sort_keys=False, width=110)
