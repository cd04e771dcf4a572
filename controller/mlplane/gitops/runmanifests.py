"""The TrainingRuns of a working tree: which is the newest of its model, and what the next one is called.

Called by ``gitops.newruns``, ``gitops.lock`` and ``gitops.pinfindings``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplane.api.reading import at, text
from mlplane.errors import InvalidInput
from mlplane.gitops import git
from mlplane.gitops.findings import closest
from mlplane.gitops.manifest import ManifestError, load

SUFFIXES = (".yaml", ".yml")
_NUMBERED = re.compile(r"(.+)-(\d{1,9})")


@dataclass(frozen=True)
class RunManifest:
    """A file that holds a TrainingRun."""

    file: str
    """Relative to the repository."""
    text: str
    name: str
    model: str

    @property
    def number(self) -> int:
        """What its name ends with."""
        return number_of(self.name)


def runs_in(repo: Path) -> list[RunManifest]:
    """The TrainingRuns in the files of a working tree; what is no manifest is left out."""
    files = git.worktree_files(repo, SUFFIXES)
    return runs_among({file: (repo / file).read_bytes().decode(errors="replace") for file in files})


def runs_among(files: Mapping[str, str]) -> list[RunManifest]:
    """The TrainingRuns in these files, by name."""
    found = []
    for file, content in files.items():
        if "TrainingRun" not in content:
            continue
        try:
            documents = load(content, file)
        except ManifestError:
            continue
        for body in (document.body for document in documents):
            name, model = text(at(body, "metadata", "name")), text(at(body, "spec", "model"))
            if body.get("kind") == "TrainingRun" and name and model:
                found.append(RunManifest(file, content, name, model))
    return found


def superseded(runs: Iterable[tuple[str, str]]) -> set[str]:
    """Names of the runs, given as (name, model), after which their model has a newer one.

    They are records of what was trained: their code stays what it was, whatever it is now.
    """
    names = sorted(runs, key=lambda run: (number_of(run[0]), run[0]))
    newest = {model: name for name, model in names}
    return {name for name, model in names if newest[model] != name}


def newest_of(runs: Iterable[RunManifest], model: str) -> RunManifest:
    """The run of a model with the highest number. Raises InvalidInput if there is none."""
    runs = list(runs)
    if found := [run for run in runs if run.model == model]:
        return max(found, key=lambda run: (run.number, run.name))
    models = sorted({run.model for run in runs})
    raise InvalidInput(
        f'no TrainingRun of model "{model}" is in this repository{_choice(model, models)}; '
        "`mlplane init` makes a first one"
    )


def named(runs: Iterable[RunManifest], name: str) -> RunManifest:
    """The run of that name. Raises InvalidInput if there is none, or more than one."""
    runs = list(runs)
    found = [run for run in runs if run.name == name]
    if len(found) > 1:
        files = ", ".join(run.file for run in found)
        raise InvalidInput(f'TrainingRun "{name}" stands in more than one file: {files}')
    if not found:
        choice = _choice(name, [run.name for run in runs])
        raise InvalidInput(f'TrainingRun "{name}" is in no file of this repository{choice}')
    return found[0]


def next_name(template: RunManifest, runs: Iterable[RunManifest]) -> str:
    """The first number after all that are taken: ``digits-3`` after ``digits-2``."""
    stem = _stem(template.name)
    numbers = [run.number for run in runs if _stem(run.name) == stem]
    return f"{stem}-{max([*numbers, 1]) + 1}"


def file_for(template: RunManifest, name: str) -> str:
    """The file of a run, beside that of its template; its name says which run it is."""
    path, number = Path(template.file), f"-{template.number}"
    if template.name in path.name:
        return path.with_name(path.name.replace(template.name, name)).as_posix()
    if path.stem.endswith(number) and _stem(name) == _stem(template.name):
        return path.with_stem(f"{path.stem.removesuffix(number)}-{number_of(name)}").as_posix()
    return path.with_stem(name).as_posix()


def number_of(name: str) -> int:
    """What the name of a run ends with: 2 of ``digits-2``; 0 where it has no number."""
    found = _NUMBERED.fullmatch(name)
    return int(found[2]) if found else 0


def _stem(name: str) -> str:
    found = _NUMBERED.fullmatch(name)
    return found[1] if found else name


def _choice(wanted: str, there: list[str]) -> str:
    guess = closest(wanted, there)
    return f'; did you mean "{guess}"?' if guess else f"; there is: {', '.join(sorted(there)) or 'none'}"
