"""The command ``mlplane``: one file a command; this one only names them.

The modules imported here import nothing heavy themselves, so that ``mlplane --help`` answers at once: what a
command needs is imported when it runs.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

import mlplane
from mlplane.cli.card import card
from mlplane.cli.check import check
from mlplane.cli.compare import compare
from mlplane.cli.controller import controller
from mlplane.cli.demo import demo
from mlplane.cli.history import history
from mlplane.cli.imports import import_
from mlplane.cli.init import init
from mlplane.cli.lineage import lineage
from mlplane.cli.lock import lock
from mlplane.cli.logs import logs
from mlplane.cli.metrics import metrics
from mlplane.cli.plan import plan
from mlplane.cli.predict import predict
from mlplane.cli.profiles import profile
from mlplane.cli.promote import promote
from mlplane.cli.push import push
from mlplane.cli.render import render
from mlplane.cli.rollback import rollback
from mlplane.cli.runs import runs
from mlplane.cli.schema import schema
from mlplane.cli.status import status
from mlplane.cli.store import store
from mlplane.cli.up import up
from mlplane.cli.validate import validate
from mlplane.errors import MlplaneError

_PANELS = {
    "Start": (demo, init, up),
    "Repository": (validate, plan, lock, push, render, schema, import_),
    "Promotion": (check, promote, rollback, history, lineage),
    "Cluster": (status, logs, metrics, predict, profile, card, compare),
    "Operation": (controller,),
}


class _Commands(TyperGroup):
    """The commands; an error that mlplane raised on purpose is one line, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TyperException as error:
            error.exit_code = 1  # for 2 is what `mlplane plan` says where something would change
            raise
        except MlplaneError as error:
            typer.secho(f"error: {error}", fg="red", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            sys.stderr.close()  # the reader has seen enough, as in `mlplane logs … | head`
            raise typer.Exit(0) from None


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)
for panel, commands in _PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(runs, name="run", rich_help_panel="Repository")
app.add_typer(store, name="store", rich_help_panel="Operation")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlplane {mlplane.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Machine learning by commits: train, judge and serve models declared in a git repository."""


if __name__ == "__main__":
    app()
