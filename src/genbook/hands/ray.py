"""A point in a polygon, its ray to the right, and what the ray counts: corners on it included."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from genbook import geometry
from genbook.hands.drawing import COLOURS, Canvas, scale
from genbook.hands.frame import Choice, Hand, Row, Slider, State

_SHAPES = {
    "crown": [[0, 0], [8, 0], [9, 3], [8, 5], [6, 2], [4, 5], [2, 2], [0, 5]],
    "bow": [[0, 0], [5, 3], [8, 1], [10, 6], [5, 3], [1, 6]],  # touches itself at (5, 3)
    "star": [[5, 6], [8, 0], [1, 4], [9, 4], [2, 0]],  # crosses itself
}
_HALO = [withStroke(linewidth=3, foreground=COLOURS["paper"])]
Point = NDArray[np.float64]


def _edges(now: State) -> list[tuple[Point, Point]]:
    corners = np.array(_SHAPES[now["shape"]], float)
    return list(zip(corners, np.roll(corners, -1, 0), strict=True))


def crossed(point: tuple[float, float], a: Point, b: Point, closed: bool = False) -> int:
    """Whether the ray from a point to the right crosses an edge: +1 upwards, −1 downwards, or 0.

    The lower end of an edge belongs to it, the upper does not. With ``closed`` both do, which is
    wrong, as the figure shows.
    """
    low, high = sorted((a, b), key=lambda end: end[1])
    height = point[1]
    met = low[1] <= height < high[1] or (closed and height == high[1])
    # A level edge has nothing on its left.
    if not met or geometry.orientation(low, high, point) <= 0:
        return 0
    return 1 if b is high else -1


def _result(now: State) -> tuple[int, int, int]:
    """The count, the count with both ends, and the winding number."""
    point, polygon = (now["x"], now["y"]), _SHAPES[now["shape"]]
    closed = sum(crossed(point, a, b, closed=True) != 0 for a, b in _edges(now))
    count, winding = geometry.ray_crossings(point, polygon), geometry.winding_number(point, polygon)
    return int(count), closed, int(winding)


def _meetings(now: State) -> dict[float, list[int]]:
    """Where the ray meets the boundary, and what each edge that ends or passes there counts."""
    point, found = (now["x"], now["y"]), defaultdict(list)
    for a, b in _edges(now):
        if a[1] == b[1] or not min(a[1], b[1]) <= now["y"] <= max(a[1], b[1]):
            continue
        at = geometry.line_intersection(point, (now["x"] + 1, now["y"]), a, b)[0]
        if at > now["x"]:
            found[round(float(at), 6)].append(crossed(point, a, b))
    return dict(sorted(found.items()))


def _signed(value: int) -> str:
    return f"{'+' if value > 0 else ''}{value}".replace("-", "−")


def _parity(count: int) -> str:
    return f"{count}, {'odd: inside' if count % 2 else 'even: outside'}"


def _readout(now: State) -> list[Row]:
    count, closed, winding = _result(now)
    return [
        ("crossings", _parity(count), "one"),
        ("winding number", _signed(winding), "one"),
        ("both ends counted", _parity(closed), "two"),
    ]


def _draw(now: State) -> Figure:
    width, height, unit = 720, 400, 54
    canvas = Canvas(width, height)
    x = scale((0, 1), ((width - 10 * unit) / 2, (width - 10 * unit) / 2 + unit))
    y = scale((0, 1), ((height + 6 * unit) / 2, (height + 6 * unit) / 2 - unit))
    corners = np.array(_SHAPES[now["shape"]], float)
    places = np.stack([x(corners[:, 0]), y(corners[:, 1])], 1)
    pixels = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)
    canvas.mask(geometry.ray_crossings(pixels, places) % 2, "one", 0.14)
    for a, b in _edges(now):
        counted = crossed((now["x"], now["y"]), a, b)
        across, up = x([a[0], b[0]]), y([a[1], b[1]])
        canvas.line(across, up, "one" if counted else "ink", 4 if counted else 1.5)
    canvas.dots(places[:, 0], places[:, 1], 3, "ink")
    ray, tip = y(now["y"]), width - 4
    canvas.line([x(now["x"]), tip], ray, "two", 2)
    canvas.line([tip - 8, tip, tip - 8], [ray - 5, ray, ray + 5], "two", 2)
    for at, counts in _meetings(now).items():
        fill = "two" if any(counts) else "paper"
        canvas.box((x(at) - 5, ray - 5), (10, 10), fill, edge="two", wide=2)
        words = " ".join(map(_signed, counts))
        canvas.text(x(at), ray - 12, words, "two", size=16, weight="bold", path_effects=_HALO)
    inside = _result(now)[0] % 2
    canvas.dots(x(now["x"]), ray, 8, "one" if inside else "ink", "paper")
    return canvas.figure


HAND = Hand(
    title="A point, its ray and a polygon",
    state={"shape": "crown", "x": 0.5, "y": 3.5},
    controls=[
        Slider("x", "place <i>x</i>", -1, 10.5, 0.25),
        Slider("y", "height <i>y</i>", -0.5, 6.5, 0.25),
        Choice(
            "shape",
            "polygon",
            {"crown": "crown", "bow": "touches itself", "star": "crosses itself"},
        ),
    ],
    draw=_draw,
    readout=_readout,
)
