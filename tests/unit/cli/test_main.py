import subprocess
import sys

import pytest
from typer.testing import CliRunner

import mlplane
from mlplane.cli import main

COMMANDS = (
    *("demo", "init", "up", "validate", "plan", "lock", "push", "render", "schema"),
    *("status", "logs", "metrics", "run", "predict", "controller"),
)
HEAVY = ("kopf", "torch", "kserve", "kubernetes", "aiohttp", "numpy", "pydantic", "mlplane.local.up")


@pytest.fixture
def mlplane_():
    """The command as a function of its arguments."""
    return lambda *arguments, **more: CliRunner().invoke(main.app, list(arguments), **more)


def test_help_names_every_command(mlplane_):
    text = mlplane_("--help").output
    assert [command for command in COMMANDS if f" {command} " not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(mlplane_, command):
    done = mlplane_(command, "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_help_imports_nothing_heavy():
    ask = (
        "import sys\nfrom mlplane.cli import main\n"
        "try: main.app(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_version_is_printed(mlplane_):
    assert mlplane_("--version").output == f"mlplane {mlplane.__version__}\n"


def test_an_error_is_one_line_and_no_traceback(mlplane_, tmp_path):
    done = mlplane_("init", str(tmp_path / "new"), "--template", "nosuch")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: there is no template 'nosuch'")
    assert done.stderr.count("\n") == 1


def test_a_request_that_is_no_json_is_refused(mlplane_):
    done = mlplane_("predict", "digits", "--input", "-", input="{")
    assert done.exit_code == 1
    assert "is not JSON" in done.stderr


def test_a_kubeconfig_that_is_not_there_is_told(mlplane_, tmp_path):
    done = mlplane_("status", "--kubeconfig", str(tmp_path / "nosuch"))
    assert done.exit_code == 1
    assert "no such file" in done.stderr


def test_lock_outside_of_a_repository_is_told(mlplane_, tmp_path):
    done = mlplane_("lock", str(tmp_path))
    assert done.exit_code == 1
    assert "is in no git repository" in done.stderr
