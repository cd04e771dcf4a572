"""The git that mlplane needs, by the git command: what a path was at a revision, and new commits.

Files are read from commits, never from a checkout, so that what is applied is what was committed. No hook of
the repository and no program from its configuration runs; git never prompts. Every failure of git is a
``Terminal`` with its own words. Called by ``gitops.lock``, ``gitops.scaffold``, the GitOps agent and the CLI.
"""

import os
import subprocess
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from mlplane.errors import InvalidInput, Terminal

TIMEOUT_SECONDS = 60
LARGEST_B = 4 << 20
"""Of a file that is read: as many characters as a manifest may have, of four bytes each."""
LARGEST_LISTING_B = 32 << 20
"""Of the names below a path, some 300,000: a few trees that hold each other stand for millions of files."""
LARGEST_SUM_B = 256 << 20
"""Of all manifests below a path, for the same reason."""
_SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.pager=cat"),
    *("-c", "log.showSignature=false"),
    *("-c", "log.follow=false"),
    "--no-replace-objects",
    "--literal-pathspecs",
)
_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_GLOBAL", "GIT_SSL_", "GIT_EXEC_PATH")
"""Variables that may reach git. Others, such as the GIT_DIR of a hook, would name another repository."""


def root(directory: Path) -> Path | None:
    """Top folder of the repository that the directory lies in; None if it lies in none."""
    try:
        return Path(_text(directory, "rev-parse", "--show-toplevel"))
    except Terminal as error:
        if "not a git repository" in str(error):
            return None
        raise


def repository(directory: Path) -> Path:
    """Top folder of the repository that the directory lies in.

    Raises:
        InvalidInput: It lies in none.
    """
    repo = root(directory)
    if repo is None:
        raise InvalidInput(f"{directory.resolve()} is in no git repository: run `mlplane init` or `git init`")
    return repo


def is_repository(directory: Path) -> bool:
    """Whether the directory lies in a repository, or is one without a working tree."""
    return directory.is_dir() and run(directory, "rev-parse", "--git-dir", check=False).returncode == 0


def resolve(repo: Path, revision: str) -> str:
    """Id of the commit that a branch, a tag or an abbreviated id stands for."""
    return _object(repo, f"{revision}^{{commit}}", f"{repo} has no revision {revision!r}: commit or fetch it")


def last_commit(repo: Path, path: str, revision: str = "HEAD") -> str:
    """Id of the last commit that changed the path, as seen from the revision."""
    require_history(repo)
    found = _text(repo, "log", "-1", "--format=%H", "--end-of-options", resolve(repo, revision), "--", path)
    if not found:
        raise Terminal(f"no commit of {revision} contains {path}: commit it first")
    return found


def require_history(repo: Path) -> None:
    """Raises Terminal for a shallow clone: what came before cannot be seen there."""
    if _text(repo, "rev-parse", "--is-shallow-repository") == "true":
        raise Terminal(f"{repo} is a shallow clone: run `git fetch --unshallow` to see its history")


def tree_id(repo: Path, path: str, revision: str = "HEAD") -> str:
    """Id of the tree, or of the blob, that the path is at the revision: the identity of its content."""
    return _object(repo, f"{revision}:{path}", f"{repo} has no {path!r} at {revision}: commit it")


def object_ids(repo: Path, names: Sequence[str]) -> dict[str, str]:
    """Ids of the objects of these names, such as ``HEAD:train``; one that is not there is left out."""
    asked = "".join(f"{name}\n" for name in names).encode()
    out = run(repo, "cat-file", "--batch-check=%(objectname)", stdin=asked).stdout.decode().splitlines()
    return {name: found for name, found in zip(names, out, strict=True) if " " not in found}


def not_in_history(repo: Path, commits: Collection[str]) -> set[str]:
    """Those of the commits, which all exist, that are no part of the history of HEAD."""
    if not commits:
        return set()
    asked = "".join(f"{commit}\n" for commit in [*commits, "^HEAD"]).encode()
    return set(commits) & set(run(repo, "rev-list", "--stdin", stdin=asked).stdout.decode().split())


def is_dirty(repo: Path, path: str = ".") -> bool:
    """Whether the path has changes, or files, that are not committed."""
    return bool(run(repo, "status", "--porcelain", "-z", "--untracked-files=all", "--", path).stdout)


