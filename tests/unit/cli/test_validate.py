import json

import pytest
import typer
import yaml
from typer.testing import CliRunner

import builders as b
from mlplane.cli.render import render
from mlplane.cli.schema import schema
from mlplane.cli.validate import validate
from mlplane.errors import InvalidInput


@pytest.fixture
def call():
    """Run one of the commands; errors of mlplane come through, as ``cli.main`` wants them."""
    app = typer.Typer()
    for command in (validate, schema, render):
        app.command()(command)

    def invoke(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"TERM": "dumb"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return invoke


@pytest.fixture
def folder(tmp_path):
    for body in (b.dataset(), b.run(), b.model_version()):
        kept = body | {"metadata": {"name": body["metadata"]["name"]}}
        (tmp_path / f"{body['kind'].lower()}.yaml").write_text(yaml.safe_dump(kept, sort_keys=False))
    return tmp_path


def test_right_manifests_exit_0_and_are_counted(call, folder):
    done = call("validate", folder)
    assert (done.exit_code, done.stdout) == (0, "3 files: 0 errors, 0 warnings\n")


def test_an_error_exits_1_and_shows_the_line_with_a_caret(call, folder):
    file = folder / "trainingrun.yaml"
    lines = file.read_text().replace("lr: '0.01'", "lr: 0.01").split("\n")
    file.write_text("\n".join(lines))
    number = next(n for n, line in enumerate(lines, 1) if "lr:" in line)
    done = call("validate", folder)
    assert done.exit_code == 1
    assert done.stdout == (
        f"{file}:{number}:9: error: spec.params.lr: 0.01 is a number with a fraction, "
        "but a whole number or a string is wanted here: quote it\n"
        f"{number:>6} |     lr: 0.01\n"
        "       |         ^\n"
        '       = try: "0.01"\n'
        "3 files: 1 error, 0 warnings\n"
    )


def test_a_warning_exits_0(call, folder):
    (folder / "dataset.yaml").unlink()
    done = call("validate", folder)
    assert done.exit_code == 0
    assert done.stdout.endswith("2 files: 0 errors, 1 warning\n")


def test_findings_for_programs_are_json(call, folder):
    (folder / "dataset.yaml").write_text("kind: x\nkind: y\n")
    done = call("validate", folder, "--output", "json")
    first = json.loads(done.stdout)[0]
    assert done.exit_code == 1
    assert (first["line"], first["column"], first["severity"]) == (2, 1, "error")


def test_a_symbolic_link_is_an_error_and_nothing_behind_it_is_shown(call, folder, tmp_path):
    """As the agent has it; else a pull request could have files of the machine that runs CI printed."""
    secret = tmp_path / "elsewhere"
    secret.write_text("password: hunter2\npassword: again\n")
    (folder / "link.yaml").symlink_to(secret)
    done = call("validate", folder)
    assert done.exit_code == 1
    assert "link.yaml:1:1: error: the file is a symbolic link: put a regular file there" in done.stdout
    assert "password" not in done.stdout


def test_findings_for_github_are_escaped(call, tmp_path):
    (tmp_path / "a.yaml").write_text('apiVersion: v9\nkind: "a%b\\nc"\n')
    done = call("validate", tmp_path, "-o", "github")
    assert done.stdout.startswith(f"::warning file={tmp_path}/a.yaml,line=2,col=7::kind: a%25b�c of v9")


@pytest.mark.parametrize(
    "text",
    [
        'apiVersion: v9\nkind: "a\\e[31m"\n',
        'apiVersion: mlplane.dev/v1alpha1\nkind: Dataset\nspec: {"a\\e[31m\\N": 1}\n',
        "kind: \x9b31m\nkind: 2\n",
    ],
    ids=["in a value", "in a name", "in the line"],
)
def test_nothing_in_a_file_can_steer_the_terminal(call, tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    done = call("validate", tmp_path)
    assert "error" in done.stdout or "warning" in done.stdout
    assert not set(done.stdout) & set("\x1b\x9b\x85")


def test_brackets_in_a_file_are_no_markup(call, tmp_path):
    (tmp_path / "a.yaml").write_text("apiVersion: '[bold]x'\nkind: Thing\n")
    assert "[bold]x" in call("validate", tmp_path).stdout


def test_a_schema_is_printed_for_a_kind_by_any_of_its_names(call):
    for name in ("Dataset", "dataset", "datasets", "dset"):
        assert json.loads(call("schema", name).stdout)["title"] == "Dataset"


def test_the_schema_of_promotion_yaml_is_printed_and_has_no_crd(call):
    assert json.loads(call("schema", "promotion").stdout)["title"] == "Promotion"
    with pytest.raises(InvalidInput, match="there is no kind 'promotion' on a cluster"):
        call("schema", "promotion", "--crd")


def test_all_schemas_are_one_schema(call):
    titles = [entry["title"] for entry in json.loads(call("schema").stdout)["oneOf"]]
    assert titles == ["Dataset", "TrainingRun", "ModelVersion", "Evaluation", "ModelServer"]


def test_crds_are_documents_that_kubectl_can_apply(call):
    crds = list(yaml.safe_load_all(call("schema", "--crd").stdout))
    assert [crd["kind"] for crd in crds] == ["CustomResourceDefinition"] * 5


def test_an_unknown_kind_is_refused_with_the_known_ones(call):
    with pytest.raises(
        InvalidInput, match="there is no kind 'Notebook' on a cluster; the kinds are Dataset, TrainingRun"
    ):
        call("schema", "Notebook")


def test_render_prints_what_manifests_become(call, folder):
    done = call("render", folder, "--store", "gs://bucket", "--image", "mine:1")
    objects = [body for body in yaml.safe_load_all(done.stdout) if body]
    assert [body["kind"] for body in objects] == ["Workflow", "Workflow"]
    assert "mine:1" in done.stdout
    assert "gs://bucket" in done.stdout
    assert "# TrainingRun digits-1: zeros stand for the digest" in done.stdout


def test_render_refuses_wrong_manifests_with_the_place(call, folder):
    (folder / "dataset.yaml").write_text("kind: x\nkind: y\n")
    with pytest.raises(InvalidInput, match=r"dataset\.yaml:2:1: the field kind is given twice; .*1 in all"):
        call("render", folder)
