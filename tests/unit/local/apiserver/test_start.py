"""What the API server loads before it answers: people and tests wait for each of its starts."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["pydantic", "kubernetes", "mlplane.api"])
def test_the_models_and_the_clients_are_not_loaded(module):
    script = f"import sys, mlplane.local.apiserver.__main__; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
