"""Pictures of the book: one style, grids of images, tables, and figures that a reader can move.

In a notebook::

    plots.use()                                  the style, once a notebook
    plots.images(x, columns=8, titles=labels)    a grid of images
    plots.film([x_T, …, x_0], ["t = 1000", …])   the same images at several times
    plots.scrubber(frames, labels, alt="…")      a slider over frames drawn in advance
    plots.explore(draw, values, alt="…")         the same, drawn live in a kernel
    plots.table(rows, header)                    ours beside the paper's
"""

from __future__ import annotations

from genbook.plots.pictures import digits_row, film, images, mosaic
from genbook.plots.scrubber import Explorer, Scrubber, explore, frame, scrubber
from genbook.plots.style import DARK, INK, PALETTE, PAPER, figure, use
from genbook.plots.table import Table, table

__all__ = [
    "DARK",
    "INK",
    "PALETTE",
    "PAPER",
    "Explorer",
    "Scrubber",
    "Table",
    "digits_row",
    "explore",
    "figure",
    "film",
    "frame",
    "images",
    "mosaic",
    "scrubber",
    "table",
    "use",
]
