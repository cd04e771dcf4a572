"""Which files a promotion changes, decided without a repository."""

from pathlib import Path

import pytest

import builders as b
from mlplane.api import Evaluation, ModelVersion
from mlplane.api.judgement import PinnedRef
from mlplane.api.promotion import Environment
from mlplane.errors import InvalidInput
from mlplane.gitops.environmentfiles import EnvironmentFiles
from mlplane.gitops.promotion import Candidate, change_for
from mlplane.gitops.records import canonical, manifest_text
from mlplane.gitops.serverpins import with_pin
from promotionteam import SERVER

GOLDEN = Path(__file__).parent / "golden"
PROD = Environment.model_validate({"name": "prod", "path": "prod", "namespace": "prod", "from": "staging"})


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def name(number: int) -> str:
    return f"digits-{number:08x}"


def version(number: int) -> dict:
    return canonical(b.model_version(name(number), digest=digest(number)))


def judgement(number: int) -> dict:
    made = canonical(b.evaluation(f"{name(number)}-1", digest=digest(number)))
    made["spec"]["modelVersion"]["name"] = name(number)
    return made


def candidate(number: int) -> Candidate:
    evaluation = Evaluation.model_validate(judgement(number))
    return Candidate(ModelVersion.model_validate(version(number)), version(number), [evaluation], "staging")


def environment(*numbers: int, **more: str) -> EnvironmentFiles:
    """An environment that has these versions."""
    texts = {f"prod/models/{name(n)}.yaml": manifest_text(version(n)) for n in numbers}
    texts |= {f"prod/evaluations/{name(n)}-1.yaml": manifest_text(judgement(n)) for n in numbers}
    return EnvironmentFiles(PROD, {"prod/server.yaml": SERVER, **texts, **more})


def dropped(change) -> list[str]:
    return sorted(file for file, content in change.files.items() if content is None)


def pinned(number: int) -> str:
    return SERVER.replace("digits-00000000", name(number)).replace(digest(0), digest(number))


def test_ten_versions_are_kept_those_that_were_served_last():
    target = environment(*range(1, 12), **{"prod/server.yaml": pinned(1)})
    served = [digest(n) for n in (4, 5, 6, 7, 8, 9, 10, 2, 11, 1)]
    change = change_for(candidate(20), target, served, None)
    gone = [
        file.format(name(n)) for n in (3, 4) for file in ("prod/evaluations/{}-1.yaml", "prod/models/{}.yaml")
    ]
    assert dropped(change) == sorted(gone)


def test_a_version_that_another_server_pins_never_goes():
    other = SERVER.replace("metadata: {name: digits}", "metadata: {name: other}")
    other = other.replace("digits-00000000", "tumours-00000000")
    kept = {"prod/other.yaml": other, "prod/server.yaml": pinned(1)}
    target = environment(*range(12), **kept)
    change = change_for(candidate(20), target, [], None)
    assert f"prod/models/{name(1)}.yaml" not in dropped(change)
    assert len([file for file in dropped(change) if "models" in file]) == 3


def test_with_few_versions_nothing_goes():
    assert dropped(change_for(candidate(20), environment(1, 2, 3), [], None)) == []


def test_records_that_are_there_already_are_not_written_again():
    change = change_for(candidate(3), environment(1, 3), [], None)
    assert list(change.files) == ["prod/server.yaml"]


def test_a_new_server_is_like_that_of_the_environment_before():
    target = EnvironmentFiles(PROD, {})
    change = change_for(candidate(3), target, [], b.server("numbers"))
    assert change.server_file == "prod/servers/numbers.yaml"
    assert change.files[change.server_file] == (
        "apiVersion: mlplane.dev/v1alpha1\nkind: ModelServer\nmetadata:\n  name: numbers\n"
        f"spec:\n  modelVersion:\n    name: {name(3)}\n    digest: {digest(3)}\n"
    )


def test_two_servers_of_a_model_are_not_chosen_from():
    target = environment(**{"prod/second.yaml": SERVER.replace("name: digits", "name: second")})
    with pytest.raises(InvalidInput, match=r"several servers of model digits .*: pin those by hand"):
        change_for(candidate(3), target, [], None)


def test_comments_order_and_formatting_of_a_server_survive():
    before, after = ((GOLDEN / f"server-{when}.yaml").read_text() for when in ("before", "after"))
    pin = PinnedRef(name="digits-22222222", digest="sha256:" + "2" * 64)
    assert with_pin(before, "server.yaml", pin) == after


def test_a_pin_that_shares_its_digest_by_an_alias_is_not_changed():
    text = SERVER.replace("metadata: {name: digits}", "metadata: {name: digits, annotations: {a: *d}}")
    text = text.replace("'sha256:", "&d 'sha256:")
    with pytest.raises(InvalidInput, match="by an alias: write it out"):
        with_pin(text, "server.yaml", candidate(3).pin)
