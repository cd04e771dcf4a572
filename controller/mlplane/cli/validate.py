"""``mlplane validate``: judge manifests before they are committed."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from mlplane.gitops.findings import Finding


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and directories; by default this directory."),
    ] = None,
    output: Annotated[
        Literal["text", "json", "sarif", "github"],
        typer.Option(
            "--output", "-o", help="For people, for programs, as SARIF 2.1.0, or as annotations of GitHub."
        ),
    ] = "text",
    profile: Annotated[
        Path | None,
        typer.Option(help="The operator's file of pools of GPUs: runs that none can take are errors."),
    ] = None,
) -> None:
    """Check manifests offline: what is wrong, where, and what to write instead."""
    from mlplane.cli.findingforms import as_github, as_json, as_sarif
    from mlplane.gitops.profilefile import read_profile
    from mlplane.gitops.validate import manifest_files
    from mlplane.gitops.validate import validate as findings_in

    chosen = paths or [Path()]
    gc.disable()  # what is read lives until the end: to look for garbage in it takes a fifth of the time
    try:
        findings = findings_in(chosen, read_profile(profile) if profile else None)
    finally:
        gc.enable()
    if output == "text":
        _print_text(findings, sum(len(manifest_files(path)) for path in chosen))
    else:
        forms = {"json": as_json, "sarif": as_sarif, "github": as_github}
        print(forms[output](findings), end="")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _print_text(findings: Sequence["Finding"], files: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(excerpt(finding, _line(finding)))
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    style = "bold red" if errors else "bold green"
    console.print(
        Text(
            f"{_counted(files, 'file')}: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}", style
        )
    )


def excerpt(finding: "Finding", source: str) -> "Text":
    """A finding with the line that it is about and a caret below the place.

    Args:
        finding: What was found.
        source: The line of the file; empty if there is none.
    """
    from rich.text import Text

    from mlplane.gitops.manifest import visible

    colour = "red" if finding.severity == "error" else "yellow"
    field = f"{finding.path}: " if finding.path else ""
    text = Text.assemble(
        (f"{visible(finding.file)}:{finding.line}:{finding.column}: ", "bold"),
        (f"{finding.severity}: ", f"bold {colour}"),
        visible(f"{field}{finding.message}"),
    )
    margin = f"{finding.line:>6} | "
    if source:
        before = "".join("\t" if c == "\t" else " " for c in source[: finding.column - 1])
        text.append(f"\n{margin}", "dim").append(visible(source))
        text.append(f"\n{'| ':>{len(margin)}}", "dim").append(f"{before}^", f"bold {colour}")
    for label, hint in (("allowed", ", ".join(finding.allowed)), ("try", finding.suggestion)):
        if hint:
            text.append(f"\n{'= ':>{len(margin)}}{label}: ", "dim").append(visible(hint), "green")
    return text


def _line(finding: "Finding") -> str:
    """The line of the file, cut where it is very long; nothing of what a link leads to."""
    if Path(finding.file).is_symlink():
        return ""
    try:
        lines = Path(finding.file).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[finding.line - 1].rstrip("\r")[:500] if finding.line <= len(lines) else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
