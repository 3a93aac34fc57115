"""A figure drawn anew for a phone: the same panels, one below the other, the letters as large.

A picture of seven inches shown 312 pixels wide has letters of six pixels. So a figure is laid out a
second time at the width of a phone; nothing is scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

__all__ = ["WIDTH", "narrowed"]

WIDTH = 3.3
"""Inches: letters of 9 points are 11.8 pixels high when 312 pixels show them."""

_SQUEEZE = 0.85  # a panel may become so much narrower before it gets a row of its own
_TALLEST = 2.6  # inches of a panel


@contextmanager
def narrowed(figure: Figure) -> Iterator[Figure | None]:
    """The figure in its phone version, or None where it is narrow enough; afterwards as it was.

    A figure that knows better says so: its attribute ``narrow`` is a function that gives the
    phone version, or None where there should be none.
    """
    if hasattr(figure, "narrow"):
        yield figure.narrow() if figure.narrow else None
        return
    if figure.get_figwidth() <= WIDTH:
        yield None
        return
    undo: list[Callable[[], object]] = []
    try:
        _rearrange(figure, undo)
        yield figure
    finally:
        for back in reversed(undo):
            back()


def _rearrange(figure: Figure, undo: list[Callable[[], object]]) -> None:
    """Lay out ``figure`` at the width of a phone, and note how to go back."""
    width, height = figure.get_size_inches()
    undo.append(lambda: figure.set_size_inches(width, height))
    for legend in filter(None, (axes.get_legend() for axes in figure.axes)):
        undo.append(partial(legend.set_ncols, legend._ncols))  # type: ignore[attr-defined]
        legend.set_ncols(1)
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]
    specs = [spec for axes in panels if (spec := axes.get_subplotspec()) is not None]
    grids = {spec.get_topmost_subplotspec().get_gridspec() for spec in specs}
    if len(grids) != 1 or len(panels) != len(figure.axes):
        figure.set_size_inches(WIDTH, height)
        return
    (grid,) = grids
    columns = _columns(width / grid.ncols, len(panels))
    rows = -(-len(panels) // columns)
    shrunk = WIDTH / columns
    tall = [_height(axes, shrunk, height / grid.nrows) for axes in panels]
    heights = [max(tall[row * columns : (row + 1) * columns]) for row in range(rows)]
    new = GridSpec(rows, columns, figure=figure, height_ratios=heights)
    figure.set_size_inches(WIDTH, sum(heights))
    for i, (axes, spec) in enumerate(zip(panels, specs, strict=True)):
        undo.append(partial(axes.set_subplotspec, spec))
        axes.set_subplotspec(new[i // columns, i % columns])
        if i % columns == 0 and i:
            _label_left(axes, panels[0], undo)


def _columns(width: float, panels: int) -> int:
    """How many panels, each ``width`` wide in the wide figure, stand side by side on a phone."""
    return max(1, min(panels, int(WIDTH / (_SQUEEZE * width))))


def _size(axes: Axes) -> tuple[float, float]:
    """Width and height of a panel's box in inches, as last drawn."""
    box = axes.get_window_extent()
    dpi = axes.figure.dpi
    return box.width / dpi, box.height / dpi


def _height(axes: Axes, width: float, before: float) -> float:
    """Inches that a panel needs in the phone version."""
    size = _size(axes)
    if axes.get_aspect() == "auto":
        return min(before, _TALLEST)
    around = before - size[1]  # titles, labels
    return float(min(width * size[1] / size[0], _TALLEST) + max(around, 0.3))


def _label_left(axes: Axes, first: Axes, undo: list[Callable[[], object]]) -> None:
    """Give a panel that now stands at the left the scale that it shared with the first one."""
    if not axes.get_shared_y_axes().joined(axes, first):
        return
    shown = axes.yaxis.get_tick_params().get("labelleft", True)
    name = axes.get_ylabel()
    axes.tick_params(labelleft=True)
    axes.set_ylabel(name or first.get_ylabel())
    undo.append(partial(axes.tick_params, labelleft=shown))
    undo.append(partial(axes.set_ylabel, name))
