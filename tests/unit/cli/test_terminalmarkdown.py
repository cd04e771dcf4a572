import pytest
from rich.console import Console

from mlplane.cli.terminalmarkdown import Page

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize("width", [40, 80])
def test_what_is_too_long_for_a_column_is_broken_and_not_cut_off(width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(
            Page(f"| what | which | more |\n| --- | --- | --- |\n| model | `{DIGEST}` | a text |\n")
        )
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    assert DIGEST in "".join("".join(lines).replace("model", "").replace("a text", "").split())
    assert "…" not in captured.get()
