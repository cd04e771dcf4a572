"""What the step that reads a source gets beside its task: credentials, a volume, and the operator's policy.

Only that step: neither the user's code nor any other step sees a Secret. Pure; works on rendered Workflows.
Called by ``datasetworkflows``.
"""

from mlplane import names, tasks
from mlplane.api import Body
from mlplane.api.datasource import SECRET_KEYS, DataSource
from mlplane.settings import Settings

_VOLUME = "source"


def with_access(workflow: Body, source: DataSource | None, settings: Settings) -> Body:
    """The Workflow, with what its step ``ingest`` needs to read a source; None: it reads none."""
    if source is not None:
        for template in workflow["spec"]["templates"]:
            if template["name"] == tasks.INGEST:
                _give(template, source, settings)
    return workflow


def _give(template: Body, source: DataSource, settings: Settings) -> None:
    container = template["container"]
    container["env"] = [*container["env"], *_policy(settings), *_credentials(source)]
    if source.pvc is not None:
        mount = {"name": _VOLUME, "mountPath": names.VOLUME_DIR, "readOnly": True}
        container["volumeMounts"] = [*container["volumeMounts"], mount]
        claim = {"claimName": source.pvc.claim, "readOnly": True}
        template["volumes"] = [{"name": _VOLUME, "persistentVolumeClaim": claim}]


def _policy(settings: Settings) -> list[Body]:
    said = {
        names.ALLOWED_HOSTS_ENV: ",".join(settings.allowed_hosts),
        names.HF_ENDPOINT_ENV: settings.hf_endpoint,
    }
    return [{"name": name, "value": value} for name, value in said.items() if value]


def _credentials(source: DataSource) -> list[Body]:
    """Each key that such a source may need, as far as the Secret has it."""
    secret = source.secret_ref
    if secret is None:
        return []
    return [
        {
            "name": names.SECRET_ENV_PREFIX + key,
            "valueFrom": {"secretKeyRef": {"name": secret.name, "key": key, "optional": True}},
        }
        for key in SECRET_KEYS[source.kind]
    ]
