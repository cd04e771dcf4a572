"""No archive may run code that came with it: each disguise is refused by the inspection.

The canary is a directory: whatever creates it has executed something. Where torch alone would obey an
archive, a test shows that too, so that no refusal is one for a wrong reason.
"""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlplane.errors import Terminal
from mlplane.store.archive import inspect

PROGRAM = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"
Members = dict[str, bytes]


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with a guard, a dynamic batch, a buffer and a dict as output."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)
            self.scale = torch.tensor([1.0, 2.0, 3.0, 4.0])

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
            joined = torch.cat([self.linear(x), y * self.scale], dim=1)
            return {"out": torch.einsum("bi,bi->b", joined, joined).reshape(x.shape[0], -1)}

    batch = torch.export.Dim("batch", min=1, max=64)
    example = (torch.rand(3, 4), torch.rand(3, 4))
    program = torch.export.export(Net().eval(), example, dynamic_shapes=({0: batch}, {0: batch}))
    program._example_inputs = None
    path = tmp_path_factory.mktemp("archive") / "model.pt2"
    torch.export.save(program, path)
    return path


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members, root: str = "model") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{root}/{name}", content)
    return path


def rewritten(members: Members, name: str, change: Callable[[Any], None]) -> Members:
    document = json.loads(members[name])
    change(document)
    return members | {name: json.dumps(document).encode()}


def pickled(canary: Path) -> bytes:
    class Canary:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(canary),))

    content = pickle.dumps(Canary())
    # Torch wants whole elements before it looks further; pickle does not mind what follows its end.
    return content + bytes(-len(content) % 16)


def torch_saved(canary: Path) -> bytes:
    import torch

    class Canary:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(canary),))

    buffer = io.BytesIO()
    torch.save(Canary(), buffer)
    return buffer.getvalue()


def code(canary: Path) -> str:
    return f"__import__('os').mkdir({str(canary)!r})"


def sample_inputs(members: Members, canary: Path) -> Members:
    return members | {"data/sample_inputs/model.pt": torch_saved(canary)}


