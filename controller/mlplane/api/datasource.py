"""Where the bytes of a Dataset come from: one of several kinds of place, without any password."""

from typing import Annotated

from pydantic import ConfigDict, Field

from mlplane.api.meta import ApiModel, CommitId, GitSource, ObjectName, RelativePath, StoreUri, rules

Quantity = Annotated[str, Field(max_length=16, pattern=r"^[1-9][0-9]{0,8}(Ki|Mi|Gi|Ti)?$")]
"""A number of bytes, as Kubernetes writes it."""
Endpoint = Annotated[
    str, Field(max_length=256, pattern=r"^https?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?$")
]
"""A server, without a path."""


class S3Source(ApiModel):
    """An object, or all below a prefix that ends in ``/``, of an S3 bucket."""

    uri: Annotated[
        str,
        Field(
            max_length=1024,
            pattern=r"^s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]/[^?#\s]+$",
            description="The object, or a prefix that ends in a slash.",
        ),
    ]
    endpoint: Annotated[Endpoint | None, Field(description="Server, where it is not the one of Amazon.")] = (
        None
    )
    region: Annotated[
        str | None, Field(max_length=32, pattern=r"^[a-z0-9-]+$", description="Region of the bucket.")
    ] = None


class GcsSource(ApiModel):
    """An object, or all below a prefix that ends in ``/``, of a Google Cloud Storage bucket."""

    uri: Annotated[
        str,
        Field(
            max_length=1024,
            pattern=r"^gs://[a-z0-9][-_a-z0-9.]{1,61}[a-z0-9]/[^?#\s]+$",
            description="The object, or a prefix that ends in a slash.",
        ),
    ]


class HttpsSource(ApiModel):
    """A file that a web server gives."""

    url: Annotated[
        str,
        Field(
            max_length=1024,
            pattern=r"^https://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?/[^@#\s]*$",
            description="Address of the file, without user name and password.",
        ),
    ]


class HfSource(ApiModel):
    """Files of a dataset on a Hugging Face hub, at a commit."""

    repo: Annotated[
        str,
        Field(
            max_length=128,
            pattern=r"^[A-Za-z0-9][-A-Za-z0-9._]*/[A-Za-z0-9][-A-Za-z0-9._]*$",
            description="Owner and name of the dataset.",
        ),
    ]
    revision: Annotated[CommitId, Field(description="Commit of the dataset; written by `mlplane lock`.")]
    path: Annotated[RelativePath, Field(description="File or directory of the dataset.")]


class PvcSource(ApiModel):
    """Files on a volume that the cluster has."""

    claim: Annotated[ObjectName, Field(description="PersistentVolumeClaim in the same namespace.")]
    path: Annotated[RelativePath, Field(description="File or directory on the volume.")]


class StoreSource(ApiModel):
    """Files that `mlplane push` put into the store."""

    uri: Annotated[StoreUri, Field(description="What `mlplane push` printed.")]


SECRET_KEYS: dict[str, tuple[str, ...]] = {
    "git": ("GIT_TOKEN",),
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS_JSON",),
    "https": ("HTTPS_TOKEN", "HTTPS_USERNAME", "HTTPS_PASSWORD"),
    "hf": ("HF_TOKEN",),
    "pvc": (),
    "store": (),
}
"""Keys of a source's Secret, by the kind of the source."""


class SecretRef(ApiModel):
    """A Secret of the same namespace."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]


class DataSource(ApiModel):
    """Where the bytes of a Dataset come from."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.git), has(self.s3), has(self.gs), has(self.https), has(self.hf), has(self.pvc), "
                "has(self.store)].filter(s, s).size() == 1",
                "exactly one of git, s3, gs, https, hf, pvc and store must be set",
            ),
        )
    )

    git: Annotated[GitSource | None, Field(description="A path of a git repository.")] = None
    s3: Annotated[S3Source | None, Field(description="Objects of an S3 bucket.")] = None
    gs: Annotated[GcsSource | None, Field(description="Objects of a Google Cloud Storage bucket.")] = None
    https: Annotated[HttpsSource | None, Field(description="A file that a web server gives.")] = None
    hf: Annotated[HfSource | None, Field(description="Files of a dataset on a Hugging Face hub.")] = None
    pvc: Annotated[PvcSource | None, Field(description="Files on a volume.")] = None
    store: Annotated[StoreSource | None, Field(description="Files in the store.")] = None
    secret_ref: Annotated[
        SecretRef | None, Field(description="Secret with the credentials; only the step that reads gets it.")
    ] = None
    max_size: Annotated[
        Quantity | None,
        Field(description="Most bytes that are read, packed and unpacked; 1Gi where it is not set."),
    ] = None

    @property
    def kind(self) -> str:
        """Which of the places it is, such as ``s3``."""
        return next(kind for kind in SECRET_KEYS if getattr(self, kind) is not None)
