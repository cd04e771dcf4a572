"""Plays KServe in Standard mode, and the Gateway in front of it, as an ordinary client of the API server.

    pods       an InferenceService and its runtime as Pods               pure
    planning   what to create, delete, route and say, from what is       pure
    status     the words of KServe for it                                pure
    routes     hosts to weighted backends                                pure
    gateway    the HTTP proxy that follows the routes
    seen       what the watches have shown
    engine     plans, and acts

Knows nothing of models: what a server does with a request is the predictor runtime's business.
"""

from mlplane.local.inference.engine import run_inference

__all__ = ["run_inference"]
