"""The end of ``mlplane demo``: the image, the model's answer, the true label, and what to try next. Pure."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from mlplane.cli import digit

REQUEST = "request.json"
"""File in the folder of the demonstration with the request that was made."""


@dataclass(frozen=True)
class Answer:
    """A prediction and what it was made from."""

    url: str
    name: str
    pixels: list[float]
    scores: list[float]
    label: int

    @property
    def request(self) -> dict[str, list[list[float]]]:
        """The body of the request."""
        return {"instances": [self.pixels]}

    @property
    def is_right(self) -> bool:
        """Whether the highest score is that of the true label."""
        return self.scores.index(max(self.scores)) == self.label


def report(answer: Answer, seconds: float, folder: Path | None) -> RenderableType:
    """What the demonstration ends with.

    Args:
        answer: The prediction.
        seconds: Time from the commit to the prediction.
        folder: Where the plane goes on to live; None if it is gone now.
    """
    total = Text.assemble("from commit to prediction: ", (f"{seconds:.1f} s", "bold"))
    panel = Panel(
        digit.verdict(answer.pixels, answer.scores, answer.label),
        title="a record that training has not seen",
        title_align="left",
        expand=False,
        padding=(1, 2),
    )
    served = Text("served at ").append(answer.url, "bold cyan")
    more = _next(answer, folder) if folder else [Text("`mlplane demo --keep` leaves it up to try", "dim")]
    return Group(Text(""), total, Text(""), panel, served, *more)


def _next(answer: Answer, folder: Path) -> list[Text]:
    """Commands to copy; never wrapped, so that they can be."""
    state, repo, request = folder / "state", folder / "digits", folder / REQUEST
    commands = (
        f"export KUBECONFIG={state / 'kubeconfig'}",
        "mlplane status",
        "kubectl get mlplane",
        f"mlplane predict {answer.name} --input {request}",
        f"curl -s {answer.url}/v1/models/{answer.name}:predict -d @{request}",
        f"cd {repo}  # change train/train.py and commit; rename the run in dev/; mlplane lock --commit",
    )
    again = f"mlplane up --state {state} --repo {repo} --path dev --revision main"
    return [
        Text("\ntry in another terminal:"),
        *(_command(command) for command in commands),
        Text("\nCtrl-C stops the plane and keeps its folder; to go on after that:"),
        _command(again),
    ]


def _command(text: str) -> Text:
    return Text(f"  {text}", "cyan", no_wrap=True, overflow="ignore")
