"""What the figures to handle are drawn with: a canvas whose units are the page's pixels.

Places, sizes and colours are those of ``web/explorables``, so that a figure looks the same in the
page and in a notebook. y goes down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import torch
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon
from numpy.typing import ArrayLike, NDArray
from torch.distributions import Normal

COLOURS = {
    **{"ink": "#222222", "muted": "#5a5f66", "line": "#b9bec5", "paper": "#fbfaf7"},
    **{"one": "#0072b2", "two": "#b84a00", "three": "#007355", "four": "#8a4a76"},
}
"""Those of a page on light paper (``web/frame/still.jsx``)."""

_POINT = 0.72  # of a pixel, at 100 pixels an inch
_WHERE = {"start": "left", "middle": "center", "end": "right"}
Scale = Callable[[Any], Any]


def fixed(value: Any, digits: int = 2) -> str:
    """A number as the page shows it: halves go up, and a minus sign is as wide as a plus."""
    text = str(Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    return (text.replace("-", "") if float(text) == 0 else text).replace("-", "−")


def scale(numbers: tuple[float, float], places: tuple[float, float]) -> Scale:
    """The straight map from numbers between two ends to places in the picture."""
    (a, b), (p, q) = numbers, places
    return lambda value: p + (np.asarray(value) - a) * (q - p) / (b - a)


def column(*values: float) -> torch.Tensor:
    """Numbers as the package takes them."""
    return torch.tensor(values, dtype=torch.float64)


def density(at: ArrayLike, mean: float, variance: float) -> NDArray[Any]:
    """The density of a bell at each place."""
    places = torch.as_tensor(np.asarray(at, float))
    log = Normal(column(mean), column(variance).sqrt()).log_prob(places)
    return log.exp().numpy().reshape(np.shape(at))


def uniform(seed: int, count: int) -> NDArray[Any]:
    """The first numbers in [0, 1) of a seed: those of the page (mulberry32)."""
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        a = steps + np.uint32((seed * 7919 + 1) % 2**32)
        t = (a ^ (a >> 15)) * (a | np.uint32(1))
        t ^= t + (t ^ (t >> 7)) * (t | np.uint32(61))
        return (t ^ (t >> 14)) / 2.0**32


class Canvas:
    """A picture of ``width`` × ``height`` pixels on the book's paper; ``figure`` holds it."""

    def __init__(self, width: int, height: int) -> None:
        self.figure = Figure(figsize=(width / 100, height / 100), facecolor=COLOURS["paper"])
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.axis("off")

    def line(
        self,
        x: ArrayLike,
        y: ArrayLike,
        colour: str = "ink",
        wide: float = 2.5,
        opacity: float = 1.0,
        dash: tuple[float, ...] = (),
    ) -> None:
        """A line through places; of one number for many of the other, a straight one."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        dashes = (0, tuple(d / wide for d in dash)) if dash else "solid"
        self.axes.plot(
            x, y, color=COLOURS[colour], lw=wide * _POINT, alpha=opacity, ls=dashes,
            solid_capstyle="round", solid_joinstyle="round", dash_capstyle="round",
        )  # fmt: skip

    def shade(self, x: ArrayLike, y: ArrayLike, base: float, colour: str) -> None:
        """The area between a line and the height ``base``."""
        self.axes.fill_between(np.asarray(x), y, base, color=COLOURS[colour], alpha=0.18, lw=0)

    def area(self, corners: ArrayLike, colour: str, opacity: float) -> None:
        """A filled polygon."""
        self.axes.add_patch(Polygon(corners, fc=COLOURS[colour], ec="none", alpha=opacity))

    def box(
        self,
        place: tuple[float, float],
        size: tuple[float, float],
        fill: str | None = None,
        opacity: float = 1.0,
        edge: str | None = None,
        wide: float = 1.2,
        dotted: bool = False,
        round: float = 0.0,
    ) -> None:
        """A rectangle from its upper left corner."""
        style = f"round,pad=0,rounding_size={round}" if round else "square,pad=0"
        # Edge and area apart: an opacity is the area's own.
        if fill:
            self.axes.add_patch(
                FancyBboxPatch(
                    place, *size, boxstyle=style, fc=COLOURS[fill], ec="none", alpha=opacity
                )
            )
        if edge:
            self.axes.add_patch(
                FancyBboxPatch(
                    place, *size, boxstyle=style, fc="none", ec=COLOURS[edge],
                    lw=wide * _POINT, ls=(0, (2.5, 3.0)) if dotted else "solid",
                )
            )  # fmt: skip

    def dots(
        self, x: ArrayLike, y: ArrayLike, r: float, colour: str, edge: str = "", opacity: float = 1
    ) -> None:
        """Discs of the radius ``r``."""
        self.axes.plot(
            x, y, "o", ms=2 * r * _POINT, mfc=COLOURS[colour], alpha=opacity, clip_on=False,
            mec=COLOURS[edge] if edge else "none", mew=2 * _POINT,
        )  # fmt: skip

    def crosses(self, x: ArrayLike, y: ArrayLike, colour: str) -> None:
        """Small crosses."""
        self.axes.plot(x, y, "x", ms=6 * _POINT, mew=2 * _POINT, mec=COLOURS[colour])

    def text(
        self,
        x: float,
        y: float,
        words: str,
        colour: str = "ink",
        anchor: str = "middle",
        size: float = 14,
        **more: Any,
    ) -> None:
        """Words that begin, end or have their middle at a place, on its height."""
        self.axes.text(
            x, y, words, color=COLOURS[colour], ha=_WHERE[anchor], va="baseline",
            fontsize=size * _POINT, **more,
        )  # fmt: skip

    def pixels(self, values: Any, x: float, y: float, side: float) -> None:
        """A square grey picture of values in [−1, 1], from its upper left corner."""
        self.axes.imshow(
            np.asarray(values), cmap="gray", vmin=-1, vmax=1, extent=(x, x + side, y + side, y),
            interpolation="nearest", aspect="auto", zorder=2,
        )  # fmt: skip

    def mask(self, where: Any, colour: str, opacity: float) -> None:
        """Colour the pixels of the whole canvas where a picture of 0 and 1 is 1."""
        shape = np.shape(where)
        rgba = np.broadcast_to(to_rgba(COLOURS[colour]), (*shape, 4)).copy()
        rgba[..., 3] = opacity * np.asarray(where)
        self.axes.imshow(rgba, extent=(0, shape[1], shape[0], 0), aspect="auto", zorder=0)

    def axis(
        self, at: Scale, y: float, ends: tuple[float, float], ticks: Sequence[float], label: str
    ) -> None:
        """A horizontal axis at the height ``y``."""
        self.line([at(end) for end in ends], y, "line", 1)
        for tick in ticks:
            self.line(at(tick), [y, y + 5], "line", 1)
            self.text(at(tick), y + 20, f"{tick:g}".replace("-", "−"), "muted", size=13)
        self.text(at(ends[1]), y - 8, label, "muted", "end")
