"""What a sampler's table is worth: digits drawn with it, beside those of DDIM from the same noises.

The table is run here, with the book's network: as many calls as it has rows, and nothing of the
student's code. Each draw is a thousand digits, a hundred of each class, as in the chapter on the
flow. Two samplers that share their noises share much of their luck, so what counts is the distance
as a share of DDIM's: it scatters less than either.
"""

from collections.abc import Sequence
from functools import cache, partial
from itertools import pairwise

from genbook import evaluation, weights
from genbook.checks import Tensor, generator, torch
from genbook.checks.own_sampler.jump import jump
from genbook.data import digits
from genbook.denoiser import Denoiser
from genbook.ode import Tableau, tableau
from genbook.ode.tableau import Denoise

CALLS, EACH, DRAWS = 10, 100, 12
BOUND = 0.85  # ``python tests/bound.py own_sampler.own`` shows what lies on either side
NO_IMAGES = 1e6  # as far as what has exploded, or has no negative pixel, is from all digits
EVEN = range(1000, -1, -100)
LABELS = torch.arange(digits.CLASSES).repeat(EACH)

build = partial(Tableau, CALLS)


@cache
def network() -> Denoiser:
    return Denoiser(weights.load("digits-ddpm").eval(), weights.schedule("digits-ddpm"))


@cache
def real() -> Tensor:
    return evaluation.features(digits.load("all").images)


def denoise(x: Tensor, t: int) -> Tensor:
    """The digits that the network sees in x, of the classes that are asked for."""
    return network()(x, t, LABELS).x0


def noises(seed: int) -> list[Tensor]:
    """For each draw the noise at the start and the fresh ones."""
    shape = (CALLS + 1, len(LABELS), *digits.SHAPE)
    g = generator(seed)
    return [torch.randn(shape, generator=g) for _ in range(DRAWS)]


def distance(table: Tableau, noise: Tensor) -> float:
    """Of a thousand digits to the real ones. A table may claim anything, so nothing may raise."""
    if not ((table.times >= 0) & (table.times <= network().path.end)).all():
        return NO_IMAGES
    x = table(denoise, noise[0], noise[1:])
    if not x.isfinite().all() or x.abs().max() > 1e6 or x.min() >= 0:
        return NO_IMAGES
    return evaluation.frechet(evaluation.features(x), real())


def ddim(denoise: Denoise, x: Tensor, noises: Sequence[Tensor]) -> Tensor:
    """The baseline: ten even times, the last answer alone, no fresh noise."""
    for t, s in pairwise(EVEN):
        x = jump(network().path, x, denoise(x, t), t, s, 0.0, 0 * x)
    return x


@cache
def of_ddim(seed: int) -> list[float]:
    table = tableau(ddim, CALLS)
    return [distance(table, noise) for noise in noises(seed)]


def score(table: torch.nn.Module, seed: int) -> tuple[float, float]:
    """The distance as a share of DDIM's, on average over the draws, and its standard error."""
    assert isinstance(table, Tableau)
    pairs = zip(noises(seed), of_ddim(seed), strict=True)
    shares = torch.tensor([distance(table, noise) / base for noise, base in pairs])
    return float(shares.mean()), float(shares.std()) / DRAWS**0.5


def diagnose(table: torch.nn.Module, seed: int) -> tuple[str, str]:
    """The calls that the table makes, and the mistake that is seen in it."""
    assert isinstance(table, Tableau)
    times = [round(t) for t in table.times.tolist() if round(t)]
    shown = ", ".join(map(str, times)) or "none"
    return f"calls at t = {shown}", mistake(table, times)


def mistake(table: Tableau, times: list[int]) -> str:
    """The name of the first that explains the table, if any does.

    A state that is worth its time t holds a_t of the data and noise of the deviation b_t: so it
    would be if every answer were the data themselves.
    """
    if not times or not table.rows[-1, 1 : 1 + CALLS].any():
        return "asks nothing"
    if times != sorted(times, reverse=True):
        return "upwards"
    if not 1 <= times[-1] <= times[0] <= network().path.end:
        return ""
    path, states, result = network().path, table.rows[: len(times)], table.rows[-1]
    start = path.rates(times[0])
    signal = states[:, 0] * start[0] + states[:, 1 : 1 + CALLS].sum(1)
    noise = ((states[:, 0] * start[1]).square() + states[:, 1 + CALLS :].square().sum(1)).sqrt()
    fresh = result[1 + CALLS :].abs() > 1e-9
    if (fresh & (states[:, 1 + CALLS :].abs().amax(0) < 1e-9)).any():
        return "noise in the last step"
    wanted = torch.tensor([path.rates(t) for t in times])
    if len(times) > 1 and states[1, 1] < 0:
        return "data taken for noise"
    if (signal - wanted[:, 0]).abs().max() > 0.02:
        return "asked at another time"
    if (noise - wanted[:, 1]).abs().max() > 0.02:
        return "too little noise" if noise[-1] < wanted[-1, 1] else "too much noise"
    if times[-1] < 20:
        return "a late last jump"
    if len(times) < 3:
        return ""
    apart = states[2:] - (states[2:, :1] / states[1:-1, :1]) * states[1:-1]
    answers = apart[:, 1 : 1 + CALLS].abs() > 1e-9
    older = torch.stack([row[: i + 1].any() for i, row in enumerate(answers)])
    last = torch.stack([row[i] for i, row in enumerate(answers)])
    if (older & ~last)[2:].any():
        return "stale history"
    if older.any():
        return ""
    return "fresh noise alone" if states[:, 1 + CALLS :].any() else "the baseline"
