"""Batches: the same again by seed and epoch, shared out among processes, and whole."""

import random
import signal

import pytest
import torch
from torch import nn

from mlplane import training
from mlplane.errors import InvalidInput
from mlplane.training.context import RUN_ENV, RunContext

ROWS = {"x": torch.arange(22.0).reshape(11, 2), "n": torch.arange(11)}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(5)
    yield
    torch.use_deterministic_algorithms(mode=False)
    torch.backends.cudnn.benchmark = False


def epochs(loader, count=1):
    return [[batch["n"].tolist() for batch in loader] for _ in range(count)]


def flat(batches):
    return [row for batch in batches for row in batch]


def test_each_epoch_has_every_row_once_and_an_order_of_its_own():
    first, second = epochs(training.loader(ROWS, 4), 2)
    assert [len(batch) for batch in first] == [4, 4, 3]
    assert sorted(flat(first)) == sorted(flat(second)) == list(range(11))
    assert first != second


def test_columns_stay_together():
    for batch in training.loader(ROWS, 4):
        assert torch.equal(batch["x"], ROWS["x"][batch["n"]])
        assert batch["n"].dtype == torch.int64


def test_the_same_seed_and_epoch_give_the_same_batches():
    plain = epochs(training.loader(ROWS, 4), 3)
    random.seed(1)
    torch.rand(7)
    assert [epochs(training.loader(ROWS, 4).epoch(e))[0] for e in (0, 1, 2)] == plain
    torch.manual_seed(6)
    assert epochs(training.loader(ROWS, 4)) != plain[:1]


def test_reading_takes_nothing_from_the_random_numbers_of_the_training():
    expected = torch.rand(3)
    torch.manual_seed(5)
    epochs(training.loader(ROWS, 4), 2)
    assert torch.equal(torch.rand(3), expected)


def test_processes_that_read_ahead_give_the_same_batches():
    expected = list(training.loader(ROWS, 4))
    found = list(training.loader(ROWS, 4, workers=2))
    assert len(found) == len(expected) == 3
    for one, other in zip(expected, found, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_tensors_that_are_not_on_the_cpu_come_as_they_are():
    # There is no GPU here; what counts is that they are not on the CPU.
    elsewhere = {name: tensor.to("meta") for name, tensor in ROWS.items()}
    loader = training.loader(elsewhere, 4)
    assert not loader.pin_memory
    assert [batch["x"].device.type for batch in loader] == ["meta"] * 3
    with pytest.raises(InvalidInput, match="has tensors on a GPU, which other processes cannot read"):
        training.loader(elsewhere, 4, workers=1)


def test_without_shuffling_rows_come_as_they_are_and_the_rest_may_be_left_out():
    assert epochs(training.loader(ROWS, 4, shuffle=False)) == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]]
    dropped = training.loader(ROWS, 4, shuffle=False, drop_last=True)
    assert len(dropped) == 2
    assert epochs(dropped, 2) == [[[0, 1, 2, 3], [4, 5, 6, 7]]] * 2


