"""A noise schedule bent by hand: its log-SNR, and under each time the digits as they are then."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from genbook import ddpm
from genbook.data import digits
from genbook.hands.drawing import Canvas, fixed, scale
from genbook.hands.frame import Choice, Hand, Row, Slider, State
from genbook.schedules import NoiseSchedule

_T = 1000
_KNOTS = (1, 250, 500, 750, _T)
_KEYS = tuple(f"l{i}" for i in range(len(_KNOTS)))
_END = 12  # of the axis of log-SNR
_GAP = 0.1  # the least fall from one knot to the next
_KINDS = {
    "linear": NoiseSchedule.linear(_T),
    "cosine": NoiseSchedule.cosine(_T),
    "scaled": NoiseSchedule.scaled_linear(_T),
}
# Each knot leaves room for those above and below it.
_ENDS = [(-_END + (len(_KNOTS) - 1 - i) * _GAP, _END - i * _GAP) for i in range(len(_KNOTS))]


@cache
def digits_and_noise() -> tuple[Tensor, Tensor]:
    """A three and a six of the test images, and noise for each: ``(2, 64)``."""
    test = digits.load("test")
    images = torch.stack([test.images[test.labels == digit][0] for digit in (3, 6)]).flatten(1)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return images, noise


def bent(times: tuple[int, ...], log_snrs: list[float]) -> NoiseSchedule:
    """The schedule whose log-SNR is a straight line between the values at the given times."""
    line = np.interp(range(1, times[-1] + 1), times, log_snrs)
    alpha_bars = torch.from_numpy(line).sigmoid()
    before = torch.cat([alpha_bars.new_ones(1), alpha_bars[:-1]])
    return NoiseSchedule(1 - alpha_bars / before)


def _knots(schedule: NoiseSchedule) -> State:
    """The knots of a schedule, on the sliders' grid and within their ends."""
    values = (schedule.gather("log_snr", t) for t in _KNOTS)
    return {
        key: round(min(high, max(low, float(value))), 1)
        for key, value, (low, high) in zip(_KEYS, values, _ENDS, strict=True)
    }


def _follow(now: State, changes: State) -> State:
    """A kind has its knots; who moves a knot leaves the kind, and takes the others along."""
    if "kind" in changes:
        return _knots(_KINDS[changes["kind"]])
    moved = next(i for i, key in enumerate(_KEYS) if key in changes)
    pushed: State = {"kind": "own"}
    for i, key in enumerate(_KEYS):
        most = round(now[_KEYS[moved]] + (moved - i) * _GAP, 1)
        pushed[key] = max(now[key], most) if i < moved else min(now[key], most)
    return pushed


def _schedule(now: State) -> NoiseSchedule:
    return _KINDS.get(now["kind"]) or bent(_KNOTS, [now[key] for key in _KEYS])


def _log_snr(schedule: NoiseSchedule) -> np.ndarray:
    return np.asarray(schedule.log_snr(torch.arange(1, _T + 1)))


def _readout(now: State) -> list[Row]:
    schedule = _schedule(now)
    a, _ = schedule.rates(_T)
    in_band = np.mean(abs(_log_snr(schedule)) < 4)
    return [
        ("signal at the end <i>a<sub>T</sub></i>", fixed(float(a), 4), "one"),
        ("steps in the band", f"{fixed(100 * in_band, 0)} %", "three"),
    ]


def _draw(now: State) -> Figure:
    width, height, left, columns, size = 720, 410, 44, 8, 8.5
    canvas, schedule = Canvas(width, height), _schedule(now)
    film = height - 34 - 16 * size
    x, y = scale((0, _T), (left, width - 12)), scale((-_END, _END), (film - 14, 26))
    canvas.box((left, y(4)), (x(_T) - left, y(-4) - y(4)), "three", 0.12)
    for tick in range(-10, 11, 5):
        canvas.line([left, x(_T)], y(tick), "line", 1, 0.5)
        canvas.text(left - 16, y(tick) + 4.5, str(tick).replace("-", "−"), "muted", "end", 13)
    words = "log-SNR. In the band both image and noise are to be seen."
    canvas.text(left, 14, words, "muted", "start", 13)
    log_snr = _log_snr(schedule)
    t = np.arange(1, _T + 1)
    canvas.line(x(t), np.minimum(y(log_snr), y(-_END)), "one", 3)
    images, noise = digits_and_noise()
    for time in (round(_T * (i + 0.5) / columns) for i in range(columns)):
        canvas.line(x(time), [y(_END), film - 6], "line", 1, dash=(1, 4))
        for i, noised in enumerate(ddpm.q_sample(schedule, images, time, noise)):
            canvas.pixels(
                noised.reshape(8, 8), x(time) - 4 * size, film + i * (8 * size + 6), 8 * size
            )
        canvas.text(x(time), height - 8, str(time), "muted", size=13)
    canvas.text(left - 8, height - 8, "$t$", "muted", "end")
    canvas.dots(x(_KNOTS), y([now[key] for key in _KEYS]), 7, "one", "paper")
    return canvas.figure


HAND = Hand(
    title="A noise schedule to bend",
    state={"kind": "linear", **_knots(_KINDS["linear"])},
    controls=[
        Choice(
            "kind", "schedule", {"linear": "linear", "cosine": "cosine", "scaled": "scaled linear"}
        ),
        *(
            Slider(key, f"at <i>t</i> = {t}", *ends, _GAP, digits=1)
            for key, t, ends in zip(_KEYS, _KNOTS, _ENDS, strict=True)
        ),
    ],
    draw=_draw,
    readout=_readout,
    follow=_follow,
)
