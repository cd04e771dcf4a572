"""What a script imports is looked up in its code and in what is installed, and nothing of it runs."""

import sys

import pytest

from mlplane.api.usercode import UserCode
from mlplane.errors import InvalidInput
from mlplane.steps.scriptimports import check_imports
from mlplane.steps.usercode import code_of
from mlplane.steps.workspace import Workspace
from mlplane.store.artifacts import Store

IMAGE = "registry.example/team/train@sha256:" + "0" * 64


@pytest.fixture
def check(tmp_path):
    """Writes files, the first of which is the script, and checks it."""

    def run(files):
        for path, text in files.items():
            (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "app" / path).write_text(text)
        code = UserCode.model_validate({"image": {"path": str(tmp_path / "app")}})
        check_imports(code_of(code, Workspace(tmp_path, Store(""), "")), next(iter(files)), IMAGE)

    return run


@pytest.mark.parametrize(
    "text",
    [
        "import os, sys\nimport xml.dom.minidom\nfrom concurrent import futures",
        "import torch\nfrom torch.nn import functional\nfrom mlplane import training",
        "try:\n    import nosuchmodule\nexcept ImportError:\n    nosuchmodule = None",
        "if False:\n    import nosuchmodule",
        "def later():\n    import nosuchmodule",
        "import sys\nsys.path.insert(0, 'lib')\nimport nosuchmodule",
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import nosuchmodule",
    ],
)
def test_what_is_installed_or_may_be_absent_is_no_finding(check, text):
    check({"train.py": text})


def test_a_compiled_module_of_the_code_is_there(check):
    check({"train.py": "import fast\nfrom part import quick", "fast.abi3.so": "", "part/quick.so": ""})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nosuchmodule", r"train.py line 1 imports 'nosuchmodule', which is neither in .*/app of the"),
        ("import os\n\nfrom nosuch.part import x", "line 3 imports 'nosuch.part'"),
        ("import torhc", "did you mean 'torch'"),
        ("import helpr", "did you mean 'helper'"),
        ("import nosuchmodule", f"nor installed in the image {IMAGE}"),
        ("from . import helper", r"train.py line 1 imports from \., but it is in no such package"),
    ],
)
def test_what_is_nowhere_is_told_with_file_line_and_image(check, text, says):
    with pytest.raises(InvalidInput, match=says):
        check({"train.py": text, "helper.py": ""})


@pytest.mark.parametrize(
    "files",
    [
        {"train.py": "import helper", "helper.py": "import nosuchmodule"},
        {"train.py": "from models import net", "models/net.py": "import nosuchmodule"},
        {"train.py": "import models.net", "models/__init__.py": "", "models/net.py": "import nosuch"},
        {
            "train.py": "import models",
            "models/__init__.py": "from .net import x",
            "models/net.py": "import nosuch",
        },
        {
            "train.py": "import models",
            "models/__init__.py": "from . import net",
            "models/net.py": "import nosuch",
        },
        {"jobs/train.py": "import helper", "jobs/helper.py": "import nosuchmodule"},
        {"jobs/train.py": "import helper", "helper.py": "import nosuchmodule"},
    ],
)
def test_local_modules_are_followed(check, files):
    with pytest.raises(InvalidInput, match=r"line 1 imports 'nosuch"):
        check(files)


def test_a_package_around_the_script_may_import_from_itself(check):
    files = {
        "jobs/train.py": "import jobs.helper",
        "jobs/helper.py": "from . import other",
        "jobs/other.py": "",
    }
    check(files)


def test_modules_that_import_each_other_are_looked_at_once(check):
    check({"train.py": "import a", "a.py": "import b", "b.py": "import a"})


def test_a_local_file_that_is_not_python_is_told(check):
    with pytest.raises(InvalidInput, match=r"helper\.py in .* is not valid Python: .*line 1"):
        check({"train.py": "import helper", "helper.py": "def broken(:"})


def test_a_folder_of_the_step_is_no_module(check, tmp_path, monkeypatch):
    (tmp_path / "work" / "nosuchmodule").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with pytest.raises(InvalidInput, match="nosuchmodule"):
        check({"train.py": "import nosuchmodule"})


def test_nothing_is_run(check, tmp_path):
    marker = tmp_path / "ran"
    run = f"open({str(marker)!r}, 'w')"
    check({"train.py": f"import helper\n{run}", "helper.py": run})
    assert not marker.exists()
