"""Promotion: the environments of a repository, and the way of a model from one to the next.

The one kind that is never applied to a cluster: it is the file ``promotion.yaml``, and commands read it
(``gitops.environments``). What contradicts itself in it is found there, too.
"""

from typing import Annotated, Literal

from pydantic import Field

from mlplane.api.meta import ApiModel, ObjectName, RelativePath

LocalTime = Annotated[str, Field(max_length=16, pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$")]
"""A moment of a clock on the wall; which clock is said beside it."""


class Freeze(ApiModel):
    """A time in which nothing is promoted: again and again by a schedule, or once."""

    name: Annotated[ObjectName, Field(description="What it is called in the messages of checks.")]
    time_zone: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[A-Za-z][-A-Za-z0-9_+/]*$",
            description="IANA name of the clock that the times are of, such as Europe/Vienna.",
        ),
    ] = "UTC"
    schedule: Annotated[
        str | None,
        Field(
            min_length=9,
            max_length=64,
            description="Cron schedule of when it begins, such as 0 16 * * 5; needs hours.",
        ),
    ] = None
    hours: Annotated[int | None, Field(ge=1, le=8760, description="How long it lasts after each begin.")] = (
        None
    )
    since: Annotated[
        LocalTime | None, Field(description="When it begins, such as 2026-12-20T00:00; needs until.")
    ] = None
    until: Annotated[LocalTime | None, Field(description="When it is over.")] = None


class Requirements(ApiModel):
    """What must hold before a model comes into an environment, beside the approvals that the forge wants."""

    soak_hours: Annotated[
        int | None,
        Field(
            ge=1, le=8760, description="Hours that the version has to be ready in the environment before it."
        ),
    ] = None
    freeze: Annotated[
        tuple[Freeze, ...], Field(max_length=32, description="Times in which nothing is promoted.")
    ] = ()


class Environment(ApiModel):
    """A directory of manifests and where they are applied."""

    name: Annotated[ObjectName, Field(description="Name, unique in the file.")]
    path: Annotated[RelativePath, Field(description="Directory of its manifests in the repository.")]
    namespace: Annotated[ObjectName, Field(description="Namespace that they are applied to.")]
    context: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=253,
            pattern=r"^[^\s]+$",
            description="Context in the kubeconfig that leads to its cluster; the current one, if not set.",
        ),
    ] = None
    store: Annotated[
        str | None,
        Field(
            max_length=512,
            pattern=r"^[a-z][a-z0-9+]*://[^\s@?#]*$",
            description="What store:// stands for there; the store of all, if not set. It holds no password.",
        ),
    ] = None
    from_: Annotated[
        ObjectName | None,
        Field(alias="from", description="The environment before it, which models are promoted from."),
    ] = None
    follow: Annotated[
        Literal["Allowed", "Refused"] | None,
        Field(
            description="Whether ModelServers may follow a policy instead of a pinned version. If not set: "
            "Refused where models are promoted to, else Allowed."
        ),
    ] = None
    requires: Annotated[
        Requirements | None, Field(description="What must hold before a model comes here.")
    ] = None

    @property
    def may_follow(self) -> bool:
        """Whether a ModelServer may serve what nobody has pinned."""
        return self.follow == "Allowed" if self.follow else self.from_ is None


class Forge(ApiModel):
    """Where pull requests are opened."""

    kind: Annotated[
        Literal["GitHub", "GitLab", "Gitea", "None"],
        Field(description="Which API it has; Gitea is Forgejo's, too. None: branches are pushed, no more."),
    ]
    url: Annotated[
        str | None,
        Field(
            max_length=512,
            pattern=r"^https?://[A-Za-z0-9][-A-Za-z0-9._~/:]*$",
            description="Address of the forge, such as https://git.example.com.",
        ),
    ] = None
    repository: Annotated[
        str | None,
        Field(
            max_length=256,
            pattern=r"^[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)+$",
            description="Owner and name of the repository there, such as team/digits.",
        ),
    ] = None


class Promotion(ApiModel):
    """The environments of a repository in the order in which a model goes through them."""

    api_version: Annotated[
        Literal["mlplane.dev/v1alpha1"], Field(description="API group and version of the kind.")
    ]
    kind: Annotated[Literal["Promotion"], Field(description="Kind of the file.")]
    environments: Annotated[
        tuple[Environment, ...],
        Field(
            min_length=1, max_length=16, description="All environments, in the order of the way of a model."
        ),
    ]
    forge: Annotated[
        Forge | None,
        Field(description="Where pull requests are opened; read from the remote, if not set."),
    ] = None
