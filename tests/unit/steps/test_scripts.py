"""What a script is started with, and what its end means."""

import json

import pytest

from mlplane.cpus import usable_cpus
from mlplane.errors import GpuFault, GpuMemoryShort, SystemFault, Terminal
from mlplane.steps.script import run_python


@pytest.fixture
def run(tmp_path):
    """Runs a line of Python as a user's code."""

    def running(line, **told):
        run_python(["-c", line], "script train.py", tmp_path, told, tmp_path / "scratch")

    return running


def environment(run, tmp_path):
    run(f"import json, os; json.dump(dict(os.environ), open({str(tmp_path / 'env')!r}, 'w'))")
    return json.loads((tmp_path / "env").read_text())


def test_what_is_set_for_gpus_reaches_the_script_and_no_credential_does(run, tmp_path, monkeypatch):
    for name in ("NCCL_DEBUG", "CUDA_LAUNCH_BLOCKING", "TORCH_LOGS", "MLPLANE_GPUS", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    found = environment(run, tmp_path)
    kept = {"NCCL_DEBUG", "CUDA_LAUNCH_BLOCKING", "TORCH_LOGS", "MLPLANE_GPUS"}
    assert kept <= found.keys()
    assert "AWS_SECRET_ACCESS_KEY" not in found


def test_numeric_libraries_get_the_cpus_of_the_container(run, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert environment(run, tmp_path)["OMP_NUM_THREADS"] == str(usable_cpus())
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert environment(run, tmp_path)["OMP_NUM_THREADS"] == "3"


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (1, Terminal, "failed with exit code 1"),
        (76, GpuMemoryShort, "ran out of the GPU's memory"),
        (77, GpuFault, "was ended by a fault of its GPU"),
        (78, SystemFault, "failed with exit code 78"),
    ],
)
def test_the_end_of_a_script_says_who_can_mend_it(run, code, error, said):
    with pytest.raises(error, match=f"script train.py {said}; its last lines say why") as caught:
        run(f"raise SystemExit({code})")
    assert type(caught.value) is error
