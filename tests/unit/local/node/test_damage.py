"""Files of a shim that a power cut has emptied."""

from mlplane.local.node import runs
from mlplane.local.podfolder import PodFolder


def test_an_attempt_whose_record_is_damaged_counts_as_lost_and_stops_nothing(tmp_path):
    folder = PodFolder(tmp_path)
    attempt = folder.attempts("main") / "0"
    attempt.mkdir(parents=True)
    (attempt / "shim.json").write_text("")
    (attempt / "child.json").write_text('{"pid": 1')
    [run] = runs.read(folder, "main")
    assert run.state == "lost"
    runs.send(run, 15)
