"""What is saved is a copy of the model, made without room for one where the model lies."""

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mlplane.training.export import copy_on_cpu


class Cloned(TorchDispatchMode):
    """Notes the shapes of what is cloned. It stands for a full GPU: a clone lies where its tensor does."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        if operation is torch.ops.aten.clone.default:
            self.shapes.append(tuple(arguments[0].shape))
        return operation(*arguments, **(keywords or {}))


def model():
    """A part that is frozen, a buffer, and an embedding that shares its weight with the output."""
    made = nn.ModuleDict(
        {"words": nn.Embedding(5, 3), "norm": nn.BatchNorm1d(3), "out": nn.Linear(3, 5, bias=False)}
    )
    made["out"].weight = made["words"].weight
    made["norm"].requires_grad_(False)
    return made


def test_the_copy_is_the_model_and_shares_nothing_with_it():
    original = model()
    original["out"](torch.ones(1, 3)).sum().backward()
    copied = copy_on_cpu(original)
    assert copied.training
    assert {n: p.requires_grad for n, p in copied.named_parameters()} == {
        "words.weight": True,
        "norm.weight": False,
        "norm.bias": False,
    }
    assert copied["out"].weight is copied["words"].weight
    before = {name: tensor.clone() for name, tensor in copied.state_dict().items()}
    with torch.no_grad():
        for tensor in original.state_dict().values():
            tensor.add_(1)
    assert all(torch.equal(before[name], tensor) for name, tensor in copied.state_dict().items())
    assert not any(torch.equal(before[name], tensor) for name, tensor in original.state_dict().items())


def test_no_weight_is_cloned_where_it_lies():
    original = model()
    with Cloned() as cloned:
        copy_on_cpu(original)
    assert cloned.shapes == []
    with Cloned() as cloned:
        torch.clone(original["norm"].bias)
    assert cloned.shapes == [(3,)]