class Noisy(torch.utils.data.Dataset):
    """A dataset of somebody else, which makes each row with random numbers."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.tensor(index), torch.rand(1)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataset_of_torch_is_collated_and_its_randomness_repeats_itself(workers):
    def batches():
        torch.manual_seed(5)
        return [(i.tolist(), r.flatten().tolist()) for i, r in training.loader(Noisy(), 3, workers=workers)]

    first = batches()
    assert sorted(flat(i for i, _ in first)) == list(range(6))
    assert len({number for _, numbers in first for number in numbers}) == 6
    assert batches() == first


def in_process(monkeypatch, rank, processes):
    """As torchrun tells it."""
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(processes))


def test_two_processes_read_parts_of_the_same_batches(monkeypatch):
    whole = epochs(training.loader(ROWS, 4), 2)
    parts = []
    for rank in (0, 1):
        in_process(monkeypatch, rank, 2)
        parts.append(epochs(training.loader(ROWS, 4), 2))
    for together, one, other in zip(whole, *parts, strict=True):
        assert len(one) == len(other) == 3, "who has fewer batches would keep the others waiting"
        assert not set(flat(one)) & set(flat(other))
        for batch, left, right in zip(together, one, other, strict=True):
            assert sorted(left + right) == sorted(batch)


def test_readers_of_different_processes_draw_different_numbers(monkeypatch):
    drawn = []
    for rank in (0, 1):
        in_process(monkeypatch, rank, 2)
        torch.manual_seed(5)
        drawn += flat(noise.flatten().tolist() for _, noise in training.loader(Noisy(), 6, workers=1))
    assert len(set(drawn)) == 6


@pytest.mark.parametrize(
    ("data", "options", "processes", "says"),
    [
        (ROWS, {"batch_size": 0}, 1, r"batch_size=0\): expected at least 1"),
        (ROWS, {"batch_size": 12, "drop_last": True}, 1, "11 rows, and no batch of 12"),
        ({}, {"batch_size": 4}, 1, "same number of rows; it has no tensor"),
        ({"a": torch.zeros(2), "b": torch.zeros(3)}, {"batch_size": 1}, 1, "it has a 2, b 3"),
        ({"a": torch.zeros(0)}, {"batch_size": 1}, 1, "0 rows, and no batch"),
        (ROWS, {"batch_size": 5}, 2, "a batch of 1 rows for 2 processes; .* drop_last=True"),
        (ROWS, {"batch_size": 2, "drop_last": True}, 3, "a batch of 2 rows for 3 processes; .* batch_size"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(monkeypatch, data, options, processes, says):
    in_process(monkeypatch, 0, processes)
    with pytest.raises(InvalidInput, match=says):
        training.loader(data, **options)


def test_a_split_is_read_by_its_columns(run_json, monkeypatch):
    monkeypatch.setenv(RUN_ENV, str(run_json))
    [batch] = training.loader(training.dataset("train"), 8)
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "v": (3, 2),
        "n": (3,),
        "x": (3,),
    }


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Gives a function that makes this process part of a run, which has checkpoints of its own."""
    before = signal.getsignal(signal.SIGTERM)

    def enter(name):
        folder = tmp_path / name
        folder.mkdir()
        context = RunContext(
            dataset="d", folder="", columns=(), splits={}, withheld="", params={}, seed=3, output="",
            checkpoints=str(folder),
        )  # fmt: skip
        (folder / "run.json").write_text(context.model_dump_json(by_alias=True))
        monkeypatch.setenv(RUN_ENV, str(folder / "run.json"))

    yield enter
    signal.signal(signal.SIGTERM, before)


def trained(until):
    """Where a training began, and its weights after so many epochs."""
    training.seed(deterministic=False)
    model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters())
    batches = training.loader(ROWS, 4)
    kept = training.checkpoints(0, model=model, optimizer=optimizer)
    begun = kept.done
    for epoch in range(begun, until):
        for batch in batches.epoch(epoch):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(batch["x"]).squeeze(1), batch["n"].float()).backward()
            optimizer.step()
        kept.save(epoch + 1)
    return begun, nn.utils.parameters_to_vector(model.parameters()).detach()


def test_a_training_that_goes_on_sees_the_batches_that_it_would_have_seen(run):
    run("whole")
    begun, whole = trained(4)
    run("interrupted")
    trained(2)
    went_on, resumed = trained(4)
    assert (begun, went_on) == (0, 2)
    assert torch.equal(resumed, whole)


def gradients(model, batches, parts):
    """What a step is made of, by the documented way to add up gradients."""
    model.zero_grad()
    for batch in batches:
        loss = nn.functional.mse_loss(model(batch["x"]).squeeze(1), batch["n"].float())
        (loss / parts).backward()
    return nn.utils.parameters_to_vector(p.grad for p in model.parameters())


def test_four_batches_of_eight_add_up_to_one_of_thirty_two():
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    rows = {"x": torch.randn(32, 2), "n": torch.randn(32)}
    whole = gradients(model, training.loader(rows, 32), 1)
    added = gradients(model, training.loader(rows, 8), 4)
    torch.testing.assert_close(added, whole)
    assert whole.abs().max() > 0.01


def test_without_a_gpu_all_is_on_the_cpu_in_full_precision(monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert training.device() == torch.device("cpu")
    with training.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_algorithms_need_not_repeat_themselves_if_a_script_says_so():
    training.seed(1)
    assert torch.are_deterministic_algorithms_enabled()
    training.seed(1, deterministic=False)
    assert not torch.are_deterministic_algorithms_enabled()
