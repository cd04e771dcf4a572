"""Options of lists and watches: what does not go together is refused in the real server's words."""

import pytest

from mlplane.local.apiserver.listoptions import list_options
from mlplane.local.apiserver.statuses import ApiError

MATCH = "resourceVersionMatch"
UNLESS = f"{MATCH}: Forbidden: {MATCH} is forbidden unless resourceVersion is provided"
CONTINUED = f"{MATCH}: Forbidden: {MATCH} is forbidden when continue is provided"


@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ({MATCH: "Exact"}, [UNLESS]),
        ({MATCH: "NotOlderThan", "continue": "x"}, [UNLESS, CONTINUED]),
        (
            {MATCH: "Bad", "resourceVersion": "1"},
            [f'{MATCH}: Unsupported value: "Bad": supported values: "Exact", "NotOlderThan", ""'],
        ),
        (
            {MATCH: "Exact", "resourceVersion": "0"},
            [f'{MATCH}: Forbidden: {MATCH} "exact" is forbidden for resourceVersion "0"'],
        ),
        (
            {"sendInitialEvents": "false"},
            ["sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"],
        ),
        (
            {"watch": "1", "sendInitialEvents": "true"},
            [f"{MATCH}: Forbidden: sendInitialEvents requires setting {MATCH} to NotOlderThan"],
        ),
        (
            {"watch": "1", "resourceVersion": "5", MATCH: "Exact"},
            [
                f"{MATCH}: Forbidden: {MATCH} is forbidden for watch unless sendInitialEvents is provided",
                f'{MATCH}: Unsupported value: "Exact": supported values: "NotOlderThan"',
            ],
        ),
        ({"watch": "1", "continue": "x"}, [CONTINUED]),
    ],
)
def test_what_does_not_go_together_is_invalid(query, problems):
    with pytest.raises(ApiError) as refused:
        list_options(query)
    assert (refused.value.code, refused.value.details["kind"]) == (422, "ListOptions")
    assert [f"{cause.field}: {cause.message}" for cause in refused.value.causes] == problems


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"limit": "many"}, 400, 'strconv.ParseInt: parsing "many": invalid syntax'),
        ({"timeoutSeconds": ""}, 400, 'strconv.ParseInt: parsing "": invalid syntax'),
        (
            {"resourceVersion": "x"},
            400,
            'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": '
            "invalid syntax",
        ),
        (
            {"resourceVersion": "-1", "watch": "1"},
            500,
            'resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax',
        ),
    ],
)
def test_what_is_no_number_is_refused(query, code, message):
    with pytest.raises(ApiError) as refused:
        list_options(query)
    assert (refused.value.code, refused.value.message) == (code, message)


@pytest.mark.parametrize("version", [{}, {"resourceVersion": "0"}])
def test_a_watch_from_no_version_begins_with_what_is_there(version):
    assert list_options({"watch": "true"} | version).initial is True
    assert list_options({"watch": "true", "resourceVersion": "7"}).initial is None


@pytest.mark.parametrize(
    ("text", "want"), [("true", True), ("1", True), ("", True), ("yes", True), ("False", False), ("0", False)]
)
def test_flags_are_read_as_in_go(text, want):
    assert list_options({"watch": text}).watch is want
