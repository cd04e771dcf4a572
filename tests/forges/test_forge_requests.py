"""What is asked of a forge, held against the OpenAPI document that the forge publishes.

GitHub's, and Forgejo's, which is also Gitea's API. GitLab has none that can be had without its whole source:
its requests are those of its own client library, and no document has judged them.
"""

import functools
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest

from forgeservers import Asked, running
from mlplane.api.promotion import Forge
from mlplane.gitops.pullrequests import PullRequest, Status, client_for

Body = dict[str, Any]
FOLDER = Path(os.environ["OPENAPI"])
"""With github.json and forgejo.json: see CONTRIBUTING.md. Not a part of `make test`, which has none."""
DOCUMENTS = {"GitHub": ("github.json", "/api/v3"), "Gitea": ("forgejo.json", "/api/v1")}
WANTED = PullRequest("mlplane/promote/prod/digits", "main", "Promote digits", "**Passed**\n")


@functools.cache
def document(kind: str) -> Body:
    found: Body = json.loads((FOLDER / DOCUMENTS[kind][0]).read_bytes())
    return found


@functools.cache
def patterns(kind: str) -> list[tuple[re.Pattern[str], Body]]:
    """The paths of the document, those about repositories."""
    found = ((t, item) for t, item in document(kind)["paths"].items() if t.startswith("/repos/"))
    return [(re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(t))), item) for t, item in found]


def operation(kind: str, asked: Asked) -> Body:
    """What the document says of a request's path and method."""
    path = asked.path.removeprefix(DOCUMENTS[kind][1])
    for pattern, item in patterns(kind):
        if pattern.fullmatch(path) and asked.method.lower() in item:
            return {**item[asked.method.lower()], "shared": item.get("parameters", [])}
    raise AssertionError(f"{kind} has no {asked.method} {unquote(path)}")


def resolved(kind: str, node: Body) -> Body:
    while "$ref" in node:
        found: Any = document(kind)
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def faults(kind: str, asked: Asked) -> list[str]:
    """What the document has against a request."""
    found = operation(kind, asked)
    parameters = [resolved(kind, p) for p in (*found.get("parameters", []), *found["shared"])]
    known = {p["name"]: p.get("schema", p) for p in parameters if p["in"] == "query"}
    said = [f"no parameter {name}" for name in asked.query if name not in known]
    for name, values in asked.query.items():
        said += [f"{name}={v}" for v in values if not allowed(known.get(name, {}), v)]
    schema = body_schema(kind, found, parameters)
    if asked.body is None:
        return said
    assert schema is not None, f"{asked.method} {asked.path} takes no body"
    properties = resolved(kind, schema)["properties"]
    said += [f"no field {name}" for name in asked.body if name not in properties]
    whole = {**schema, "definitions": document(kind).get("definitions", {})}
    return said + [e.message for e in jsonschema_rs.Draft7Validator(whole).iter_errors(asked.body)]


def allowed(schema: Body, value: str) -> bool:
    typed: Any = int(value) if schema.get("type") == "integer" and value.isdigit() else value
    bare = {k: v for k, v in schema.items() if k in ("type", "enum")}
    return jsonschema_rs.Draft7Validator(bare).is_valid(typed)


def body_schema(kind: str, found: Body, parameters: list[Body]) -> Body | None:
    if kind == "GitHub":
        content = resolved(kind, found.get("requestBody", {})).get("content", {})
        return content.get("application/json", {}).get("schema")
    return next((p["schema"] for p in parameters if p["in"] == "body"), None)


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_every_request_is_one_that_the_forge_documents(kind):
    with running(kind) as forge:
        said = Forge.model_validate({"kind": kind, "url": forge.url, "repository": "team/digits"})
        client = client_for(said, {"MLPLANE_FORGE_TOKEN": forge.token})
        client.ensure(WANTED)
        client.ensure(WANTED._replace(title="Promote another"))
        client.report(
            "c" * 40, [Status("mlplane/soak", state, "wait") for state in ("Passed", "Failed", "Warning")]
        )
        wrong = {f"{a.method} {a.path}": found for a in forge.asked if (found := faults(kind, a))}
    assert wrong == {}
    assert {asked.method for asked in forge.asked} == {"GET", "POST", "PATCH"}


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_a_request_that_is_not_documented_would_be_found(kind):
    prefix = DOCUMENTS[kind][1]
    path = f"{prefix}/repos/team/digits/pulls"
    assert faults(kind, Asked("POST", path, {}, {}, {"title": "t", "head": "h", "base": "b", "x": 1}))
    assert faults(kind, Asked("POST", path, {}, {}, {"title": 1, "head": "h", "base": "b"}))
    assert faults(kind, Asked("GET", path, {"state": ["opened"]}, {}, None))
    assert faults(kind, Asked("GET", path, {"branch": ["b"]}, {}, None))
    with pytest.raises(AssertionError, match="has no PUT"):
        operation(kind, Asked("PUT", path, {}, {}, None))
