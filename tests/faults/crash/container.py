"""Stands in for what runs in containers: ``container.py HOLD -m mlplane.{steps,store,serving} ...``.

A test double. Where processes are killed, what is under test is who asks the API server for what; a step or a
predictor never does. The real ones spend seconds to import torch, and there are thousands of runs. So this
answers as they do, at once, from the task alone. A file in the folder HOLD named like a step makes the step
wait until the file has gone: that is how a test acts in the middle of a run. Needs the standard library only.
"""

import hashlib
import http.server
import json
import os
import pathlib
import sys
import time

ACCURACY = "0.9721"
ROWS = {"train": 1438, "test": 359}


def main(hold: str, _flag: str, module: str, *arguments: str) -> None:
    if module == "mlplane.steps":
        run_step(hold, arguments[0], dict(a.removeprefix("--").split("=", 1) for a in arguments[1:]))
    elif module == "mlplane.serving":
        serve(int(os.environ["PORT"]))


def run_step(hold: str, step: str, options: dict[str, str]) -> None:
    task = json.loads(os.environ["MLPLANE_TASK"])
    print(json.dumps({"step": step}), flush=True)
    while pathlib.Path(hold, step).exists():
        time.sleep(0.02)
    outputs = pathlib.Path(os.environ["MLPLANE_WORK_DIR"], "out")
    outputs.mkdir(parents=True, exist_ok=True)
    for name, value in OUTPUTS[step](task, options).items():
        partial = outputs / f".{name}.partial"
        partial.write_text(value)
        partial.replace(outputs / name)


def digest(*parts: object) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def uri(kind: str, name: str, found: str) -> str:
    return f"store://{kind}/{name}/{found.replace(':', '-')}"


def ingest(task: dict, _options: dict[str, str]) -> dict[str, str]:
    found = digest(task["spec"])
    splits = [
        {"name": s["name"], "digest": digest(found, s["name"]), "rows": s["percent"] * 18}
        for s in task["spec"]["splits"]
    ]
    rows = sum(split["rows"] for split in splits)
    version = {
        "digest": found,
        "uri": uri("datasets", task["name"], found),
        "rows": rows,
        "files": 1,
        "bytes": 1,
        "splits": splits,
    }
    return {"dataset": json.dumps(version)}


def key_of(task: dict) -> str:
    """As the real one: gates are not part of it."""
    spec = {name: value for name, value in task["spec"].items() if name != "evaluation"}
    return digest(spec, task["splits"])


def preflight(task: dict, _options: dict[str, str]) -> dict[str, str]:
    return {"key": key_of(task), "cached": "false", "model": ""}


def train(task: dict, _options: dict[str, str]) -> dict[str, str]:
    return {"model": digest("model", key_of(task))}


def evaluate(task: dict, options: dict[str, str]) -> dict[str, str]:
    return {"report": digest("report", options["model"], task["spec"]["evaluation"])}


def publish(task: dict, options: dict[str, str]) -> dict[str, str]:
    model, name = options["model"], task["spec"]["model"]
    trained = {
        "version": 1,
        "key": options["key"],
        "tree": "f" * 40,
        "artifact": {"uri": uri("models", name, model), "digest": model},
        "signature": {
            "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}],
            "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}],
        },
    }
    gates = [
        {
            **gate,
            "value": ACCURACY,
            "verdict": "Passed" if float(ACCURACY) >= float(gate["min"]) else "Failed",
        }
        for gate in task["spec"]["evaluation"]["gates"]
    ]
    passed = all(gate["verdict"] == "Passed" for gate in gates)
    recorded = {
        "verdict": "Passed" if passed else "Failed",
        "rows": ROWS["test"],
        "results": gates,
        "report": uri("reports", name, options["report"]),
    }
    return {"result": json.dumps({"trained": trained, "recorded": recorded})}


OUTPUTS = {
    "ingest": ingest,
    "preflight": preflight,
    "train": train,
    "evaluate": evaluate,
    "publish": publish,
}


class Ready(http.server.BaseHTTPRequestHandler):
    """Says yes to every probe."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Probes are not worth a line."""


def serve(port: int) -> None:
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Ready).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
