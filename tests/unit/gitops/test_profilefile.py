"""An operator's profile as a file."""

import pytest

from mlplane.capacity import Profile
from mlplane.errors import InvalidInput
from mlplane.gitops.profilefile import read_profile


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        file = tmp_path / "profile.yaml"
        file.write_text(text)
        return file

    return write


@pytest.mark.parametrize("text", ["", "# nothing\n", "pools: []\n"])
def test_a_file_that_says_nothing_is_the_empty_profile(written, text):
    assert read_profile(written(text)) == Profile()


def test_amounts_may_be_numbers_or_texts(written):
    [pool] = read_profile(written("pools: [{name: a, gpusPerNode: 8, cpu: 4, sharedMemory: 16Gi}]")).pools
    assert (pool.cpu, pool.shared_memory, pool.gpu_resource) == (4, "16Gi", "nvidia.com/gpu")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpusOnCPU: true\n", ':1:1: gpusOnCPU: there is no field "gpusOnCPU" here'),
        ("pools:\n- name: a\n", ":2:3: pools[0].gpusPerNode: is missing"),
        ("pools:\n- name: a\n  gpusPerNode: '8'\n", ":3:16: pools[0].gpusPerNode: Input should be a valid"),
        ("pools:\n- name: a\n  gpusPerNode: 8\n  cpu: much\n", ":4:8: pools[0].cpu: is no amount; write"),
        ("pools:\n- name: a\n  gpusPerNode: 65\n", "less than or equal to 64 (found 65)"),
        ("pendingDeadlineSeconds: 0\n", "greater than or equal to 1 (found 0)"),
        ("pools: [{name: a, gpusPerNode: 1}, {name: a, gpusPerNode: 2}]", "the name a is given twice"),
        ("pools: [{name: a, gpusPerNode: 1}]\ngpusOnCpu: true\n", "leave out pools or gpusOnCpu"),
        (
            "pools:\n- name: a\n  gpusPerNode: 1\n  tolerations:\n  - {key: a, operator: Exists, value: b}\n",
            ":5:5: pools[0].tolerations[0]: the operator Exists takes no value",
        ),
        ("- a\n", ":1:1: a manifest is a mapping"),
        ("pools: [\n", ":2:1: not valid YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(written, text, said):
    file = written(text)
    with pytest.raises(InvalidInput) as caught:
        read_profile(file)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(written):
    with pytest.raises(InvalidInput) as caught:
        read_profile(written("queue: .\npools: [{name: A, gpusPerNode: 0}]\n"))
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_profile(tmp_path / "none.yaml")
