"""A model that was exported elsewhere: its files, what is left behind, and what is refused."""

import json

import pytest
import torch
from torch import nn

from mlplane.api import ModelVersion
from mlplane.errors import InvalidInput, MlplaneError
from mlplane.gitops.modelversion import imported_version
from mlplane.serving.artifact import load_predictor
from mlplane.store.digest import digest_of
from mlplane.training.export import save_to
from mlplane.training.imported import import_model


@pytest.fixture
def archive(tmp_path):
    """What a person has who has never heard of mlplane: with pickled sample inputs in it."""
    torch.manual_seed(0)
    rows = torch.export.Dim("rows", min=1)
    model = nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=1))
    program = torch.export.export(model, (torch.rand(4, 3),), dynamic_shapes=({0: rows},))
    path = tmp_path / "theirs.pt2"
    torch.export.save(program, path)
    return path


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "version"
    made.mkdir()
    return made


def sample_file(tmp_path, document):
    path = tmp_path / "sample.json"
    path.write_text(json.dumps(document))
    return path


SAMPLE = {"inputs": {"features": [[0.5, 1, 2], [1, 0, 1]]}}


def test_an_archive_becomes_a_version_that_can_be_served(archive, folder, tmp_path):
    signature = import_model(archive, sample_file(tmp_path, SAMPLE), ("scores",), folder)
    assert [(t.name, t.datatype, t.shape) for t in signature.inputs] == [("features", "FP32", (-1, 3))]
    assert [(t.name, t.shape) for t in signature.outputs] == [("scores", (-1, 2))]
    predictor = load_predictor(folder, digest_of(folder))
    (scores,) = predictor([torch.tensor(SAMPLE["inputs"]["features"]).numpy()])
    assert scores.tolist() == json.loads((folder / "sample.json").read_text())["outputs"]["scores"]


def test_the_same_archive_gives_the_same_digest(archive, folder, tmp_path):
    import_model(archive, sample_file(tmp_path, SAMPLE), ("scores",), folder)
    other = tmp_path / "other"
    other.mkdir()
    import_model(archive, sample_file(tmp_path, SAMPLE), ("scores",), other)
    assert digest_of(folder) == digest_of(other)


def test_a_folder_of_the_sdk_is_taken_as_it_is(folder, tmp_path):
    saved = tmp_path / "saved"
    save_to(saved, nn.Linear(3, 2), {"features": torch.rand(4, 3)}, ["scores"])
    import_model(saved, None, (), folder)
    assert digest_of(folder) == digest_of(saved)


@pytest.mark.parametrize(
    ("document", "outputs", "says"),
    [
        ({"inputs": {"features": [[1.0, 2.0]]}}, ("scores",), "does not take the sample"),
        ({"inputs": {}}, ("scores",), "at least one"),
        ({"rows": []}, ("scores",), "is no sample"),
        ({"inputs": {"a": [[1.0, 2, 3]], "b": [[1.0]]}}, ("scores",), "takes 1 inputs; the sample has 2"),
        ({"inputs": {"features": [["low", "high", "low"]]}}, ("scores",), "is no sample"),
        ({"inputs": {"features": [["1", "2", "3"]]}}, ("scores",), "is no sample"),
        ({"inputs": {"features": "123"}}, ("scores",), "is no sample"),
        ({"inputs": {"features": [[None, 1.0, 2.0]]}}, ("scores",), "is no sample"),
        ({"inputs": {"features": [[10**30, 1, 2]]}}, ("scores",), "is no sample"),
        ({"inputs": {"a": [], "b": [[1.0, 2, 3]]}}, ("scores",), "one and the same number of rows"),
        (
            {"inputs": {"my features": [[1.0, 2, 3]]}},
            ("scores",),
            "tensor 'my features': String should match pattern",
        ),
        (SAMPLE, ("a", "b"), "gives 1 outputs; --output names 2"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(archive, folder, tmp_path, document, outputs, says):
    with pytest.raises(InvalidInput, match=says):
        import_model(archive, sample_file(tmp_path, document), outputs, folder)


class Named(nn.Module):
    def forward(self, features):
        return {"scores": features * 2}


class Counted(nn.Module):
    def forward(self, features):
        return features * 2, 7


@pytest.mark.parametrize(("model", "outputs"), [(Named(), ("scores",)), (Counted(), ("scores", "count"))])
def test_a_program_that_gives_something_else_than_tensors_is_refused(folder, tmp_path, model, outputs):
    path = tmp_path / "odd.pt2"
    torch.export.save(torch.export.export(model, (torch.rand(4, 3),)), path)
    sample = {"inputs": {"features": [[0.5, 1, 2]] * 4}}
    with pytest.raises(InvalidInput, match=r"the program gives .*; it must give a tensor, or a list of them"):
        import_model(path, sample_file(tmp_path, sample), outputs, folder)


def test_what_is_no_archive_is_refused(folder, tmp_path):
    path = tmp_path / "model.pt2"
    path.write_bytes(b"not a zip file")
    with pytest.raises(MlplaneError, match="no archive"):
        import_model(path, sample_file(tmp_path, SAMPLE), ("scores",), folder)


def test_an_archive_without_a_sample_says_what_is_missing(archive, folder):
    with pytest.raises(InvalidInput, match="--sample"):
        import_model(archive, None, ("scores",), folder)


def test_the_manifest_is_a_valid_model_version(archive, folder, tmp_path):
    import yaml

    signature = import_model(archive, sample_file(tmp_path, SAMPLE), ("scores",), folder)
    digest = digest_of(folder)
    text = imported_version("theirs", digest, signature, "a notebook of the physics team", "MIT")
    version = ModelVersion.model_validate(yaml.safe_load(text))
    assert version.spec.artifact.digest == digest
    assert version.name == f"theirs-{digest[7:15]}"
    with pytest.raises(InvalidInput, match="model"):
        imported_version("Not A Name", digest, signature, "x", None)
