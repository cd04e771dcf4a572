"""Where the code of a training is: in a git repository, or in the image that it runs in."""

from typing import Annotated

from pydantic import Field

from mlplane.api.meta import ApiModel, GitSource, rules


class ImageCode(ApiModel):
    """A directory of the image."""

    path: Annotated[
        str,
        Field(
            max_length=256,
            pattern=r"^(/[A-Za-z0-9_][-A-Za-z0-9_.]*)+$",
            description="Directory in the image, such as /app.",
        ),
    ]


class UserCode(ApiModel):
    """A directory with the user's code."""

    model_config = {
        "json_schema_extra": rules(("has(self.git) != has(self.image)", "give exactly one of git and image"))
    }

    git: Annotated[GitSource | None, Field(description="A path of a git repository.")] = None
    image: Annotated[ImageCode | None, Field(description="A directory of the image in spec.image.")] = None