def pickled_weight(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        document["config"]["linear.weight"]["use_pickle"] = True

    return rewritten(members, WEIGHTS, change) | {"data/weights/weight_0": torch_saved(canary)}


def pickled_constant(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        document["config"]["scale"]["use_pickle"] = True

    return rewritten(members, CONSTANTS, change) | {"data/constants/tensor_0": torch_saved(canary)}


def opaque_object(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        document["config"]["scale"] = {
            "path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None,
        }  # fmt: skip

    return rewritten(members, CONSTANTS, change) | {"data/constants/opaque_obj_0": pickled(canary)}


def raw_looking_object(members: Members, canary: Path) -> Members:
    """As above, with the flag that says that nothing is pickled: torch goes by the file's name."""

    def change(document: Any) -> None:
        document["config"]["extra"] = {**document["config"]["scale"], "path_name": "opaque_obj_0"}

    return rewritten(members, CONSTANTS, change) | {"data/constants/opaque_obj_0": pickled(canary)}


def legacy_weights(members: Members, canary: Path) -> Members:
    return members | {"data/weights/model.pt": torch_saved(canary)}


def legacy_constants(members: Members, canary: Path) -> Members:
    return members | {"data/constants/model.pt": torch_saved(canary)}


def second_model(members: Members, canary: Path) -> Members:
    other = {
        "models/a.json": members[PROGRAM],
        "data/weights/a_weights_config.json": members[WEIGHTS],
        "data/constants/a_constants_config.json": members[CONSTANTS],
        "data/sample_inputs/a.pt": torch_saved(canary),
    }
    return other | members


def compiled_library(members: Members, canary: Path) -> Members:
    return members | {"data/aotinductor/model/model.so": pickled(canary)}


def size_expression(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        sizes = document["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = code(canary)

    return rewritten(members, PROGRAM, change)


def size_expression_in_metadata(members: Members, canary: Path) -> Members:
    """Under a value that is called metadata, which is free text only in nodes."""

    def change(document: Any) -> None:
        values = document["graph_module"]["graph"]["tensor_values"]
        values["metadata"] = json.loads(json.dumps(values["x"]))
        values["metadata"]["sizes"][0]["as_expr"]["expr_str"] = code(canary)
        text = json.dumps(document["graph_module"]).replace('"name": "x"', '"name": "metadata"')
        document["graph_module"] = json.loads(text)

    return rewritten(members, PROGRAM, change)


def nested_size_expression(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        sizes = document["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = f"Symbol({code(canary)!r})"

    return rewritten(members, PROGRAM, change)


def guard(members: Members, canary: Path) -> Members:
    return rewritten(members, PROGRAM, lambda document: document["guards_code"].append(code(canary)))


def argument_name(members: Members, canary: Path) -> Members:
    """Names of inputs become parameters of a function in generated code."""

    def change(document: Any) -> None:
        text = json.dumps(document["graph_module"])
        evil = json.dumps(f"x=({code(canary)})")
        document["graph_module"] = json.loads(text.replace('"name": "x"', f'"name": {evil}'))
        graph = document["graph_module"]["graph"]
        graph["tensor_values"][json.loads(evil)] = graph["tensor_values"]["x"]

    return rewritten(members, PROGRAM, change)


def forward_argument(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        document["graph_module"]["module_call_graph"][0]["signature"]["forward_arg_names"] = [
            f"x=({code(canary)})", "y",
        ]  # fmt: skip

    return rewritten(members, PROGRAM, change)


def library_operator(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        node = document["graph_module"]["graph"]["nodes"][0]
        node["target"] = "torch.ops.load_library"
        node["inputs"] = [{"name": "path", "arg": {"as_string": str(canary)}, "kind": 1}]

    return rewritten(members, PROGRAM, change)


def file_operator(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        document["graph_module"]["graph"]["nodes"][0]["target"] = "torch.ops.aten.from_file.default"

    return rewritten(members, PROGRAM, change)


def imported_enum(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        context = json.dumps([{"__enum__": True, "fqn": "antigravity:X", "name": "Y"}])
        tree = [1, {"type": "builtins.dict", "context": context, "children_spec": []}]
        document["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = json.dumps(tree)

    return rewritten(members, PROGRAM, change)


def imported_factory(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        tree = [1, {"type": "collections.defaultdict", "context": "{}", "children_spec": []}]
        document["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = json.dumps(tree)

    return rewritten(members, PROGRAM, change)


def repeated_key(members: Members, canary: Path) -> Members:
    text = members[WEIGHTS].replace(b'"use_pickle": false', b'"use_pickle": true, "use_pickle": false')
    return members | {WEIGHTS: text}


def escaping_path(members: Members, canary: Path) -> Members:
    def change(document: Any) -> None:
        document["config"]["linear.weight"]["path_name"] = "../../data/sample_inputs/model.pt"

    return rewritten(members, WEIGHTS, change)


def escaping_member(members: Members, canary: Path) -> Members:
    return members | {"../../canary": b""}


def unknown_member(members: Members, canary: Path) -> Members:
    return members | {"extra/notes.txt": b"hello"}


HOSTILE = (
    sample_inputs, pickled_weight, pickled_constant, opaque_object, raw_looking_object, legacy_weights,
    legacy_constants, second_model, compiled_library, size_expression, size_expression_in_metadata,
    nested_size_expression, guard, argument_name, forward_argument, library_operator, file_operator,
    imported_enum, imported_factory, repeated_key, escaping_path, escaping_member, unknown_member,
)  # fmt: skip
OBEYED = (
    sample_inputs, pickled_weight, pickled_constant, opaque_object, raw_looking_object, size_expression,
    size_expression_in_metadata,
)  # fmt: skip


def test_a_saved_program_passes_and_torch_loads_it(good: Path) -> None:
    import torch

    inspect(good)
    loaded = torch.export.load(good)
    assert set(loaded.module()(torch.rand(2, 4), torch.rand(2, 4))) == {"out"}


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.__name__)
def test_an_archive_that_could_run_something_is_refused(
    good: Path, tmp_path: Path, canary: Path, attack: Callable[[Members, Path], Members]
) -> None:
    path = write(tmp_path / "model.pt2", attack(members_of(good), canary))
    with pytest.raises(Terminal, match=r"^model\.pt2 refused: "):
        inspect(path)
    assert not canary.exists()


@pytest.fixture(scope="module")
def obeyed(good: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The attacks that torch alone runs the code of; one process for all, for importing torch takes long."""
    folder = tmp_path_factory.mktemp("obeyed")
    script = """
import sys, torch
for path in sys.argv[1:]:
    try:
        torch.export.load(path)
    except Exception:
        pass
"""
    names = [attack.__name__ for attack in OBEYED]
    paths = [
        str(write(folder / f"{attack.__name__}.pt2", attack(members_of(good), folder / attack.__name__)))
        for attack in OBEYED
    ]
    subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, check=True, timeout=100)
    return {name for name in names if (folder / name).exists()}


@pytest.mark.parametrize("attack", OBEYED, ids=lambda attack: attack.__name__)
def test_torch_alone_would_have_obeyed(obeyed: set[str], attack: Callable[[Members, Path], Members]) -> None:
    assert attack.__name__ in obeyed


def test_two_root_folders_are_refused(good: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "model.pt2", members_of(good))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("version", "1")
    with pytest.raises(Terminal, match="one root folder"):
        inspect(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_there_twice_is_refused(good: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "model.pt2", members_of(good))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"model/{PROGRAM}", "{}")
    with pytest.raises(Terminal, match="stands in the archive twice"):
        inspect(path)


def test_a_compressed_member_is_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members_of(good).items():
            archive.writestr(f"model/{name}", content)
    with pytest.raises(Terminal, match="compressed or encrypted"):
        inspect(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", pickle.dumps({"a": 1})])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(content)
    with pytest.raises(Terminal, match=r"model\.pt2 is not a readable model archive"):
        inspect(path)


def test_a_missing_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="not a readable model archive"):
        inspect(tmp_path / "model.pt2")


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "NaN1", '{"a":1}'])
def test_a_program_that_is_not_readable_json_is_refused(good: Path, tmp_path: Path, text: str) -> None:
    members = members_of(good) | {WEIGHTS: text.encode()}
    with pytest.raises(Terminal, match="refused"):
        inspect(write(tmp_path / "model.pt2", members))
