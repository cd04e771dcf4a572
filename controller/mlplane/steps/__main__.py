"""``python -m mlplane.steps {transform,ingest,preflight,train,select,evaluate,publish,verify}``.

Exit codes, which ``adapters.steptemplates`` retries by and ``adapters.failures`` tells classes of failure by:

0  done, also when a gate failed
1  a person must change code or manifest (also a wrong command line, and what Python itself ends with)
2  another try may help: git or the store fails
3  the data do not hold what they are asked for
4  stopped from outside: the pod is to go, and what it did goes on in another one
5  what is installed or stored is not as it has to be, and no other try will help
6  the script was killed, and nobody says why: mostly memory was short; another try may help
7  the script needs more memory than its GPU has
8  the GPU of the script fails; another try may help, for it may get another one

The last line on stderr says what and where: ``mlplane STEP: one sentence``.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mlplane import tasks
from mlplane.errors import (
    BadData,
    GpuFault,
    GpuMemoryShort,
    InvalidInput,
    Killed,
    MlplaneError,
    Stopped,
    SystemFault,
    Transient,
)
from mlplane.steps.workspace import Workspace

TERMINAL = 1
_CODES: dict[type[MlplaneError], int] = {
    Stopped: 4,
    Killed: 6,
    GpuFault: 8,
    Transient: 2,
    BadData: 3,
    SystemFault: 5,
    GpuMemoryShort: 7,
}
"""The first that an error is one of."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A wrong command line will not get right by itself: argparse would exit with 2."""
        self.exit(TERMINAL, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a step; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        run_step(options, Workspace.of(os.environ))
    except MlplaneError as error:
        sys.stdout.flush()
        text = " ".join(str(error).split())
        sys.stderr.write(f"mlplane {options.step}: {text}\n")
        return next((code for kind, code in _CODES.items() if isinstance(error, kind)), TERMINAL)
    return 0


def run_step(options: argparse.Namespace, workspace: Workspace) -> None:
    """Run the chosen step. Each is imported when it is its turn: some need torch, some must be quick."""
    match options.step:
        case tasks.TRANSFORM:
            from mlplane.steps.transform import transform

            transform(workspace)
        case tasks.INGEST:
            from mlplane.steps.ingest import ingest

            ingest(workspace, options.raw)
        case tasks.PREFLIGHT:
            from mlplane.steps.preflight import preflight

            preflight(workspace)
        case tasks.TRAIN:
            from mlplane.steps.train import train

            train(workspace, options.trial)
        case tasks.SELECT:
            from mlplane.steps.choosing import select

            select(workspace, options.keys)
        case tasks.EVALUATE:
            from mlplane.steps.evaluate import evaluate

            evaluate(workspace, _model(options), options.key)
        case tasks.PUBLISH:
            from mlplane.steps.publish import publish

            publish(workspace, options.key, _model(options), options.report)
        case tasks.VERIFY:
            from mlplane.steps.verify import verify

            verify(workspace)


def _model(options: argparse.Namespace) -> str:
    """The model of this run: trained now, or found by preflight where training was left out."""
    model: str = options.model or options.cached_model
    if not model:
        raise InvalidInput("neither --model nor --cached-model names a model; did the step train run?")
    return model


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m mlplane.steps", description="A step of an mlplane workflow.")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    steps.add_parser(tasks.TRANSFORM, help="run the user's script that makes a dataset of others")
    ingest = steps.add_parser(tasks.INGEST, help="store a dataset version")
    ingest.add_argument("--raw", default="", metavar="URI", help="what transform answered")
    steps.add_parser(tasks.PREFLIGHT, help="check what a run needs; find out whether it was trained before")
    train = steps.add_parser(tasks.TRAIN, help="run the user's script and store its model")
    train.add_argument("--trial", type=int, metavar="N", help="which trial of a sweep; the first is 1")
    select = steps.add_parser(tasks.SELECT, help="choose the best trial of a sweep")
    select.add_argument("--keys", required=True, metavar="JSON", help="what preflight answered")
    evaluate = steps.add_parser(tasks.EVALUATE, help="judge a stored model")
    publish = steps.add_parser(tasks.PUBLISH, help="verify model and report, and tell the controller")
    steps.add_parser(tasks.VERIFY, help="compare a recorded outcome with its report")
    evaluate.add_argument("--key", default="", metavar="DIGEST", help="key of the run that made the model")
    publish.add_argument("--key", required=True, metavar="DIGEST", help="run key")
    for step in (evaluate, publish):
        step.add_argument("--model", default="", metavar="DIGEST", help="what train answered")
        step.add_argument("--cached-model", default="", metavar="DIGEST", help="what preflight answered")
    publish.add_argument("--report", required=True, metavar="DIGEST", help="what evaluate answered")
    return parser


if __name__ == "__main__":
    sys.exit(main())
