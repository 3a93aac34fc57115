"""The book's matplotlib style, and its colours on a light and on a dark page.

A notebook shows figures on a sheet of paper, readable on a light and on a dark page. The site takes
the paper away and exchanges the colours by ``DARK``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["DARK", "INK", "PALETTE", "PAPER", "figure", "use"]

PAPER = "#fbfaf7"
INK = "#222222"
# After Okabe and Ito, told apart by colour-blind eyes; the pale ones are darkened until they stand
# out from white by 3 : 1.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#000000", "#C76BA0", "#2B93D1", "#6B4A00")

DARK = {
    PAPER: "#121212",
    INK: "#e6e6e6",
    "#0072B2": "#5CB0EA",
    "#D55E00": "#FF8A3D",
    "#009E73": "#2CC295",
    "#000000": "#FFFFFF",
    "#C76BA0": "#E59AC6",
    "#2B93D1": "#9AD4F7",
    "#6B4A00": "#F7E08A",
}
"""What each colour of a figure becomes on a dark page."""

_STYLE: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": "none",
    "figure.figsize": (6.4, 3.6),
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.constrained_layout.use": True,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 10,
    "axes.titlesize": 10,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "image.cmap": "gray",
    # Pixels go into an SVG as they are, and the page draws them as squares.
    "image.interpolation": "none",
    "axes.grid": False,
}


def use() -> None:
    """Set the style for all figures made from now on. Call it once, in a notebook's first cells."""
    matplotlib.rcParams.update(_STYLE)
    _show_figures()


def figure(width: float = 6.4, height: float = 3.6) -> Figure:
    """A figure in the style that pyplot does not know of: shown once, as the value of its cell.

    Width and height are in inches, at 100 pixels an inch.
    """
    _show_figures()
    with matplotlib.rc_context(_STYLE):
        sheet = Figure(figsize=(width, height))
        FigureCanvasAgg(sheet)
    return sheet


def _show_figures() -> None:
    """Let a notebook show figures as SVG, also one that is the value of a cell.

    matplotlib's backend for notebooks sets its own way when pyplot loads it, which is late: so it
    is loaded first.
    """
    if "inline" not in matplotlib.get_backend():
        return
    _load_backend()
    from IPython import get_ipython

    from genbook.plots.svg import svg  # it needs the colours above

    shell = get_ipython()
    if shell is not None:
        formatters = shell.display_formatter.formatters
        formatters["image/png"].pop(Figure, None)
        formatters["image/svg+xml"].for_type(Figure, svg)


@cache
def _load_backend() -> None:
    plt.switch_backend(matplotlib.get_backend())
