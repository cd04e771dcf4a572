import json

import pytest
from sarif_kit.validate import validation_errors

from mlplane.cli.findingforms import as_github, as_json, as_sarif
from mlplane.gitops.findings import Finding


@pytest.fixture
def repository(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "dev").mkdir()
    monkeypatch.chdir(tmp_path / "dev")
    return tmp_path


def finding(file="run.yaml", **fields):
    given = {"path": "spec.seed", "message": '"7" is a string', "suggestion": "7, without quotes"}
    return Finding(file, 14, 9, **(given | fields))


FINDINGS = [
    finding(),
    finding("../a b/ü#1.yaml", path="", severity="warning", allowed=("A", "B"), check="policy"),
    finding("/elsewhere/x.yaml", message="one\ntwo", check="pinned"),
]


def test_sarif_is_valid_by_the_published_schema(repository):
    for findings in (FINDINGS, []):
        assert validation_errors(json.loads(as_sarif(findings))) == []


def test_sarif_names_the_check_the_place_in_the_repository_and_what_to_do(repository):
    [run] = json.loads(as_sarif(FINDINGS))["runs"]
    first, second, third = run["results"]
    assert first["message"]["text"] == 'spec.seed: "7" is a string; try: 7, without quotes'
    assert (first["ruleId"], first["level"]) == ("schema", "error")
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "dev/run.yaml"},
        "region": {"startLine": 14, "startColumn": 9},
    }
    assert run["tool"]["driver"]["rules"][second["ruleIndex"]]["id"] == second["ruleId"] == "policy"
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in (second, third)]
    assert uris == ["a%20b/%C3%BC%231.yaml", "/elsewhere/x.yaml"]


def test_annotations_of_github_are_one_line_each_in_the_repository(repository):
    assert as_github(FINDINGS).splitlines() == [
        '::error file=dev/run.yaml,line=14,col=9::spec.seed: "7" is a string; try: 7, without quotes',
        '::warning file=a b/ü#1.yaml,line=14,col=9::"7" is a string; allowed: A, B; try: 7, without quotes',
        "::error file=/elsewhere/x.yaml,line=14,col=9::spec.seed: one�two; try: 7, without quotes",
    ]
    assert "file=a%2Cb%3Ac," in as_github([finding("/elsewhere/a,b:c")]).replace("/elsewhere/", "")


def test_a_finding_is_one_line_whatever_a_field_is_called():
    said = str(finding("a\nb.yaml", path="spec.\x1b[2J\r\n```", message="no\u202e", allowed=("x\n",)))
    assert said == "a�b.yaml:14:9: spec.�[2J��```: no�; allowed: x�; try: 7, without quotes"


def test_json_has_all_that_is_known(repository):
    first = json.loads(as_json(FINDINGS))[0]
    assert first == {
        "file": "run.yaml",
        "line": 14,
        "column": 9,
        "path": "spec.seed",
        "message": '"7" is a string',
        "severity": "error",
        "allowed": [],
        "suggestion": "7, without quotes",
        "check": "schema",
    }
