"""Plays KServe in Standard mode, and the Gateway in front of it, as an ordinary client of the API server.

    variants     the stable predictor and its canaries                     pure
    rules        rules between fields; refusals: what KServe refuses       pure
    pods         a predictor and its runtime as Pods                       pure
    workloads    the Pods that there are of a predictor                    pure
    planning     what to create, delete and route, from what is            pure
    status       the words of KServe for it; conditions, modelstatus       pure
    events       what is told of a change of status                        pure
    routes       hosts to weighted backends                                pure
    gateway      the HTTP proxy that follows the routes; headers
    seen         what the watches have shown
    engine       plans, and acts

Knows nothing of models: what a server does with a request is the predictor runtime's business.
"""

from mlplane.local.inference.engine import run_inference

__all__ = ["run_inference"]
