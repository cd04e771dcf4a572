"""What a step of a cell does: ``kubectl``, ``http``, ``python``, ``dynamic``, ``read``, ``log``, ``until``,
or ``operator``.

Each function takes the scene and the step and gives the answer to record; None if there is nothing to record.
"""

import json
import re
import shlex
import time
from typing import Any

import kubernetes
from kubernetes.dynamic import DynamicClient

from background import Background
from conformance.matrix.cell import Body
from conformance.matrix.scene import Scene, eventually
from conformance.matrix.target import Answer

_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}

_TOUCH_S = 3.0
_LOG_LINE = re.compile(r"[IWEF]\d{4} ")
"""How lines begin that kubectl says about itself."""


def run(scene: Scene, step: Body) -> Any:
    """Do a step and give what is to be recorded: all of it, or what ``only`` names."""
    for name, act in _STEPS.items():
        if name in step:
            answer = act(scene, step)
            return _ONLY[step["only"]](answer) if "only" in step else answer
    raise AssertionError(f"{scene.cell.name}: no step is called {list(step)}; known: {list(_STEPS)}")


def _kubectl(scene: Scene, step: Body) -> Body | None:
    arguments = shlex.split(scene.fill(step["kubectl"]))
    if not {"-n", "-A"} & set(arguments):
        arguments = ["-n", scene.namespace, *arguments]
    if step.get("background"):
        scene.reading = scene.target.background(*arguments)
        return None
    environment = scene.fill(step.get("environment", {}))
    done = scene.target.kubectl(*arguments, stdin=_stdin(scene, step), **environment)
    answer: Body = {"exit": done.returncode}
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        if text:
            answer[name] = scene.normal.text(text)
    if "remember" in step:
        scene.memory[step["remember"]] = done.stdout.strip()
        answer["stdout"] = step["remember"]
    return answer


def _stdin(scene: Scene, step: Body) -> str | None:
    body = scene.body(step.get("stdin"))
    if isinstance(body, list):
        return "\n---\n".join(json.dumps(each) for each in body)
    return body if isinstance(body, str | None) else json.dumps(body)


def _http(scene: Scene, step: Body) -> Body:
    method, path = step["http"].split(" ", 1)
    headers = scene.fill(step.get("headers", {}))
    if "patch" in step:
        headers["Content-Type"] = _PATCHES[step["patch"]]
    body = scene.body(step["body"]) if "body" in step else None
    answer = scene.target.http(
        method, scene.path(path), body, headers=headers, token=scene.fill(step.get("token", ""))
    )
    if continued := answer.body.get("metadata", {}).get("continue"):
        scene.memory["CONTINUE"] = continued
    return _answered(scene, answer, step.get("show", ["Warning"]))


def _answered(scene: Scene, answer: Answer, show: list[str]) -> Body:
    found: Body = {"status": answer.status}
    for name in show:
        if name in answer.headers:
            found[name] = [scene.normal.text(each) for each in answer.headers.getlist(name)]
    try:
        documents = [json.loads(line) for line in answer.data.splitlines()]
    except ValueError:
        documents = [answer.body] if answer.body else [answer.data.decode(errors="replace")]
    shown = [scene.normal.value(each) for each in documents if not _is_bookmark(each)]
    single = len(shown) == 1 and not (isinstance(shown[0], dict) and "type" in shown[0])
    return found | {"body": shown[0] if single else shown}


def _is_bookmark(event: Any) -> bool:
    """Whether it is a bookmark that only tells the time; when those come is the server's affair."""
    if not isinstance(event, dict) or event.get("type") != "BOOKMARK":
        return False
    return "annotations" not in json.dumps(event["object"])


def _python(scene: Scene, step: Body) -> Body:
    """A call of the typed client: ``CoreV1Api.read_namespaced_config_map``; ``watch`` makes it a watch."""
    api, method = step["python"].split(".")
    arguments = scene.fill(step.get("with", {}))
    if "body" in arguments:
        arguments["body"] = scene.body(arguments["body"])
    client = scene.target.api_client
    call = getattr(getattr(kubernetes.client, api)(client), method)
    if step.get("watch"):
        return _recorded(scene, lambda: _watched(call, arguments))
    return _recorded(scene, lambda: client.sanitize_for_serialization(call(**arguments)))


def _watched(call: Any, arguments: Body) -> list[Body]:
    events = kubernetes.watch.Watch().stream(call, **arguments)
    return [{"type": event["type"], "object": event["raw_object"]} for event in events]


def _dynamic(scene: Scene, step: Body) -> Body:
    """A call of the dynamic client: ``Lamp.patch``."""
    kind, method = step["dynamic"].split(".")
    arguments = scene.fill(step.get("with", {})) | {"namespace": scene.namespace}
    if "body" in arguments:
        arguments["body"] = scene.body(arguments["body"])
    group = step.get("version", "matrix.example.com/v1")

    def call() -> Any:
        resource = DynamicClient(scene.target.api_client).resources.get(api_version=group, kind=kind)
        found = getattr(resource, method)(**arguments)
        return [_raw(event) for event in found] if method == "watch" else found.to_dict()

    return _recorded(scene, call)


