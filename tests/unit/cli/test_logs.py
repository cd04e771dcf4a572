import pytest

from mlplane.cli.logs import step_of


@pytest.mark.parametrize(
    ("node", "want"),
    [
        ("digits-1-1[1].train", "train"),
        ("digits-1-1[1].train(0)", "train"),
        ("digits-1-1[1].train(2)", "train(2)"),
        ("", "digits-1-1-train-123"),
    ],
)
def test_a_pod_is_named_by_its_step(node, want):
    meta = {"name": "digits-1-1-train-123", "annotations": {"workflows.argoproj.io/node-name": node}}
    assert step_of({"metadata": meta}) == want


def test_a_pod_without_annotations_is_named_by_itself():
    assert step_of({"metadata": {"name": "p"}}) == "p"
