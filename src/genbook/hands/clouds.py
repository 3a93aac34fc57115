"""A model and its data, two clouds of points: what five measures say of a fault made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from genbook import evaluation
from genbook.hands.drawing import Canvas, column, fixed, scale
from genbook.hands.frame import Choice, Hand, Row, Slider, State

CENTRES, WIDTH, EACH = [[-1.5, -0.9], [1.5, -0.9], [0.0, 1.6]], 0.45, 40
_END = 10  # standard deviations of a sound model's values, at the end of a gauge
_HALF = 3.6  # of the picture's side
_NAMES = {
    "frechet": "Fréchet",
    "mmd": "1000 MMD²",
    "precision": "precision",
    "recall": "recall",
    "coverage": "coverage",
}
_DIGITS = {"frechet": 3, "mmd": 1}
_MORE_IS_WORSE = {"frechet", "mmd"}


def measures_of(samples: Tensor, real: Tensor) -> dict[str, float]:
    """The five numbers that the clouds are told."""
    return {
        "frechet": evaluation.frechet(samples, real),
        "mmd": 1000 * evaluation.mmd(samples, real, evaluation.rbf(1.0)),
        **evaluation.precision_recall(samples, real, 3)._asdict(),
        "coverage": evaluation.density_coverage(samples, real, 5).coverage,
    }


@dataclass(frozen=True)
class Clouds:
    """Real points of three modes, the noise of a model's samples, and what sound models score.

    Attributes:
        real, noise: ``(120, 2)``, mode by mode.
        bell: points of one bell with the moments of the real ones.
        sound: of each measure "low", "high", "mean" and "deviation" over forty sound models.
    """

    real: Tensor
    noise: Tensor
    bell: Tensor
    sound: dict[str, dict[str, float]]


@cache
def clouds() -> Clouds:
    """The clouds, the same ones every time."""
    generator = torch.Generator().manual_seed(3)
    middle = torch.tensor(CENTRES).double().repeat_interleave(EACH, 0)

    def noise() -> Tensor:
        return torch.randn(len(middle), 2, generator=generator).double()

    real = (middle + WIDTH * noise()).round(decimals=3)
    own, round_ = noise().round(decimals=3), noise()
    round_ = round_ - round_.mean(0)
    white = torch.linalg.solve(torch.linalg.cholesky(torch.cov(round_.T)), round_.T)
    bell = real.mean(0) + (torch.linalg.cholesky(torch.cov(real.T)) @ white).T
    models = [measures_of(middle + WIDTH * noise(), real) for _ in range(40)]
    sound = {}
    for name in models[0]:
        found = torch.tensor([model[name] for model in models]).double()
        kept = {
            "low": found.min(),
            "high": found.max(),
            "mean": found.mean(),
            "deviation": found.std(),
        }
        sound[name] = {key: round(value.item(), 4) for key, value in kept.items()}
    return Clouds(real, own, bell.round(decimals=3), sound)


def _samples(now: State) -> Tensor:
    """What the model draws; a point that the third mode loses goes to the first two by turns."""
    shift = column(now["shift"], 0)
    if now["kind"] == "bell":
        bell = clouds().bell
        middle = bell.mean(0)
        return middle + now["spread"] * (bell - middle) + shift
    own = np.repeat(range(len(CENTRES)), EACH)
    lost = 2 * EACH + np.arange(now["lost"])
    own[lost] = lost % 2
    centres = torch.tensor(CENTRES, dtype=torch.float64)[own]
    return centres + now["spread"] * WIDTH * clouds().noise + shift


@dataclass(frozen=True)
class _Measured:
    """A measure of the samples: its value, and whether it tells them from a sound model's."""

    name: str
    text: str
    notices: bool
    at: float  # in deviations of sound models, worse to the right
    band: tuple[float, float]


def _measured(now: State) -> list[_Measured]:
    found = []
    for key, value in measures_of(_samples(now), clouds().real).items():
        sound, worse = clouds().sound[key], 1 if key in _MORE_IS_WORSE else -1
        notices = value > sound["high"] if worse > 0 else value < sound["low"]
        places = [
            worse * (number - sound["mean"]) / sound["deviation"]
            for number in (value, sound["low"], sound["high"])
        ]
        text = fixed(value, _DIGITS.get(key, 2))
        low, high = sorted(places[1:])
        found.append(_Measured(_NAMES[key], text, notices, places[0], (low, high)))
    return found


def _readout(now: State) -> list[Row]:
    return [(m.name, m.text, "two" if m.notices else "muted") for m in _measured(now)]


def _draw(now: State) -> Figure:
    width, height, side, top = 720, 340, 330, 62
    canvas, drawn = Canvas(width, height), _samples(now)
    x, y = scale((-_HALF, _HALF), (8, 8 + side)), scale((-_HALF, _HALF), (8 + side, 8))
    left, right = side + 130, width - 78
    gauge = scale((-4, _END), (left, right))
    canvas.box((8, 8), (side, side), edge="line", wide=1, round=6)
    canvas.dots(x(clouds().real[:, 0]), y(clouds().real[:, 1]), 3.2, "one", opacity=0.75)
    inside = drawn[(drawn.abs() < _HALF).all(1)]
    canvas.crosses(x(inside[:, 0]), y(inside[:, 1]), "two")
    canvas.text(18, 28, "● data", "one", "start")
    canvas.text(18, 46, "× samples", "two", "start")
    canvas.text(gauge(0), top - 20, "sound", "muted", size=13)
    canvas.text(right, top - 20, "worse →", "muted", "end", 13)
    for i, measure in enumerate(_measured(now)):
        line, colour = top + 8 + i * 54, "two" if measure.notices else "three"
        canvas.text(left - 12, line + 5, measure.name, anchor="end")
        canvas.line([left, right], line, "line", 1)
        low, high = gauge(np.clip(measure.band, -4, _END))
        canvas.box((low, line - 5), (high - low, 10), "three", 0.35)
        canvas.dots(gauge(np.clip(measure.at, -4, _END)), line, 6, colour, "paper")
        words = "notices" if measure.notices else "silent"
        canvas.text(right + 12, line + 5, words, "two" if measure.notices else "muted", "start", 13)
    return canvas.figure


HAND = Hand(
    title="A model's samples beside the data",
    state={"kind": "modes", "lost": 0, "spread": 1, "shift": 0},
    controls=[
        Choice("kind", "what the model draws", {"modes": "three modes", "bell": "one bell"}),
        Slider("lost", "lost", 0, EACH, 1, digits=0, when=lambda now: now["kind"] == "modes"),
        Slider("spread", "spread", 0.2, 2.5, 0.1, digits=1),
        Slider("shift", "shift", -2, 2, 0.1, digits=1),
    ],
    draw=_draw,
    readout=_readout,
)
