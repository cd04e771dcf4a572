import pytest

from mlplane.cli.logs import label_of, step_of


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


def test_a_pod_of_a_sweep_is_shown_with_the_number_of_its_trial():
    node = "digits-1-1[1].trial(2:cached:false,index:3)[0].train(1)"
    pod = {"metadata": {"name": "p", "annotations": {"workflows.argoproj.io/node-name": node}}}
    assert (step_of(pod), label_of(pod)) == ("train(1)", "train(1) #3")


def test_a_pod_without_annotations_is_named_by_itself():
    assert step_of({"metadata": {"name": "p"}}) == "p"
