"""The predictor runtime as a real process, seen through HTTP."""

import json
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

ROW = [0.5] * 64
INPUT = {"name": "image", "shape": [1, 64], "datatype": "FP32", "data": ROW}
V1 = "/v1/models/digits:predict"
V2 = "/v2/models/digits/infer"


@pytest.fixture(scope="module")
def sample(digits_model: Path) -> dict[str, Any]:
    return json.loads((digits_model / "sample.json").read_text())


def test_v1_gives_the_recorded_outputs_for_the_recorded_inputs(digits: Any, sample: dict[str, Any]) -> None:
    got = digits.client.post(V1, json={"instances": sample["inputs"]["image"]})
    assert got.status_code == 200
    want = [pytest.approx(row, abs=1e-5) for row in sample["outputs"]["logits"]]
    assert got.json() == {"predictions": want}


def test_v2_gives_the_recorded_outputs_for_the_recorded_inputs(digits: Any, sample: dict[str, Any]) -> None:
    body = {"id": "seven", "inputs": [{**INPUT, "shape": [3, 64], "data": sample["inputs"]["image"]}]}
    got = digits.client.post(V2, json=body).json()
    flat = [number for row in sample["outputs"]["logits"] for number in row]
    assert got["id"] == "seven"
    assert got["model_name"] == "digits"
    assert got["outputs"] == [
        {
            "name": "logits",
            "shape": [3, 10],
            "datatype": "FP32",
            "parameters": None,
            "data": pytest.approx(flat, abs=1e-5),
        }
    ]


def test_binary_tensors_of_v2_are_understood(digits: Any) -> None:
    import numpy as np

    raw = np.asarray(ROW, np.float32).tobytes()
    head = {**INPUT, "parameters": {"binary_data_size": len(raw)}}
    del head["data"]
    text = json.dumps({"inputs": [head]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(text)), "Content-Type": "application/octet-stream"}
    got = digits.client.post(V2, content=text + raw, headers=headers)
    want = digits.client.post(V1, json={"instances": [ROW]}).json()["predictions"][0]
    assert got.json()["outputs"][0]["data"] == pytest.approx(want)