def _raw(event: Body) -> Body:
    return {"type": event["type"], "object": event["raw_object"]}


def _recorded(scene: Scene, call: Any) -> Body:
    try:
        return {"returned": scene.normal.value(call())}
    except kubernetes.client.ApiException as error:
        found: Body = {"raised": type(error).__name__, "status": error.status}
        try:
            return found | {"body": scene.normal.value(json.loads(error.body))}
        except (TypeError, ValueError):
            return found | {"reason": scene.normal.text(str(error.reason))}


def _read(scene: Scene, step: Body) -> Body:
    """Lines of the command in the background; ``read: end`` waits until it ends."""
    command = _background(scene)
    if step["read"] == "end":
        text = command.rest()
        return {"exit": command.process.returncode, "stdout": scene.normal.text(text)}
    lines: list[str] = []
    while len(lines) < step["read"]:
        if not _LOG_LINE.match(line := command.line()):
            lines.append(line)
    return {"stdout": scene.normal.text("".join(lines))}


def _log(scene: Scene, step: Body) -> None:
    """Wait until the command in the background, which runs with ``-v=6``, has said this about itself.

    So a step can follow, and not precede, the client's watch: ``log: watch=true`` is its answered request.
    """
    command = _background(scene)
    while True:
        line = command.line()
        if _LOG_LINE.match(line) and step["log"] in line:
            return


def _background(scene: Scene) -> Background:
    assert scene.reading is not None, f"{scene.cell.name}: nothing runs in the background"
    return scene.reading


def _until(scene: Scene, step: Body) -> None:
    """Wait until an object is ``gone``, or until a ``field`` of it ``equals`` a value."""
    path = scene.path(step["until"])
    wanted = scene.fill(step.get("equals"))

    def holds() -> bool:
        answer = scene.target.http("GET", path)
        if step.get("gone"):
            return answer.status == 404
        return answer.status == 200 and _at(answer.body, step["field"]) == wanted

    eventually(holds, f"{scene.cell.name}: {step}", scene.target.patience)


def _at(value: Any, path: str | list[str]) -> Any:
    """The value at ``a.b.c``; in a list, b is the type or the name of an element, or ``#`` its length."""
    for part in path.split(".") if isinstance(path, str) else path:
        if isinstance(value, list):
            named = (each for each in value if part in (each.get("type"), each.get("name")))
            value = len(value) if part == "#" else next(named, None)
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _operator(scene: Scene, step: Body) -> str:
    """Wait until the Kopf operator has said this about the namespace; how often does not matter.

    ``touch`` is an object that is changed every few seconds meanwhile, so that Kopf looks for kinds again.
    """
    wanted = f"{scene.namespace} {step['operator']}"
    touched = time.monotonic()

    def told() -> bool:
        nonlocal touched
        if "touch" in step and time.monotonic() > touched + _TOUCH_S:
            touched = time.monotonic()
            scene.target.kubectl("annotate", step["touch"], f"touched={touched}", "--overwrite")
        lines = scene.target.operator_log.read_text().splitlines()
        return any(line.startswith(wanted) for line in lines)

    eventually(told, f"{scene.cell.name}: the operator says {wanted!r}", scene.target.patience)
    return f"the operator said: {step['operator']}"


def _names(answer: Body) -> Body:
    return {
        "status": answer["status"],
        "names": [item["metadata"]["name"] for item in answer["body"]["items"]],
    }


def _types(answer: Body) -> Body:
    return {"status": answer["status"], "types": [event["type"] for event in answer["body"]]}


def _allowed(answer: Body) -> Body:
    status = answer["body"].get("status", {})
    return {
        "status": answer["status"],
        "allowed": status.get("allowed"),
        "denied": status.get("denied", False),
    }


def _parameters(answer: Body) -> Body:
    """What clients read of an OpenAPI document: the actions and their parameters, and the schemas' fields."""
    paths = answer["body"]["paths"]
    return {
        path: {
            action: " ".join(sorted(each["name"] for each in operation.get("parameters", [])))
            for action, operation in operations.items()
            if isinstance(operation, dict)
        }
        for path, operations in sorted(paths.items())
        if "/lamps" in path
    }


_ONLY = {
    "allowed": _allowed,
    "parameters": _parameters,
    "status": lambda answer: answer["status"],
    "exit": lambda answer: answer["exit"],
    "returned": sorted,
    "names": _names,
    "types": _types,
}
_STEPS = {
    "kubectl": _kubectl,
    "http": _http,
    "python": _python,
    "dynamic": _dynamic,
    "read": _read,
    "log": _log,
    "until": _until,
    "operator": _operator,
}
