"""Every name that more than one part of mlplane, or a user, has to know; each written once."""

GROUP = "mlplane.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "mlplane"

# Kinds of other systems that mlplane renders.
WORKFLOW_API_VERSION = "argoproj.io/v1alpha1"
WORKFLOW_KIND = "Workflow"
INFERENCE_SERVICE_API_VERSION = "serving.kserve.io/v1beta1"
INFERENCE_SERVICE_KIND = "InferenceService"
SERVING_RUNTIME = "mlplane-torch"
"""The ClusterServingRuntime that serves exported torch programs."""

SYSTEM_NAMESPACE = "mlplane-system"
"""Where the controller lives, and its Lease."""
LEASE = "mlplane-controller"
"""The Lease of the controller that works."""

# Field managers of server-side apply.
CONTROLLER_MANAGER = "mlplane-controller"
GITOPS_MANAGER = "mlplane-gitops"

# Labels: what a person or a controller selects by.
MODEL_LABEL = f"{GROUP}/model"
OWNER_KIND_LABEL = f"{GROUP}/owner-kind"
OWNER_NAME_LABEL = f"{GROUP}/owner-name"
SOURCE_LABEL = f"{GROUP}/source"
"""On objects applied from git: a short digest of repository and path; what prune looks for."""

# Annotations: facts that nothing selects by.
COMMIT_ANNOTATION = f"{GROUP}/commit"
"""On objects applied from git: the commit that they were last applied from."""

# Condition types.
READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
COMPLETE = "Complete"
FAILED = "Failed"
APPROVED = "Approved"

# Reasons of conditions. A reason that starts with the name of a kind waits for that kind.
AVAILABLE = "Available"
"""Everything this record needs exists."""
COMPLETED = "Completed"
"""The run has finished and its model version exists."""
DATASET_MISSING = "DatasetMissing"
DATASET_NOT_READY = "DatasetNotReady"
DEPLOYING = "Deploying"
"""The InferenceService is not ready yet."""
DIGEST_MISMATCH = "DigestMismatch"
"""A pinned digest differs from the digest of the object that it pins."""
GATE_FAILED = "GateFailed"
GATES_PASSED = "GatesPassed"
INGEST_FAILED = "IngestFailed"
INGESTED = "Ingested"
INGESTING = "Ingesting"
INVALID_OBJECT = "InvalidObject"
"""What is stored cannot be read as an object of its kind."""
LOAD_FAILED = "LoadFailed"
"""The model server could not load the model."""
MODEL_VERSION_MISSING = "ModelVersionMissing"
MODEL_VERSION_NOT_APPROVED = "ModelVersionNotApproved"
NOT_EVALUATED = "NotEvaluated"
RUN_FAILED = "RunFailed"
RUNNING = "Running"
SERVING = "Serving"
SUCCEEDED = "Succeeded"
"""Complete or Failed does not apply, because the other one does, or because all went well."""
UNREADABLE_EVALUATION = "UnreadableEvaluation"
"""An Evaluation that may be the newest cannot be read, and could be a rejection."""
API_ERROR = "ApiError"
"""The API server refused what the controller applied; the message holds its words."""

# Where containers find things. The local plane maps these prefixes to a directory for each pod.
WORK_DIR = "/mnt/mlplane"
MODEL_DIR = "/mnt/models"
OUTPUT_DIR = f"{WORK_DIR}/out"
"""One file for each output parameter of a step."""
GIT_CONFIG_MAP = "mlplane-git"
"""An optional ConfigMap with the key ``gitconfig``: where git repositories are really fetched from."""
GIT_CONFIG_KEY = "gitconfig"
GIT_CONFIG_DIR = f"{WORK_DIR}/git"

# Environment of steps and servers.
STORE_ENV = "MLPLANE_STORE"
"""fsspec URL that ``store://`` stands for."""
WORK_DIR_ENV = "MLPLANE_WORK_DIR"
"""Where ``WORK_DIR`` really is, for a container that is a process."""
MODEL_DIGEST_ENV = "MLPLANE_MODEL_DIGEST"
"""Digest that a predictor's model must have."""
IMAGE_ENV = "MLPLANE_IMAGE"
"""Container image of steps and predictors; set for the controller."""
TASK_ENV = "MLPLANE_TASK"
"""JSON document that tells a step what to do; never holds a secret."""

# Service accounts that give pods their credentials for the store.
RUNNER_SERVICE_ACCOUNT = "mlplane-runner"
EXECUTOR_SERVICE_ACCOUNT = "mlplane-executor"
SERVER_SERVICE_ACCOUNT = "mlplane-server"

CONTROLLER_SERVICE_ACCOUNT = "mlplane-controller"
"""In the system namespace; what the controller may do is bound to it."""
