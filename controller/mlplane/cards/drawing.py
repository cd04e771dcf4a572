"""How plots look, and how they become SVG: the same bytes for the same report. matplotlib is imported late.

Colours are those of Okabe and Ito, which people tell apart however they see colours; the ground is white, so
that a plot is legible on a dark page, too. Names are never read as formulas.
"""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mlplane.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#BBBBBB", "#333333"
Draw = Callable[["Figure"], None]
_STYLE: Any = {
    "svg.hashsalt": "mlplane",
    "svg.fonttype": "none",  # text stays text: small, and can be searched and read aloud
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.constrained_layout.wspace": 0.06,  # numbers below neighbours do not touch
}


def svg(draw: Draw, width: float, height: float) -> bytes:
    """Draw a figure.

    Args:
        draw: Puts the plots on it.
        width: In inches; a page shows about 96 pixels of each.
        height: In inches.

    Raises:
        InvalidInput: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InvalidInput('plots need matplotlib: pip install "mlplane[gitops]"') from error
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # not what a user has set: it would change the bytes
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        stream = BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def unit(axes: "Axes", x: str, y: str) -> None:
    """Axes from 0 to 1, square, with the names of both."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", xlabel=x, ylabel=y)
    axes.set_xticks((0, 0.25, 0.5, 0.75, 1))
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))
    axes.grid(color="#EEEEEE")
    axes.set_axisbelow(True)
