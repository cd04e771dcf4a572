"""Properties of merge patches, judged by RFC 7386 written out."""

from hypothesis import given
from hypothesis import strategies as st

from mlplane.cluster.mergepatch import change

leaves = (
    st.integers(0, 3) | st.text("ab", max_size=2) | st.booleans() | st.lists(st.integers(0, 2), max_size=2)
)
keys = st.text("xyz", min_size=1, max_size=1)
maps = st.recursive(
    st.dictionaries(keys, leaves, max_size=3), lambda m: st.dictionaries(keys, leaves | m, max_size=3)
)


def merged(target, patch):
    """RFC 7386, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@given(maps, maps)
def test_the_patch_makes_the_old_into_the_new(old, new):
    assert merged(old, change(old, new)) == new


@given(maps)
def test_without_a_difference_there_is_no_patch(same):
    assert change(same, dict(same)) == {}


def test_only_what_differs_is_in_the_patch():
    old = {"a": 1, "gone": 2, "deep": {"same": 1, "other": 2}, "conditions": [1, 2]}
    new = {"a": 1, "deep": {"same": 1, "other": 3}, "conditions": [1, 3]}
    assert change(old, new) == {"gone": None, "deep": {"other": 3}, "conditions": [1, 3]}