def worktree_files(repo: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Files of the working tree with one of the suffixes, tracked or not; no ignored or deleted ones.

    Raises:
        Terminal: One is too large, or its name cannot be shown.
    """
    names = run(repo, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate").stdout
    files = (name for name in names.decode(errors="surrogateescape").split("\0") if name.endswith(suffixes))
    found = sorted(name for name in files if (repo / name).is_file() and not (repo / name).is_symlink())
    for name in found:
        require_modest(name, (repo / name).stat().st_size)
    return found


def read_files(repo: Path, revision: str, path: str, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    """Content of the files with one of the suffixes, at any depth under a path of a revision, by name.

    Raises:
        Terminal: The path is not there, or holds a symbolic link or a submodule of such a name: their
            content would not be what was committed. Or a file is too large, or all of them are, or a name
            cannot be shown.
    """
    prefix = "" if path in ("", ".") else f"{path.rstrip('/')}/"
    tree = tree_id(repo, prefix.rstrip("/"), revision)
    listing = _listing(repo, tree, prefix)
    names, ids, total = [], [], 0
    for entry in listing.decode(errors="surrogateescape").split("\0")[:-1]:
        meta, name = entry.split("\t", 1)
        mode, _, object_id, size = meta.split()
        if name.endswith(suffixes):
            require_modest(f"{prefix}{name}", int(size) if size.isdigit() else 0)
        if mode == "160000" or (mode == "120000" and name.endswith(suffixes)):
            kind = "submodule" if mode == "160000" else "symbolic link"
            raise Terminal(f"{prefix}{name} is a {kind}: put a regular file there")
        if name.endswith(suffixes):
            names.append(prefix + name)
            ids.append(object_id)
            total += int(size)
    if total > LARGEST_SUM_B:
        raise Terminal(f"the manifests of {path} have {total} bytes: at most {LARGEST_SUM_B} are read")
    return dict(zip(names, _blobs(repo, ids), strict=True))


def remote_urls(repo: Path) -> list[str]:
    """URLs of all remotes as configured, ``origin`` first; empty if there are none."""
    done = run(repo, "config", "--local", "--get-regexp", r"^remote\..*\.url$", check=False)
    lines = sorted(done.stdout.decode().splitlines(), key=lambda line: not line.startswith("remote.origin."))
    return [line.split(" ", 1)[1] for line in lines]


def init(directory: Path, url: str) -> None:
    """Make the directory a repository with the branch ``main`` and the remote ``origin``."""
    run(directory, "-c", "init.templateDir=", "init", "--quiet", "--initial-branch=main")
    run(directory, "remote", "add", "--end-of-options", "origin", url)


def commit(repo: Path, message: str, paths: list[str]) -> str:
    """Commit these paths, and nothing else that may be staged; returns the id.

    The author is who git says; where git knows nobody, ``mlplane``.
    """
    run(repo, "add", "--", *paths)
    run(repo, "commit", "--quiet", f"--message={message}", "--only", "--", *paths, env=author(repo))
    return resolve(repo, "HEAD")


def require_modest(name: str, size: int) -> None:
    """Check that anybody may read a file, and its name.

    Args:
        name: Its name in the repository; bytes that are no UTF-8 are surrogates.
        size: Its length in bytes.

    Raises:
        Terminal: It is too large, or its name would do something to a terminal.
    """
    if not name.isprintable():
        shown = repr(name.encode(errors="surrogateescape"))[2:-1]
        raise Terminal(f"{shown}: name the file in printable UTF-8")
    if size > LARGEST_B:
        raise Terminal(f"{name} has {size} bytes: a manifest has at most {LARGEST_B}")


def _listing(repo: Path, tree: str, prefix: str) -> bytes:
    """What git says of all files below a tree; read only as far as there may be."""
    what = ("ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", tree)
    with subprocess.Popen(
        ["git", *_SAFE, *what],
        cwd=repo,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        ending = threading.Timer(TIMEOUT_SECONDS, process.kill)
        ending.start()
        try:
            found = process.stdout.read(LARGEST_LISTING_B + 1) if process.stdout else b""
        finally:
            ending.cancel()
        if len(found) > LARGEST_LISTING_B:
            process.kill()
            raise Terminal(f"there are too many files below {prefix or '/'}: name a directory of manifests")
    if process.returncode != 0:
        raise Terminal(f"git in {repo}: the files below {prefix or '/'} cannot be listed")
    return found


def _blobs(repo: Path, ids: list[str]) -> list[bytes]:
    """Contents of blobs, all from one process."""
    out = run(repo, "cat-file", "--batch", stdin="".join(f"{i}\n" for i in ids).encode()).stdout
    contents, at = [], 0
    for _ in ids:
        end = out.index(b"\n", at)
        start, size = end + 1, int(out[at:end].split(b" ")[2])
        contents.append(out[start : start + size])
        at = start + size + 1
    return contents


def _object(repo: Path, name: str, missing: str) -> str:
    """Id of an object of the repository; ``missing`` is the error if there is no such object."""
    done = run(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", name, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")
        raise Terminal(f"git in {repo}: {complaint(said)}" if said else missing)
    return done.stdout.decode().strip()


def author(repo: Path) -> dict[str, str]:
    """Environment that names an author where git knows none."""
    known = run(repo, "config", "user.email", check=False).stdout or os.environ.get("GIT_AUTHOR_EMAIL")
    if known:
        return {}
    names = {f"GIT_{who}_NAME": "mlplane" for who in ("AUTHOR", "COMMITTER")}
    return names | {f"GIT_{who}_EMAIL": "mlplane@localhost" for who in ("AUTHOR", "COMMITTER")}


def _text(repo: Path, *args: str) -> str:
    return run(repo, *args).stdout.decode().strip()


def run(
    repo: Path, *args: str, stdin: bytes = b"", env: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a repository; ``check`` raises a ``Terminal`` with git's own words where it fails."""
    command = ["git", *_SAFE, *args]
    try:
        done = subprocess.run(
            command,
            cwd=repo,
            env=_environment() | (env or {}),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        missing = "git is not installed" if repo.is_dir() else f"{repo} does not exist"
        raise Terminal(missing) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Terminal(f"git {args[0]} in {repo}: {error}") from error
    if check and done.returncode != 0:
        raise Terminal(f"git in {repo}: {complaint(done.stderr.decode(errors='replace'))}")
    return done


def complaint(stderr: str) -> str:
    """The line of git's output that says what is wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return (fatal or lines or ["failed without a word"])[-1].removeprefix("fatal: ").removeprefix("error: ")


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "LC_ALL": "C",
    }
