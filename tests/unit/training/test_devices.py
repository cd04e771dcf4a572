"""Whether a script has the GPUs that its run asks for, and how it ends for reasons that are not its own."""

import pytest
import torch

from mlplane.training.endings import GPU_FAULT, GPU_MEMORY, SURROUNDINGS, exit_code

ASKS = "from mlplane import training; print(training.device().type)"


def test_a_script_that_lacks_its_gpus_ends_and_says_why(script):
    # More than any machine has that these tests run on.
    done = script(ASKS, MLPLANE_GPUS="65")
    assert done.code == SURROUNDINGS
    assert done.out == ""
    last = done.err.splitlines()[-1]
    assert f"the run asks for GPUs: 65; torch {torch.__version__} sees " in last
    assert torch.version.cuda or "it was built without CUDA: spec.image has to name" in last


def test_a_script_whose_run_asks_for_none_has_the_cpu(script):
    done = script(ASKS, CUDA_VISIBLE_DEVICES="")
    assert (done.code, done.out) == (0, "cpu\n"), done.err


def test_an_error_is_printed_and_ends_the_script_with_its_code(script):
    done = script(f"{ASKS}; import torch; raise torch.OutOfMemoryError('CUDA out of memory')")
    assert done.code == GPU_MEMORY
    assert done.err.splitlines()[-1] == "torch.OutOfMemoryError: CUDA out of memory"
    assert script(f"{ASKS}; raise ValueError").code == 1
    assert script(f"{ASKS}; raise SystemExit(9)").code == 9


@pytest.mark.parametrize(("of_cuda", "code"), [(214, GPU_FAULT), (100, GPU_FAULT), (700, 1), (710, 1)])
def test_errors_of_the_gpu_are_told_from_those_of_the_code(of_cuda, code):
    # As torch raises them on a machine with a GPU.
    error = torch.AcceleratorError("CUDA error")
    error.error_code = of_cuda
    assert exit_code(error) == code
