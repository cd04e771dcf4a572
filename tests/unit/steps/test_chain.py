"""The digits template through all steps, each a process of its own, as on a cluster."""

from decimal import Decimal

from mlplane.store.digest import digest_of


def test_the_template_trains_a_model_that_passes_and_a_second_run_finds_it(bench, record_property):
    version = bench.ingested()
    assert version.rows == 1797
    assert sum(split.rows for split in version.splits) == 1797
    task = bench.task(version)

    preflight = bench.step(task, "preflight")
    assert preflight.outputs == {"key": preflight.outputs["key"], "cached": "false", "model": ""}
    train = bench.step(task, "train")
    assert train.code == 0, train.err
    assert '{"mlplane": {"progress": "30/30"}}' in train.out
    model = train.outputs["model"]
    result = bench.judged(task, preflight.outputs["key"], model)

    assert result.recorded.verdict == "Passed"
    assert Decimal(result.recorded.results[0].value) >= Decimal("0.97")
    assert result.recorded.rows == version.splits[1].rows
    assert result.trained.artifact.digest == model == digest_of(bench.artifact("models", model))
    assert [t.name for t in result.trained.signature.inputs] == ["pixels"]

    report = bench.json_in_store(result.recorded.report.removeprefix("store://") + "/report.json")
    [loss] = report["training"]
    assert (loss["metric"], loss["steps"]) == ("loss", list(range(1, 31)))
    assert loss["values"][-1] < loss["values"][0]
    assert report["classes"] == len(report["plots"]["roc"]) == 10

    again = bench.step(task, "preflight")
    assert again.outputs == {"key": preflight.outputs["key"], "cached": "true", "model": model}
    assert bench.judged(task, again.outputs["key"], "", cached=model) == result
