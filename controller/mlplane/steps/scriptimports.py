"""Whether what a script imports is there, found out without running it.

Only what is imported in any case counts: statements at the top of a file, not those in a function, under an
``if`` or in a ``try``. Of an installed package only the name is looked up, for what it has inside may be made
when it is imported. Called by ``steps.preflight``, in the image in which the script will run.
"""

import ast
import difflib
import os
import pkgutil
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import PurePosixPath
from typing import NamedTuple

from mlplane.errors import InvalidInput
from mlplane.steps.usercode import Code

PACKAGE = "__init__.py"
_CHANGES_IMPORTS = {"path", "modules", "meta_path", "path_hooks"}
"""Of ``sys``: who writes to these may import what cannot be seen from here."""


class _Import(NamedTuple):
    file: str
    line: int
    module: str
    """Absolute, with dots."""
    names: tuple[str, ...]
    """What is taken from it; some may be modules."""


def check_imports(code: Code, script: str, image: str) -> None:
    """Look up what a script, and the files of the code that it imports, will import.

    Args:
        code: The user's code.
        script: Path of a file in it that is Python.
        image: Name of the image that this runs in.

    Raises:
        InvalidInput: a module is neither in the code nor installed, or a file of the code is not Python.
    """
    roots = tuple(dict.fromkeys((_parent(script), "")))
    waiting, seen = [script], {script}
    while waiting:
        file = waiting.pop(0)
        tree = _parsed(code, file)
        if _changes_imports(tree):
            return
        for wanted in _imports(tree, file, is_script=file == script):
            found = _files_of(code, wanted, roots)
            if found is None and not _is_installed(wanted.module.partition(".")[0]):
                raise InvalidInput(_missing(code, script, wanted, image))
            waiting += [path for path in found or () if path not in seen]
            seen.update(found or ())


def _parsed(code: Code, file: str) -> ast.Module:
    try:
        return ast.parse(code.read(file) or b"", file)
    except (SyntaxError, ValueError) as error:
        raise InvalidInput(f"{file} in {code.where} is not valid Python: {error}") from error


def _changes_imports(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in _CHANGES_IMPORTS
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
        for node in ast.walk(tree)
    )


def _imports(tree: ast.Module, file: str, *, is_script: bool) -> Iterator[_Import]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (_Import(file, node.lineno, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = () if is_script else PurePosixPath(file).parent.parts
            module = _absolute(node, file, package)
            yield _Import(file, node.lineno, module, tuple(alias.name for alias in node.names))


def _absolute(node: ast.ImportFrom, file: str, package: tuple[str, ...]) -> str:
    """The module that is meant; dots before a name count from the package of the file."""
    if not node.level:
        return node.module or ""
    if node.level > len(package):
        raise InvalidInput(
            f"{file} line {node.lineno} imports from {'.' * node.level}{node.module or ''}, but it is in no "
            "such package; import it by its name"
        )
    parts = package[: len(package) - node.level + 1]
    return ".".join((*parts, *([node.module] if node.module else [])))


def _files_of(code: Code, wanted: _Import, roots: tuple[str, ...]) -> list[str] | None:
    """The files of the code that run when it is imported; None if it is not in the code."""
    if wanted.module in sys.builtin_module_names:
        return None
    for root in roots:
        files = _modules(code, root, wanted.module.split("."))
        if files is not None:
            inside = [_modules(code, root, [*wanted.module.split("."), name]) for name in wanted.names]
            return [*files, *(path for more in inside for path in more or ())]
    return None


def _modules(code: Code, root: str, parts: list[str]) -> list[str] | None:
    """The file of a module and those of the packages around it; None if it is not there."""
    files, folder = [], root
    for index, part in enumerate(parts):
        listing, path = code.listing(folder), f"{folder}/{part}".lstrip("/")
        is_package = part in listing and PACKAGE in code.listing(path)
        if is_package:
            files.append(f"{path}/{PACKAGE}")
        elif f"{part}.py" in listing and index == len(parts) - 1:
            return [*files, f"{path}.py"]
        elif index == len(parts) - 1 and any(f"{part}{suffix}" in listing for suffix in EXTENSION_SUFFIXES):
            return files
        elif not code.listing(path) or (index == 0 and _is_installed(part)):
            return None
        folder = path
    return files


def _is_installed(name: str) -> bool:
    """Whether a module can be found beside the code; it is not imported."""
    # Neither the directory of the step nor what its own PYTHONPATH names is there for the script.
    own = {"", os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}  # noqa: PTH109 (a text)
    if PathFinder.find_spec(name, [entry for entry in sys.path if entry not in own]):
        return True
    others = [finder for finder in sys.meta_path if finder is not PathFinder]
    return any(finder.find_spec(name, None) for finder in others)


def _missing(code: Code, script: str, wanted: _Import, image: str) -> str:
    known = {*sys.stdlib_module_names, *(module.name for module in pkgutil.iter_modules())}
    known |= {name.removesuffix(".py") for name in code.listing(_parent(script)) | code.listing("")}
    near = difflib.get_close_matches(wanted.module.partition(".")[0], known, n=1)
    return (
        f"spec.entrypoint {script} cannot start: {wanted.file} line {wanted.line} imports {wanted.module!r}, "
        f"which is neither in {code.where} nor installed in the image {image}; "
        + (f"did you mean {near[0]!r}? " if near else "")
        + "Correct the import, or name an image that has it in spec.image"
    )


def _parent(path: str) -> str:
    return "" if "/" not in path else path.rpartition("/")[0]
