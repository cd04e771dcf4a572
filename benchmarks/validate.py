"""``python -m benchmarks.validate``: how many manifests of 1 kB ``mlplane validate`` judges in a second.

The whole command is measured on one core, from the start of its process: schema, CEL rules, references, pins
compared with git (``benchmarks.manifests``). Beside it, on the same files, tools that know the JSON Schemas
alone: check-jsonschema, and a loop of PyYAML's C parser and jsonschema. Writes
``benchmarks/results/validate.json``. Linux only.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

RESULTS = Path(__file__).parent / "results" / "validate.json"
SCHEMAS = Path(__file__).parents[1] / "schemas"
BIN = Path(sys.executable).parent
MANIFESTS = 1000
TIMES = 5


def main() -> None:
    """Measure, print a table and write the figures."""
    from benchmarks.manifests import KINDS, write

    with TemporaryDirectory() as folder:
        root = Path(folder)
        size = write(root, MANIFESTS)
        dev = root / "dev"
        one = root / "one"
        one.mkdir()
        (one / "server.yaml").write_bytes((dev / "modelserver-4.yaml").read_bytes())
        schema_tool = [
            [BIN / "check-jsonschema", "--schemafile", SCHEMAS / f"{kind.lower()}.json", *found]
            for kind in KINDS
            if (found := sorted(dev.glob(f"{kind.lower()}-*.yaml")))
        ]
        measured = {
            "mlplane validate": _median([[BIN / "mlplane", "validate", dev]], TIMES),
            "mlplane validate, one manifest": _median([[BIN / "mlplane", "validate", one]], TIMES),
            "PyYAML and jsonschema": _median([[sys.executable, __file__, dev]], TIMES),
            "check-jsonschema": _median(schema_tool, 1),
        }
    _report(measured, size)


def _median(commands: list[list[object]], times: int) -> dict[str, float]:
    """Seconds that the commands take on one core, one after the other."""
    rounds = [_once(commands) for _ in range(times)]
    return {key: round(statistics.median(each[key] for each in rounds), 2) for key in rounds[0]}


def _once(commands: list[list[object]]) -> dict[str, float]:
    core = min(os.sched_getaffinity(0))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        subprocess.run(
            [*map(str, command)],
            check=True,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_seconds": wall, "cpu_seconds": cpu}


def _report(measured: dict[str, dict[str, float]], size: int) -> None:
    ours = measured["mlplane validate"]
    peers = ("PyYAML and jsonschema", "check-jsonschema")
    document = {
        "machine": {
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
        },
        "manifests": MANIFESTS,
        "bytes_each": round(size / MANIFESTS),
        "measured": measured,
        "manifests_a_second_of_cpu": round(MANIFESTS / ours["cpu_seconds"]),
        "ratio_of_cpu": {
            peer: round(ours["cpu_seconds"] / measured[peer]["cpu_seconds"], 2) for peer in peers
        },
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    for name, each in measured.items():
        print(f"{name:32} {each['wall_seconds']:7.2f} s {each['cpu_seconds']:7.2f} s CPU")
    print(document["manifests_a_second_of_cpu"], "manifests a second of CPU;", document["ratio_of_cpu"])


def _schemas_alone(folder: Path) -> None:
    """The peer: parse each file and judge it by the schema of its kind."""
    import yaml
    from jsonschema import Draft202012Validator

    validators = {
        file.stem: Draft202012Validator(json.loads(file.read_text())) for file in SCHEMAS.glob("*.json")
    }
    for file in sorted(folder.glob("*.yaml")):
        body = yaml.load(file.read_text(), yaml.CSafeLoader)
        if errors := list(validators[body["kind"].lower()].iter_errors(body)):
            sys.exit(f"{file}: {errors[0].message}")


if __name__ == "__main__":
    if sys.argv[1:]:
        _schemas_alone(Path(sys.argv[1]))
    else:
        main()
