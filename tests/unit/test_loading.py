"""A model version as an object that predicts: which one is meant, and that its bytes are the right ones."""

import asyncio
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import mlplane
from builders import model_version
from mlplane.errors import InvalidInput, MlplaneError, Terminal
from mlplane.loading import choose
from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in
from mlplane.training.export import save_to

SAMPLE = {"pixels": torch.rand(4, 3)}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store with a real model; gives its folder, the model and its digest."""
    folder = tmp_path_factory.mktemp("load")
    model = nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=1))
    save_to(folder / "saved", model, SAMPLE, ["scores"])
    uri = Store(f"file://{folder}/store").put(folder / "saved", "models", "digits")
    return folder / "store", model, digest_in(uri)


@pytest.fixture
def known(stored, monkeypatch, tmp_path):
    """This process knows the store, and no cluster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPLANE_STORE", f"file://{stored[0]}")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    return stored


def test_a_digest_needs_no_cluster_and_the_answers_are_those_of_the_model(known):
    _, model, digest = known
    loaded = mlplane.load(f"digits@{digest}")
    assert (loaded.name, loaded.digest) == ("digits", digest)
    assert [(t.name, t.datatype, t.shape) for t in loaded.signature.inputs] == [("pixels", "FP32", (-1, 3))]
    rows = np.array([[1, 2, 3], [0.5, 0, 1]])
    expected = model(torch.from_numpy(rows).float()).detach().numpy()
    for given in (rows, rows.astype("float32"), rows.tolist(), torch.from_numpy(rows)):
        answer = loaded.predict({"pixels": given})
        assert list(answer) == ["scores"]
        np.testing.assert_allclose(answer["scores"], expected, rtol=1e-5)
    assert "pixels FP32[-1, 3] -> scores FP32[-1, 2]" in repr(loaded)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "the inputs are none; digits takes pixels"),
        ({"pixel": [[1, 2, 3]]}, "the inputs are pixel; digits takes pixels"),
        ({"pixels": [[1, 2]]}, "pixels"),
        ({"pixels": [["a", "b", "c"]]}, "pixels"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(known, inputs, says):
    with pytest.raises(InvalidInput, match=says):
        mlplane.load(f"digits@{known[2]}").predict(inputs)


def test_bytes_that_are_not_those_of_the_digest_are_not_loaded(known, tmp_path, monkeypatch):
    import shutil

    store, _, digest = known
    shutil.copytree(store, tmp_path / "copy")
    monkeypatch.setenv("MLPLANE_STORE", f"file://{tmp_path}/copy")
    [weights] = (tmp_path / "copy").rglob("sample.json")
    document = json.loads(weights.read_text())
    document["outputs"]["scores"][0][0] += 0.25
    weights.write_text(json.dumps(document))
    with pytest.raises(Terminal, match=r"sample\.json has .* bytes with sha256"):
        mlplane.load(f"digits@{digest}")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("", "is no model version; allowed: MODEL"),
        ("Digits", "is no model version"),
        ("digits@", "is no model version"),
        ("digits@a b", "is no model version"),
        ("digits@sha256:12", "is no digest; allowed: sha256: and 64"),
        (f"digits@sha256:{'0' * 64}", "is not in the store"),
        (f"letters@sha256:{'0' * 64}", "models/letters/.* is not in the store"),
    ],
)
def test_what_is_no_version_is_told(known, reference, says):
    with pytest.raises(MlplaneError, match=says):
        mlplane.load(reference)


def test_without_a_store_it_is_said_how_to_name_one(known, monkeypatch):
    monkeypatch.delenv("MLPLANE_STORE")
    with pytest.raises(InvalidInput, match=r"no store is known: set MLPLANE_STORE, to the URL"):
        mlplane.load(f"digits@{known[2]}")


def test_without_a_cluster_a_name_cannot_be_looked_up_also_in_a_running_loop(known):
    async def in_a_notebook():
        return mlplane.load("digits")

    with pytest.raises(InvalidInput, match="kubeconfig"):
        asyncio.run(in_a_notebook())


def versions():
    def version(name, made, approved):
        return model_version(name, approved=approved, creationTimestamp=f"2026-01-0{made}T00:00:00Z")

    other = model_version("letters-aaaaaaaa", approved=True)
    other["spec"]["model"] = "letters"
    return [
        version("digits-aaaaaaaa", 1, True),
        version("digits-bbbbbbbb", 3, False),
        version("digits-cccccccc", 2, True),
        other,
    ]


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("", "digits-cccccccc"),
        ("digits-aaaaaaaa", "digits-aaaaaaaa"),
        ("aaaaaaaa", "digits-aaaaaaaa"),
        ("bbbbbbbb", "digits-bbbbbbbb"),
    ],
)
def test_the_newest_approved_version_or_any_that_is_named(version, name):
    chosen = choose(versions(), "digits", version)
    assert (chosen.name, chosen.uri[:20]) == (name, "store://models/digit")


@pytest.mark.parametrize(
    ("model", "version", "says"),
    [
        (
            "digits",
            "dddddddd",
            "no ModelVersion 'dddddddd' of the model 'digits' .*: digits-bbbbbbbb, digits-c",
        ),
        ("letters", "digits-aaaaaaaa", "there are: letters-aaaaaaaa"),
        ("faces", "", "no approved ModelVersion of the model 'faces' .*; there are: none"),
    ],
)
def test_a_version_that_is_not_there_is_told_with_those_that_are(model, version, says):
    with pytest.raises(Terminal, match=says):
        choose(versions(), model, version)


def test_importing_mlplane_and_its_sdk_imports_nothing_heavy():
    heavy = {"torch", "numpy", "kubernetes", "aiohttp"}
    code = f"import sys, mlplane.training; print(sorted({heavy} & {{*sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
