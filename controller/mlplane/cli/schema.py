"""``mlplane schema``: the kinds as JSON Schemas, for editors, or as CRDs, for a cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlplane.api.meta import Body, Resource


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            help="A kind, such as Dataset or dset, or promotion for promotion.yaml; by default all."
        ),
    ] = "",
    crd: Annotated[bool, typer.Option("--crd", help="CustomResourceDefinitions, as YAML.")] = False,
) -> None:
    """Print the schema of a kind, or of all (for `kubectl apply -f -` with --crd)."""
    from mlplane.api import KINDS
    from mlplane.schema.crds import crd_for
    from mlplane.schema.generated import crd_yaml

    if kind.lower() == "promotion" and not crd:
        _print_promotion()
        return
    kinds = [_kind(kind)] if kind else list(KINDS.values())
    if crd:
        print("---\n".join(crd_yaml(crd_for(chosen)) for chosen in kinds), end="")
    else:
        _print_json(kinds)


def _print_json(kinds: list[type["Resource"]]) -> None:
    import json

    from mlplane.schema.jsonschema import DIALECT, json_schema_for

    schemas = [json_schema_for(kind) for kind in kinds]
    several: Body = {"$schema": DIALECT, "title": "A manifest of mlplane", "oneOf": schemas}
    print(json.dumps(schemas[0] if len(schemas) == 1 else several, indent=2))


def _print_promotion() -> None:
    import json

    from mlplane.schema.jsonschema import promotion_schema

    print(json.dumps(promotion_schema(), indent=2))


def _kind(name: str) -> type["Resource"]:
    """The kind of that name: its own, its plural or its short one, in any case."""
    from mlplane.api import KINDS
    from mlplane.errors import InvalidInput

    for own, kind in KINDS.items():
        if name.lower() in (own.lower(), kind.PLURAL, kind.SHORT_NAME):
            return kind
    raise InvalidInput(f"there is no kind {name!r} on a cluster; the kinds are {', '.join(KINDS)}")
