"""mlplane: a declarative GitOps control plane for machine learning.

The folders are the data flow, top to bottom; imports point the other way:

    api          what the user says and sees: five kinds as pydantic models
    structural   how Kubernetes judges an object by its schema
    schema       the kinds as CRDs and JSON Schemas
    adapters     the kinds as Argo Workflows and KServe InferenceServices, and their outcomes read back
    reconcilers  the decisions: what should exist, and what the status says; pure
    cluster      the port to a Kubernetes API
    engine       observe, plan, act, commit
    handlers     the events that wake the engine (Kopf)
    gitops       what people do with a repository of manifests
    local        a cluster on a laptop, for which the controllers need not know
    cli          one file a command

Beside them stands what runs inside containers: ``store`` (artifacts), ``steps`` (of a workflow),
``training`` (the SDK of a user's script), ``serving`` (the predictor).
"""

from typing import Any

__version__ = "0.1.0"


def load(reference: str) -> Any:
    """A model version as a ``mlplane.loading.Model``, such as ``mlplane.load("digits@digits-03b3d497")``."""
    from importlib import import_module

    # By its name: this package is imported by all of mlplane, most of which may not know torch.
    return import_module("mlplane.loading").load(reference)
