from pathlib import Path, PurePosixPath

import jsonschema
import pytest
import yaml

from mlplane.api.promotion import Promotion
from mlplane.errors import InvalidInput
from mlplane.gitops import environments
from mlplane.schema.jsonschema import promotion_schema

TEXT = """\
apiVersion: mlplane.dev/v1alpha1
kind: Promotion
environments:
  - name: dev
    path: dev
    namespace: default
  - name: staging
    path: staging
    namespace: staging
    context: eu
    store: s3://staging-artifacts/models
    from: dev
    follow: Allowed
  - name: prod
    path: prod
    namespace: prod
    from: staging
    requires:
      soakHours: 24
      freeze:
        - {name: weekend, schedule: 0 16 * * 5, hours: 64, timeZone: Europe/Vienna}
        - {name: holidays, since: "2026-12-20T00:00", until: "2027-01-07T08:00"}
forge:
  kind: GitLab
  url: https://git.example.com
  repository: team/digits
"""


def test_the_environments_are_read_in_their_order():
    promotion = environments.parse(TEXT, "promotion.yaml")
    assert [(e.name, e.from_, e.may_follow) for e in promotion.environments] == [
        ("dev", None, True),
        ("staging", "dev", True),
        ("prod", "staging", False),
    ]
    assert environments.environment_named(promotion, "prod").requires.soak_hours == 24
    with pytest.raises(InvalidInput, match="no environment 'test'; it has: dev, staging, prod"):
        environments.environment_named(promotion, "test")


def test_a_path_belongs_to_the_environment_that_it_lies_in():
    promotion = environments.parse(TEXT, "promotion.yaml")
    found = {
        path: environments.environment_of(promotion, PurePosixPath(path))
        for path in ("prod/models/a.yaml", "production/a.yaml", "staging", "a.yaml")
    }
    assert {path: e and e.name for path, e in found.items()} == {
        "prod/models/a.yaml": "prod",
        "production/a.yaml": None,
        "staging": "staging",
        "a.yaml": None,
    }


# What is replaced by what; line and column; words of the message.
WRONG = {
    "a misspelt field": (
        "soakHours: 24",
        "soakHour: 24",
        (19, 7),
        'there is no field "soakHour" here; allowed: freeze, soakHours; try: soakHours',
    ),
    "a name of Python": ("timeZone", "time_zone", (21, 60), 'there is no field "time_zone" here'),
    "a forge that is none": (
        "kind: GitLab",
        "kind: Gitlab",
        (24, 9),
        '"Gitlab" is not allowed here; allowed: GitHub, GitLab, Gitea, None; try: GitLab',
    ),
    "nothing": ("from: dev", "from:", (12, 5), "nothing stands here, but a string is wanted"),
    "a kind of another file": (
        "kind: Promotion",
        "kind: Dataset",
        (2, 7),
        "Dataset does not belong into promotion.yaml",
    ),
    "no kind": ("kind: Promotion\n", "", (1, 1), "the field kind is required and missing"),
    "a password in a store": (
        "s3://staging",
        "s3://me:secret@staging",
        (11, 12),
        "environments[1].store: ",
    ),
    "a path out of the repository": ("path: staging", "path: ../staging", (8, 11), "it must match"),
    "an unknown environment": (
        "from: staging",
        "from: stagin",
        (17, 11),
        "there is no environment stagin; allowed: dev, staging; try: staging",
    ),
    "itself": (
        "from: staging",
        "from: prod",
        (17, 11),
        "prod is promoted from prod, which does not stand before it; allowed: dev, staging",
    ),
    "a circle": (
        "path: dev\n    namespace: default",
        "path: dev\n    namespace: default\n    from: prod",
        (7, 11),
        "dev is promoted from prod, which does not stand before it",
    ),
    "a name twice": ("name: staging", "name: dev", (7, 11), "there is an environment dev already"),
    "a path twice": ("path: prod", "path: dev", (15, 11), "dev and dev, of dev, overlap"),
    "a path in another": (
        "path: prod",
        "path: staging/prod",
        (15, 11),
        "staging/prod and staging, of staging",
    ),
    "a namespace twice in a cluster": (
        "namespace: prod",
        "namespace: default",
        (16, 16),
        "dev is applied to namespace default of the current cluster already",
    ),
    "requirements of what nothing is promoted to": (
        "    from: staging\n    requires",
        "    requires",
        (17, 5),
        "only what is promoted has requirements",
    ),
    "no such schedule": ("0 16 * * 5", "0 25 * * 5", (21, 37), '"0 25 * * 5" is no schedule of cron'),
    "no such time zone": (
        "Europe/Vienna",
        "Europe/Wien",
        (21, 70),
        "there is no time zone Europe/Wien; try: Europe/Vienna",
    ),
    "no such day": ('"2026-12-20T', '"2026-02-30T', (22, 35), "there is no moment 2026-02-30T00:00"),
    "the end before the begin": ("2027-01", "2026-01", (22, 62), "the freeze is over before it begins"),
    "half of a schedule": (", hours: 64", "", (21, 27), "schedule needs hours beside it"),
    "two kinds of freeze": (
        "hours: 64,",
        'hours: 64, since: "2026-12-20T00:00", until: "2026-12-21T00:00",',
        (21, 11),
        "a freeze has either schedule and hours, or since and until",
    ),
    "no forge with an address": (
        "kind: GitLab",
        'kind: "None"',
        (24, 9),
        "a forge that is None has no url and no repository",
    ),
}


@pytest.mark.parametrize(("old", "new", "place", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(old, new, place, words):
    assert old in TEXT
    with pytest.raises(InvalidInput) as caught:
        environments.parse(TEXT.replace(old, new, 1), "promotion.yaml")
    lines = str(caught.value).splitlines()
    line, column = place
    assert any(found.startswith(f"promotion.yaml:{line}:{column}: ") and words in found for found in lines), (
        lines
    )


def test_the_same_namespace_in_two_clusters_is_two_places():
    text = TEXT.replace("namespace: staging", "namespace: default")
    assert environments.parse(text, "f").environments[1].context == "eu"


def test_the_schema_for_editors_accepts_what_is_right_and_refuses_what_is_not():
    validator = jsonschema.Draft202012Validator(promotion_schema())
    validator.check_schema(promotion_schema())
    body = yaml.safe_load(TEXT)
    assert list(validator.iter_errors(body)) == []
    assert not validator.is_valid({**body, "environment": []})
    assert not validator.is_valid({**body, "environments": []})
    assert not validator.is_valid({**body, "kind": "Dataset"})
    assert Promotion.model_validate(body)


def test_a_folder_knows_its_promotion_but_not_that_of_another_repository(tmp_path):
    (tmp_path / "promotion.yaml").write_text(TEXT)
    inner = tmp_path / "vendored" / "dev"
    inner.mkdir(parents=True)
    assert environments.root_of(inner) == tmp_path
    (tmp_path / "vendored" / ".git").mkdir()
    assert environments.root_of(inner) is None


def test_a_repository_may_have_no_environments_and_an_empty_file_names_none(tmp_path):
    assert environments.read(tmp_path) is None
    (tmp_path / "promotion.yaml").write_text("# later\n")
    with pytest.raises(InvalidInput, match="the file is empty"):
        environments.read(tmp_path)
    (tmp_path / "promotion.yaml").write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match=r"promotion\.yaml cannot be read"):
        environments.read(tmp_path)


def test_the_published_schema_is_the_one_of_the_model():
    published = Path(__file__).parents[3] / "schemas" / "promotion.json"
    assert yaml.safe_load(published.read_text())["properties"] == promotion_schema()["properties"]
