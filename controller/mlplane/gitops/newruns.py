"""A new TrainingRun made of an earlier one, and one that is told to stop: as files, for a person to commit.

A run never changes, so what is to be trained otherwise is another run. Called by ``cli.runs``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplane.errors import InvalidInput
from mlplane.gitops import git
from mlplane.gitops.findings import closest
from mlplane.gitops.lock import own_identities
from mlplane.gitops.manifest import load
from mlplane.gitops.pins import identity, pins, replaced
from mlplane.gitops.runmanifests import RunManifest, file_for, named, newest_of, next_name, runs_in
from mlplane.gitops.validate import judge
from mlplane.gitops.yamledits import with_field, without_field

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""What is the same text again as a number of YAML."""


@dataclass(frozen=True)
class Written:
    """A manifest that was written."""

    file: str
    name: str
    template: str
    """File that it was made of; the same file if that was changed."""
    changes: tuple[str, ...]
    """What is other than in the template, a few words each."""


def new_run(
    repo: Path, model: str, params: Mapping[str, str], name: str = "", gpus: int | None = None
) -> Written:
    """Write the next run of a model, made of its newest one, with the code as it is committed now.

    Raises:
        InvalidInput: there is no run of that model, a value is not allowed, or the name is taken; says where.
        Terminal: the code has changes that are not committed.
    """
    runs = runs_in(repo)
    template = newest_of(runs, model)
    text, moved = _with_present_code(repo, template)
    text = without_field(text, template.file, ("spec", "rerun"))
    text, changed = _with_params(text, template, params)
    if gpus is not None:
        text = with_field(text, template.file, ("spec", "gpus"), gpus, after="entrypoint")
        changed = (*changed, f"gpus {gpus}")
    return _write(repo, template, runs, text, name, (*changed, *moved))


def rerun(repo: Path, name: str, new_name: str = "") -> Written:
    """Write a copy of a run that is trained again, though its result may be in the store.

    Raises:
        InvalidInput: there is no such run, or the name is taken.
    """
    runs = runs_in(repo)
    template = named(runs, name)
    new_name = new_name or next_name(template, runs)
    text = with_field(template.text, template.file, ("spec", "rerun"), new_name, after="seed")
    return _write(repo, template, runs, text, new_name, (f"rerun {new_name}",))


def cancel(repo: Path, name: str) -> Written | None:
    """Have a run suspended by its manifest; None if it is already.

    Raises:
        InvalidInput: there is no such run, or its manifest cannot be changed in place.
    """
    run = named(runs_in(repo), name)
    text = with_field(run.text, run.file, ("spec", "suspend"), value=True, after="entrypoint")
    if text == run.text:
        return None
    (repo / run.file).write_bytes(text.encode())
    return Written(run.file, run.name, run.file, ("suspend true",))


def _with_present_code(repo: Path, template: RunManifest) -> tuple[str, tuple[str, ...]]:
    """The template's text, pinned to the last commit of its code where that is in this repository."""
    new, said, own = {}, [], own_identities(repo)
    for pin in pins(template.text, template.file):
        if identity(pin.url.value) not in own:
            continue
        if git.is_dirty(repo, pin.path.value):
            raise InvalidInput(
                f"{pin.path.value} has changes that are not committed: "
                "commit them first, so that the run can be pinned to them"
            )
        commit = git.last_commit(repo, pin.path.value)
        if commit != pin.commit.value:
            new[pin.commit] = commit
            said.append(f"{pin.path.value} {pin.commit.value[:12]} -> {commit[:12]}")
    return replaced(template.text, new), tuple(said)


def _with_params(text: str, template: RunManifest, params: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with these parameters, and what they were before."""
    before = _params_of(text, template.file)
    said: list[str] = []
    for name, value in params.items():
        found: str | int = int(value) if _WHOLE.fullmatch(value) else value
        if not before and not said:
            text = without_field(text, template.file, ("spec", "params"))
            text = with_field(text, template.file, ("spec", "params"), 0, after="entrypoint")
            text = text.replace("params: 0", "params: {" + f"{name}: 0" + "}", 1)
        text = with_field(text, template.file, ("spec", "params", name), found)
        said.append(f"{name} {before[name]} -> {value}" if name in before else _added(name, value, before))
    return text, tuple(said)


def _added(name: str, value: str, before: Mapping[str, str]) -> str:
    guess = closest(name, before)
    return f"{name} {value} (new; did you mean {guess}?)" if guess else f"{name} {value} (new)"


def _params_of(text: str, file: str) -> dict[str, str]:
    (document,) = load(text, file)
    params = document.body["spec"].get("params") or {}
    return {str(name): str(value) for name, value in params.items()}


def _write(
    repo: Path,
    template: RunManifest,
    runs: list[RunManifest],
    text: str,
    name: str,
    changes: tuple[str, ...],
) -> Written:
    """Write the run beside its template, if it is valid and nothing has its name or its file."""
    name = name or next_name(template, runs)
    file = file_for(template, name)
    taken = next((run.file for run in runs if run.name == name), "")
    if taken or (repo / file).exists():
        raise InvalidInput(f"{taken or file} is there already: choose another name with --name")
    text = with_field(text, template.file, ("metadata", "name"), name)
    text = without_field(text, template.file, ("spec", "suspend"))
    faults = [found for found in judge(load(text, file)) if found.severity == "error"]
    if faults:
        raise InvalidInput("; ".join(map(str, faults)))
    (repo / file).write_bytes(text.encode())
    return Written(file, name, template.file, changes)
