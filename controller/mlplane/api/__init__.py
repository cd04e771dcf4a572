"""What the user says and sees: the five kinds of ``mlplane.dev/v1alpha1``. No I/O."""

from mlplane.api.dataset import Dataset
from mlplane.api.evaluation import Evaluation
from mlplane.api.meta import Body, Resource
from mlplane.api.modelserver import ModelServer
from mlplane.api.modelversion import ModelVersion
from mlplane.api.trainingrun import TrainingRun

KINDS: dict[str, type[Resource]] = {
    kind.__name__: kind for kind in (Dataset, TrainingRun, ModelVersion, Evaluation, ModelServer)
}
"""Kind name to type, in the order of the data flow."""

__all__ = [
    "KINDS",
    "Body",
    "Dataset",
    "Evaluation",
    "ModelServer",
    "ModelVersion",
    "Resource",
    "TrainingRun",
]
