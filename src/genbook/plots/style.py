"""The book's matplotlib style: an opaque sheet of paper, readable on a light and on a dark page."""

from __future__ import annotations

from functools import cache
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["INK", "PALETTE", "PAPER", "figure", "use"]

PAPER = "#fbfaf7"
INK = "#222222"
# Okabe and Ito's colours, told apart by colour-blind eyes, those first that stand out from paper by
# 3 : 1. Their yellow is left out: it is too pale for a line.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00")

_STYLE: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
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
    "image.interpolation": "nearest",
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


@cache
def _show_figures() -> None:
    """Let a notebook show a figure that is the value of a cell, before pyplot has made one.

    It is matplotlib's backend for notebooks that tells IPython how, and pyplot loads it late.
    """
    if "inline" in matplotlib.get_backend():
        plt.switch_backend(matplotlib.get_backend())
