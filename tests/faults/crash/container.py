"""Stands in for what runs in containers: ``container.py HOLD -S -E SHIM_ARGUMENT ...``.

A test double. Where processes are killed, what is under test is who asks the API server for what; a step or a
predictor never does. The real ones spend seconds to import torch, and there are thousands of runs. So this
answers as they do, at once, from the task alone. A file in the folder HOLD named like a step makes the step
wait until the file has gone: that is how a test acts in the middle of a run.

The node's shim is the real one. Its child does not start Python once more, but becomes the test double as it
is: else most of a plane's time would go into starting interpreters. Needs the standard library only, and of
that as little as it can: ``pathlib`` takes longer than all the rest.
"""

# ruff: noqa: PTH103, PTH105, PTH110, PTH123

import json
import os
import sys
import time
import zlib

ACCURACY = "0.9721"
MODULES = ("mlplane.steps", "mlplane.store", "mlplane.serving")
ROWS = {"train": 1438, "test": 359}


def main(hold: str, _s: str, _e: str, shim: str, *arguments: str) -> None:
    """Be the shim; instead of a command of mlplane's own it runs the double of it."""
    execute = os.execvp

    def become(file: str, command: list[str]) -> None:
        if command[1:2] != ["-m"] or command[2] not in MODULES:
            execute(file, command)
        try:
            run_module(hold, *command[2:])
        except BaseException as error:  # noqa: BLE001 - the shim's own code must not go on in its child
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)

    os.execvp = become  # type: ignore[assignment]
    sys.argv = [shim, *arguments]
    with open(shim) as file:
        exec(compile(file.read(), shim, "exec"), {"__name__": "__main__", "__file__": shim})


def run_module(hold: str, module: str, *arguments: str) -> None:
    if module == "mlplane.steps":
        run_step(hold, arguments[0], dict(a.removeprefix("--").split("=", 1) for a in arguments[1:]))
    elif module == "mlplane.serving":
        serve(int(os.environ["PORT"]))


def run_step(hold: str, step: str, options: dict[str, str]) -> None:
    task = json.loads(os.environ["MLPLANE_TASK"])
    print(json.dumps({"step": step}), flush=True)
    while os.path.exists(f"{hold}/{step}"):
        time.sleep(0.02)
    outputs = f"{os.environ['MLPLANE_WORK_DIR']}/out"
    os.makedirs(outputs, exist_ok=True)
    for name, value in OUTPUTS[step](task, options).items():
        partial = f"{outputs}/.{name}.partial"
        with open(partial, "w") as file:
            file.write(value)
        os.replace(partial, f"{outputs}/{name}")


def digest(*parts: object) -> str:
    """Looks like one; a real one takes as long to import as Python takes to start."""
    text = json.dumps(parts, sort_keys=True).encode()
    return "sha256:" + "".join(f"{zlib.crc32(text, salt):08x}" for salt in range(8))


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
    return {"report": digest("report", options["model"], task["plan"])}


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
    results = [
        {
            "gate": gate,
            "verdict": "Passed" if float(ACCURACY) >= float(gate["min"]) else "Failed",
            "rows": ROWS["test"],
            "value": ACCURACY,
        }
        for gate in task["spec"]["evaluation"]["gates"]
    ]
    passed = all(result["verdict"] == "Passed" for result in results)
    recorded = {
        "verdict": "Passed" if passed else "Failed",
        "rows": ROWS["test"],
        "results": results,
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


def serve(port: int) -> None:
    """Say yes to every probe."""
    import socket  # steps do without

    yes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", port), backlog=16) as listening:
        while True:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.settimeout(1)
                    connection.recv(65536)
                    connection.sendall(yes)
                except OSError:
                    continue  # the prober has gone


if __name__ == "__main__":
    main(*sys.argv[1:])
