"""Digests that a cluster has, written into manifests; all else in the file stays to the letter."""

from pathlib import Path

import pytest
import yaml

import builders as b
from mlplane.errors import InvalidInput
from mlplane.gitops.digestpins import places, with_digests
from mlplane.gitops.digests import pin_digests

GOLDEN = Path(__file__).parent / "golden"
BEFORE = (GOLDEN / "digests-before.yaml").read_text()
DOCUMENTS = list(yaml.safe_load_all(BEFORE))
CLEAN = "sha256:" + "7" * 64
ZEROS = "sha256:" + "0" * 64


def on_cluster(document, digest, **status):
    known = b.ingested() | {"digest": digest} | status
    return b.body("Dataset", document["metadata"]["name"], document["spec"], known)


def cluster():
    return [
        on_cluster(DOCUMENTS[0], b.DATA_DIGEST),
        on_cluster(DOCUMENTS[1], CLEAN),
        on_cluster(DOCUMENTS[1] | {"metadata": {"name": "other"}}, "sha256:" + "6" * 64),
        b.model_version(),
    ]


@pytest.fixture
def manifest(tmp_path):
    file = tmp_path / "all.yaml"
    file.write_bytes(BEFORE.encode())
    return file


def test_digests_are_written_and_nothing_else_changes(manifest, request):
    outcomes = pin_digests([manifest.parent], cluster())
    golden = GOLDEN / "digests-after.yaml"
    if request.config.getoption("--update-golden"):
        golden.write_bytes(manifest.read_bytes())
    assert manifest.read_text() == golden.read_text()
    assert [(o.field, o.note) for o in outcomes] == [
        ("spec.digest", ""),
        ("spec.derivedFrom.datasets[0].digest", ""),
        ("spec.derivedFrom.datasets[1].digest", ""),
        ("spec.digest", ""),
        ("spec.modelVersion.digest", ""),
        ("spec.modelVersion.digest", ""),
        ("spec.dataset.digest", ""),
    ]


def test_a_second_time_changes_nothing(manifest):
    pin_digests([manifest], cluster())
    before = manifest.read_bytes()
    assert pin_digests([manifest], cluster()) == []
    assert manifest.read_bytes() == before


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last_line", [True, False])
def test_line_ends_stay_as_they_are(tmp_path, ending, last_line):
    spec = DOCUMENTS[0]["spec"]
    lines = ["kind: Dataset", "metadata: {name: digits}", "spec:"]
    lines += [
        f"  {key}: {yaml.safe_dump(value, default_flow_style=True).split(chr(10) + '...')[0].strip()}"
        for key, value in spec.items()
        if key != "format"
    ]
    lines += [] if not last_line else ["  format: CSV"]
    lines[3:3] = [] if last_line else ["  format: CSV"]
    file = tmp_path / "dataset.yaml"
    file.write_bytes(ending.join(lines).encode())
    [outcome] = pin_digests([file], [on_cluster(DOCUMENTS[0], b.DATA_DIGEST)])
    assert outcome.new == b.DATA_DIGEST
    at = lines.index("  format: CSV") + 1
    assert file.read_bytes() == ending.join([*lines[:at], f"  digest: {b.DATA_DIGEST}", *lines[at:]]).encode()


@pytest.mark.parametrize(
    "spec",
    ["\n  format: CSV\n  digest:\n", "\n  digest: # later\n  format: CSV\n", " {format: CSV, digest: }\n"],
)
def test_a_digest_is_written_where_only_its_name_stands(spec):
    text = f"kind: Dataset\nmetadata: {{name: digits}}\nspec:{spec}"
    written = with_digests(text, dict.fromkeys(places(text, "dataset.yaml"), CLEAN))
    assert yaml.safe_load(written)["spec"] == {"format": "CSV", "digest": CLEAN}
    assert ("# later" in written) == ("# later" in text)


def test_what_a_source_has_now_takes_the_place_of_the_pin(manifest):
    pin_digests([manifest], cluster())
    drifted = [on_cluster(DOCUMENTS[0], b.DATA_DIGEST, found=CLEAN), *cluster()[1:]]
    outcomes = pin_digests([manifest], drifted)
    assert {(o.old, o.new) for o in outcomes} == {(b.DATA_DIGEST, CLEAN)}


@pytest.mark.parametrize(
    ("bodies", "says"),
    [
        ([], "there is no Dataset digits on the cluster"),
        ([b.body("Dataset", "digits", DOCUMENTS[0]["spec"])], "another spec on the cluster: apply it first"),
        (
            [b.body("Dataset", "digits", DOCUMENTS[0]["spec"], {"observedGeneration": 1})],
            "Dataset digits has no version yet",
        ),
        (
            [on_cluster({**DOCUMENTS[0], "spec": DOCUMENTS[0]["spec"] | {"format": "Parquet"}}, CLEAN)],
            "another spec on the cluster: apply it first",
        ),
    ],
)
def test_what_is_not_known_is_not_written(tmp_path, bodies, says):
    file = tmp_path / "dataset.yaml"
    file.write_text(BEFORE.split("---")[0])
    [outcome] = pin_digests([file], bodies)
    assert (outcome.new, says in outcome.note) == ("", True), outcome
    assert file.read_text() == BEFORE.split("---")[0]


def test_an_evaluation_that_is_on_the_cluster_is_left_alone(tmp_path):
    file = tmp_path / "evaluation.yaml"
    file.write_text(BEFORE.split("---\n")[3])
    outcomes = pin_digests([file], [*cluster(), b.evaluation("again")])
    assert {(o.new, "never changes" in o.note) for o in outcomes} == {("", True)}


def test_a_file_that_is_no_yaml_is_named_and_nothing_is_written(manifest):
    (manifest.parent / "broken.yaml").write_text("kind: {a: [\n")
    with pytest.raises(InvalidInput, match=r"broken\.yaml:\d"):
        pin_digests([manifest.parent], cluster())
    assert manifest.read_text() == BEFORE
