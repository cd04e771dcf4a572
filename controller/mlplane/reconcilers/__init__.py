"""The decisions: what should exist, and what the status says. Pure.

Each kind is a module with ``KIND``, ``refs`` (what has to be read) and ``plan`` (what follows from it).
"""

from mlplane.reconcilers import dataset, evaluation, modelserver, modelversion, trainingrun
from mlplane.reconcilers.plan import Reconciler

RECONCILERS: tuple[Reconciler, ...] = (dataset, trainingrun, modelversion, evaluation, modelserver)
