"""Sources as a person uses them: a Dataset, a Secret and a volume on a running plane."""

import pytest
import yaml

from plane import Plane, eventually, running

ROWS = "".join(f"{number},{number * 2}\n" for number in range(200))


def dataset(name, source):
    spec = {
        "source": source,
        "format": "CSV",
        "header": "Absent",
        "columns": [{"name": "a", "type": "Integer"}, {"name": "b", "type": "Integer"}],
        "splits": [{"name": "train", "percent": 100}],
    }
    return {
        "apiVersion": "mlplane.dev/v1alpha1",
        "kind": "Dataset",
        "metadata": {"name": name},
        "spec": spec,
    }


SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "access"},
    "stringData": {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "pass-word", "OTHER": "unasked"},
}


@pytest.fixture
def plane(tmp_path, s3_server):
    (tmp_path / "home").mkdir()
    with running(Plane(tmp_path / "state", tmp_path / "home", ("--allow-host", s3_server))) as started:
        yield started


def test_a_secret_and_a_volume_reach_the_step_that_reads_and_a_server_that_is_not_allowed_does_not(
    plane, s3, s3_server, web
):
    s3.put_object(Bucket="bucket", Key="private/rows.csv", Body=ROWS.encode())
    volume = plane.state / "volumes/default/measurements"
    volume.mkdir(parents=True)
    (volume / "rows.csv").write_text(ROWS)
    prefix = {"uri": "s3://bucket/private/", "endpoint": f"http://{s3_server}"}
    objects = [
        SECRET,
        dataset("bucket", {"s3": prefix, "secretRef": {"name": "access"}}),
        dataset("no-secret", {"s3": prefix}),
        dataset("volume", {"pvc": {"claim": "measurements", "path": "rows.csv"}}),
        dataset("elsewhere", {"s3": prefix | {"endpoint": f"http://{web.address}"}}),
    ]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    for name in ("bucket", "volume"):
        plane.wait_for("dataset", name, "Ready", seconds=70)
        assert plane.object("dataset", name)["status"]["rows"] == 200
    digests = {plane.object("dataset", name)["status"]["digest"] for name in ("bucket", "volume")}
    assert len(digests) == 1
    for name, words in (
        ("no-secret", "may not be read with these"),
        ("elsewhere", "is refused: it is loopback"),
    ):
        eventually(
            lambda name=name, words=words: (
                words in plane.condition("dataset", name, "Ready").get("message", "")
            ),
            f"{name} says that it {words}",
        )
    assert web.seen == []
    pods = plane.kubectl("get", "pods", "-o", "yaml").stdout
    logs = "".join(file.read_text() for file in (plane.state / "pods").glob("*/*.log"))
    assert (
        "pass-word"
        not in pods + logs + plane.kubectl("get", "workflows,datasets,events", "-o", "yaml").stdout
    )
    assert pods.count("secretKeyRef") == 3
