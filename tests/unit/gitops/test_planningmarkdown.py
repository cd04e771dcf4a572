from mlplane.api.planned import Effect, FieldChange, Gpus, ObjectChange, Plan, PlannedRun
from mlplane.gitops.planningmarkdown import markdown
from mlplane.gitops.planningwords import headline, value

DIGEST = "sha256:" + "a" * 64


def plan(**fields):
    known = {"path": "dev", "namespace": "default", "before": "main (0123)", "after": "the working tree"}
    return Plan(**known | fields)


CHANGED = ObjectChange(
    action="Changed",
    kind="ModelServer",
    name="digits",
    fields=(
        FieldChange(path="spec.modelVersion.digest", old=DIGEST, new="sha256:" + "b" * 64),
        FieldChange(path="spec.follow", old={"model": "digits"}),
    ),
)


def test_no_change_is_one_line():
    text = markdown(plan())
    assert text.startswith("### Plan: no change\n")
    assert text.count("\n") == 3


def test_fields_fold_and_digests_are_short():
    text = markdown(plan(objects=(CHANGED,)))
    assert "| changed | ModelServer | `digits` |" in text
    details = text[text.index("<details>") : text.index("</details>")]
    assert (
        '- spec.modelVersion.digest: "sha256:aaaaaaaaaaaa…"\n+ spec.modelVersion.digest: "sha256:bbbb'
        in details
    )
    assert '- spec.follow: {"model": "digits"}\n```' in details
    assert DIGEST not in text


def test_runs_are_told_with_their_gates_and_what_comes_first():
    effect = Effect(
        what="Trains", kind="TrainingRun", name="digits-2", message="trains", after="waits for data"
    )
    run = PlannedRun(name="digits-2", model="digits", gates=("accuracy at least 0.9", "loss at most 1"))
    created = ObjectChange(action="Created", kind="TrainingRun", name="digits-2")
    found = plan(
        objects=(created,),
        effects=(effect,),
        runs=(run,),
        capacity=(Gpus(gpu_type="h100", before=1, after=5, available=4),),
    )
    text = markdown(found)
    assert text.startswith("### Plan: 1 created, 1 run to train\n")
    assert "  - first: waits for data\n  - gates: accuracy at least 0.9; loss at most 1\n" in text
    assert "**GPUs:** 1 → 5 h100, of 4: 1 would wait" in text


def test_text_of_others_neither_ends_a_block_nor_names_anybody():
    evil = "```\n</details>\n# @team <b>![x](http://y)\x1b[31m"
    field = FieldChange(path="spec.params.x", old="1", new=evil)
    effect = Effect(what="Waits", kind="TrainingRun", name="x", message=evil)
    changed = ObjectChange(action="Changed", kind="TrainingRun", name="x", fields=(field,))
    text = markdown(plan(objects=(changed,), effects=(effect,), problems=(evil,)))
    fence = text[text.index("````") :]
    assert fence.startswith("````diff\n")
    assert fence.count("\n````\n") == 1
    said = text[: text.index("<details>")]
    assert "<b>" not in said.replace("\\<b\\>", "")
    assert " @team" not in said
    assert "\x1b" not in fence


def test_what_is_too_long_for_a_comment_keeps_its_headline():
    many = tuple(ObjectChange(action="Created", kind="Dataset", name=f"d{n}") for n in range(5000))
    text = markdown(plan(objects=many))
    assert text.startswith("### Plan: 5000 created\n")
    assert len(text) < 500


def test_a_headline_counts_what_cannot_be_done_too():
    refused = ObjectChange(action="Refused", kind="TrainingRun", name="x", problem="no")
    found = plan(objects=(CHANGED, refused), problems=("no",))
    assert headline(found) == "1 changed, 1 refused, cannot be made as it is"


def test_values_steer_no_terminal():
    assert value("a\x1b]0;x\x07\x9b31m") == '"a\\u001b]0;x\\u0007�31m"'
