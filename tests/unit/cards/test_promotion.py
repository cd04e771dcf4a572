"""What reviewers of a promotion read."""

import cardcases as c
from mlplane.cards.promotion import evidence, worse


def version(letter: str, accuracy: float, spread: float, **changes):
    results = [c.result("accuracy", f"{accuracy:.4f}", min="0.5")]
    metrics = {"accuracy": c.metric(accuracy, accuracy - spread, accuracy + spread), "f1": c.metric(accuracy)}
    report = c.report(
        results, metrics, model={"name": "tumours", "digest": f"sha256:{letter * 64}"}, **changes
    )
    return c.subject(c.judged(report), name=f"tumours-{letter * 8}", digest=f"sha256:{letter * 64}")


def test_a_metric_with_a_gate_that_is_clearly_worse_is_named():
    bad, is_compared = worse(version("e", 0.90, 0.01), version("b", 0.95, 0.01))
    assert (bad, is_compared) == (["accuracy is clearly worse than what is served, 0.9500 → 0.9000"], True)


def test_what_may_be_chance_is_not_worse():
    assert worse(version("e", 0.90, 0.06), version("b", 0.95, 0.06)) == ([], True)


def test_what_was_judged_by_other_data_is_not_compared():
    other = {"dataset": {"name": "tumours", "digest": "sha256:" + "5" * 64}}
    assert worse(version("e", 0.90, 0.01, **other), version("b", 0.95, 0.01)) == ([], False)


def test_the_text_shows_verdict_comparison_and_origin():
    text = evidence(version("e", 0.90, 0.01), version("b", 0.95, 0.01), "prod")
    assert text.startswith("### Verdict\n\n**Passed** by split test of tumours")
    assert "### Against `tumours-bbbbbbbb`, which prod serves now" in text
    assert "| `accuracy` | all | 114 | 0.9500 | 0.9000 | -0.0500 worse |" in text
    assert "### Origin" in text


def test_where_nothing_is_served_there_is_nothing_to_compare():
    assert "Nothing is served there yet." in evidence(version("e", 0.90, 0.01), None, "prod")


def test_nothing_in_a_report_becomes_markup():
    hostile = version("e", 0.90, 0.01, dataset={"name": "tumours", "digest": "sha256:" + "d" * 64})
    body = hostile.version.spec.lineage.model_copy(update={"image": "a|b`<script>@team"})
    spec = hostile.version.spec.model_copy(update={"lineage": body})
    changed = type(hostile)(hostile.version.model_copy(update={"spec": spec}), hostile.judged)
    assert "a\\|b\\`\\<script\\>@team" in evidence(changed, None, "prod")
