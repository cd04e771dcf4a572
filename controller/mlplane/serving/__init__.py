"""The predictor runtime: a kserve model server for exported torch programs.

    artifact    verify, inspect, load and prove a stored model       (what may be served)
    tensors     JSON arrays to tensors of a signature, and back      (what may come in)
    protocols   V1 and Open Inference Protocol bodies to tensors
    model       the kserve model that joins the three
    server      the kserve server around it

Run as ``python -m mlplane.serving`` in its own container or process; nothing imports it.
"""