def test_a_content_type_with_charset_is_json_as_well(digits: Any) -> None:
    body = json.dumps({"instances": [ROW]})
    got = digits.client.post(V1, content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert len(got.json()["predictions"]) == 1


def test_metadata_tells_the_signature(digits: Any) -> None:
    got = digits.client.get("/v2/models/digits").json()
    assert got["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 64]}]
    assert got["outputs"] == [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]


@pytest.mark.parametrize(
    ("body", "want"),
    [
        ({"foo": [ROW]}, 'the body has "foo"; allowed: "instances"'),
        ([ROW], "the body is a list; allowed: an object"),
        ({"instances": 3}, '"instances" is a number; allowed: a list with at least one row'),
        ({"instances": []}, '"instances" is an empty list; allowed: a list with at least one row'),
        ({"instances": [ROW[1:]]}, "found shape [1, 63]; allowed: [1 to 64, 64]"),
        ({"instances": [ROW] * 65}, "found shape [65, 64]; allowed: [1 to 64, 64]"),
        ({"instances": [ROW, ROW[1:]]}, "rows have different lengths; allowed: shape [-1, 64]"),
        ({"instances": [["a"] * 64]}, "found strings; allowed: numbers (FP32)"),
        ({"instances": [[True] * 64]}, "found booleans; allowed: numbers (FP32)"),
        ({"instances": [[None] * 64]}, "found null, objects or very large numbers; allowed: numbers (FP32)"),
        ({"instances": [[1e300] * 64]}, "found a number out of range; allowed: FP32"),
        ({"instances": [{"pixels": ROW}]}, '"instances"[0] has "pixels"; allowed: exactly "image"'),
        ({"instances": [{"image": ROW}, ROW]}, '"instances"[1] has a list; allowed: exactly "image"'),
    ],
)
def test_a_bad_v1_request_is_told_what_was_found_and_what_is_allowed(
    digits: Any, body: Any, want: str
) -> None:
    got = digits.client.post(V1, json=body)
    assert got.status_code == 400
    assert want in got.json()["error"]


@pytest.mark.parametrize(
    ("body", "want"),
    [
        ({}, "the body is no inference request: inputs: Field required"),
        ({"inputs": [{**INPUT, "name": "x"}]}, 'found inputs "x"; allowed: each of "image" once'),
        ({"inputs": []}, 'found inputs none; allowed: each of "image" once'),
        ({"inputs": [INPUT, INPUT]}, 'found inputs "image", "image"; allowed: each of "image" once'),
        ({"inputs": [{**INPUT, "datatype": "FP64"}]}, "found datatype 'FP64'; allowed: 'FP32'"),
        ({"inputs": [{**INPUT, "shape": [64]}]}, "found shape [64]; allowed: [1 to 64, 64]"),
        ({"inputs": [{**INPUT, "shape": [2, 64]}]}, "found 64 numbers for shape [2, 64]"),
        ({"inputs": [{**INPUT, "shape": [-1, 64]}]}, "found 64 numbers for shape [-1, 64]"),
        ({"inputs": [{**INPUT, "data": "abc"}]}, "inputs.0.data: Input should be a valid list"),
        ({"inputs": [{**INPUT, "data": ["a"] * 64}]}, "found strings; allowed: numbers (FP32)"),
        ({"inputs": [INPUT], "outputs": [{"name": "x"}]}, 'found requested outputs "x"; allowed: "logits"'),
    ],
)
def test_a_bad_v2_request_is_told_what_was_found_and_what_is_allowed(
    digits: Any, body: Any, want: str
) -> None:
    got = digits.client.post(V2, json=body)
    assert got.status_code == 400
    assert want in got.json()["error"]


def test_a_body_that_is_not_json_is_refused(digits: Any) -> None:
    for content_type in ("application/json", "application/json; charset=utf-8"):
        got = digits.client.post(V1, content=b"{nope", headers={"Content-Type": content_type})
        assert got.status_code == 400
        assert "unexpected character" in got.json()["error"]


def test_a_truncated_binary_request_is_the_clients_mistake(digits: Any) -> None:
    text = json.dumps({"inputs": [{**INPUT, "data": None, "parameters": {"binary_data_size": 8}}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(text)), "Content-Type": "application/octet-stream"}
    assert digits.client.post(V2, content=text, headers=headers).status_code == 400


def test_no_client_can_take_the_model_away(digits: Any) -> None:
    assert digits.client.post("/v2/repository/models/digits/unload").status_code == 501
    assert digits.client.get("/v2/models/digits/ready").status_code == 200


def test_request_data_never_reaches_the_log(digits: Any) -> None:
    secret = "canary-5309"
    digits.client.post(V1, json={"instances": [[secret] * 64]})
    digits.client.post(V1, json={"instances": [ROW], secret: 1})
    digits.client.post(V2, json={"inputs": [{**INPUT, "data": secret}]})
    digits.client.post(V2, json={"inputs": [{**INPUT, "name": secret}]})
    assert secret not in digits.text()
    assert "Traceback" not in digits.text()


def test_rows_may_be_objects_and_answers_name_the_outputs(
    pair_model: Path, start_server: Callable[..., Any]
) -> None:
    server = start_server(pair_model, name="pair").wait_ready("pair")
    rows = [{"left": [1.5, 2.0], "right": [2, 3]}, {"left": [0, 1], "right": [4, 5]}]
    got = server.client.post("/v1/models/pair:predict", json={"instances": rows}).json()
    assert got == {
        "predictions": [
            {"total": [3.5, 5.0], "product": [3.0, 6.0]},
            {"total": [4.0, 6.0], "product": [0.0, 5.0]},
        ]
    }
    fractions = [{"left": [1, 2], "right": [0.5, 1]}]
    got = server.client.post("/v1/models/pair:predict", json={"instances": fractions})
    assert "input 'right': found fractions; allowed: integers (INT64)" in got.json()["error"]
    got = server.client.post("/v1/models/pair:predict", json={"instances": [[1, 2]]})
    assert 'rows are a list; allowed: objects with "left", "right"' in got.json()["error"]


def test_sigterm_answers_the_requests_that_have_begun(
    digits_model: Path, start_server: Callable[..., Any]
) -> None:
    server = start_server(digits_model).wait_ready()
    answers: list[int] = []
    sending = threading.Event()

    def body() -> Any:
        # A request whose body arrives slowly is in flight when the signal comes.
        yield b'{"instances": ['
        sending.set()
        stopping.wait(30)
        yield json.dumps(ROW).encode() + b"]}"

    def send() -> None:
        with httpx.Client() as client:
            got = client.post(f"http://127.0.0.1:{server.port}{V1}", content=body(), headers=JSON, timeout=30)
            answers.append(got.status_code)

    stopping = threading.Event()
    thread = threading.Thread(target=send)
    thread.start()
    sending.wait(30)
    # The server has the first part: only then can it answer a request that came later.
    assert server.client.get("/v2/health/live").status_code == 200
    server.process.send_signal(signal.SIGTERM)
    stopping.set()
    thread.join(30)
    assert answers == [200]
    assert server.wait_exit() == 0


JSON = {"Content-Type": "application/json"}


def test_other_bytes_than_those_asked_for_are_not_loaded(
    digits_model: Path, start_server: Callable[..., Any]
) -> None:
    want = "sha256:" + "0" * 64
    server = start_server(digits_model, digest=want)
    assert server.wait_exit() == 1
    last = server.text().splitlines()[-1]
    assert last.startswith("mlplane serving: the files in ")
    assert f"allowed: {want}" in last


def test_one_changed_byte_is_not_loaded(
    digits_model: Path, tmp_path: Path, start_server: Callable[..., Any]
) -> None:
    from mlplane.store.digest import digest_of

    directory = shutil.copytree(digits_model, tmp_path / "model")
    archive = directory / "model.pt2"
    content = bytearray(archive.read_bytes())
    content[5000] ^= 1
    archive.write_bytes(content)
    assert start_server(directory, digest=digest_of(digits_model)).wait_exit() == 1


def test_a_server_without_a_digest_loads_nothing(
    digits_model: Path, start_server: Callable[..., Any]
) -> None:
    server = start_server(digits_model, digest="")
    assert server.wait_exit() == 1
    assert "MLPLANE_MODEL_DIGEST is not set" in server.text()


def test_a_model_that_does_not_give_its_sample_again_is_never_ready(
    digits_model: Path, tmp_path: Path, start_server: Callable[..., Any], sample: dict[str, Any]
) -> None:
    directory = shutil.copytree(digits_model, tmp_path / "model")
    changed = {"inputs": sample["inputs"], "outputs": {"logits": [[1.0] * 10] * 3}}
    (directory / "sample.json").write_text(json.dumps(changed))
    server = start_server(directory)
    assert server.wait_exit() == 1
    assert "output 'logits' differs from sample.json" in server.text()


@pytest.mark.parametrize(
    ("field", "value", "want"),
    [
        ("shape", [-1, 63], "input 'image' of signature.json is FP32 of shape [-1, 63]"),
        ("datatype", "INT64", "input 'image' of signature.json is INT64"),
        ("shape", [-1], "input 'image' of signature.json is FP32 of shape [-1]"),
    ],
)
def test_a_signature_that_is_not_the_programs_is_refused(
    digits_model: Path, tmp_path: Path, start_server: Callable[..., Any], field: str, value: Any, want: str
) -> None:
    directory = shutil.copytree(digits_model, tmp_path / "model")
    signature = json.loads((directory / "signature.json").read_text())
    signature["inputs"][0][field] = value
    (directory / "signature.json").write_text(json.dumps(signature))
    server = start_server(directory)
    assert server.wait_exit() == 1
    assert want in server.text()


def test_an_archive_with_a_pickle_is_refused_and_the_pickle_never_runs(
    digits_model: Path, tmp_path: Path, start_server: Callable[..., Any]
) -> None:
    import io
    import os
    import pickle
    import zipfile

    canary = tmp_path / "canary"

    class Canary:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(canary),))

    directory = shutil.copytree(digits_model, tmp_path / "model")
    archive = directory / "model.pt2"
    source = zipfile.ZipFile(io.BytesIO(archive.read_bytes()))
    with zipfile.ZipFile(archive, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename.endswith("sample_inputs/model.pt"):
                content = pickle.dumps(Canary())
            target.writestr(info, content)
    server = start_server(directory)
    assert server.wait_exit() == 1
    assert "sample_inputs/model.pt is a pickle" in server.text().splitlines()[-1]
    assert not canary.exists()
