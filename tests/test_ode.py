"""The chapter ``ode`` against closed forms and a public solver."""

# REPLACE: these tests try Euler's method; what the chapter's own step promises is tried likewise.

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from genbook import ode as chapter
from genbook.data import toy2d
from genbook.denoiser import Denoiser
from genbook.gaussians import GaussianMixture
from genbook.paths import VP, Path, Prediction, Straight

EVERY: tuple[Prediction, ...] = ("eps", "x0", "v", "velocity", "score")
DETERMINING: tuple[Prediction, ...] = ("x0", "v", "velocity")  # at t = 1 of a straight path too
POINT = torch.tensor([1.5, -0.5], dtype=torch.float64)
NOISE = torch.tensor([[0.3, 1.0], [-2.0, 0.1]], dtype=torch.float64)


def gaussian(std: float) -> GaussianMixture:
    """One round Gaussian around ``POINT``."""
    eye = torch.eye(2, dtype=torch.float64)
    return GaussianMixture(torch.ones(1, dtype=torch.float64), POINT[None], std**2 * eye[None])


@pytest.mark.parametrize(("t", "s"), [(1.0, 0.0), (1.0, 0.4), (0.7, 0.65)])
def test_one_step_is_exact_where_the_data_are_one_point(t: float, s: float) -> None:
    denoiser = Denoiser(lambda x, time, cond: NOISE - POINT, Straight(), "velocity")
    landed = chapter.step(denoiser, (1 - t) * POINT + t * NOISE, t, s)
    torch.testing.assert_close(landed, (1 - s) * POINT + s * NOISE)


@pytest.mark.parametrize("std", [0.2, 1.0])
def test_many_steps_reach_the_exact_map_of_a_gaussian(std: float) -> None:
    """Along the flow a Gaussian is only moved and stretched: x_0 = m + std · x_1."""
    path = Straight()
    model = gaussian(std).model(path, "velocity")
    found = chapter.sample(model, path, NOISE.shape, 400, xT=NOISE)
    # Euler's error falls like 1/n: about 1/400 of the distance travelled.
    torch.testing.assert_close(found, POINT + std * NOISE, rtol=0, atol=0.02)


def test_the_states_go_from_the_first_to_the_sample() -> None:
    path = Straight()
    model = gaussian(1.0).model(path, "velocity")
    times, walked = zip(*chapter.states(model, path, NOISE.shape, 4, xT=NOISE), strict=True)
    assert times == (1.0, 0.75, 0.5, 0.25, 0.0)
    assert torch.equal(walked[0], NOISE)
    assert torch.equal(walked[-1], chapter.sample(model, path, NOISE.shape, 4, xT=NOISE))


def test_a_progress_bar_is_shown_if_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    model = gaussian(1.0).model(Straight(), "velocity")
    for progress in (False, True):
        chapter.sample(model, Straight(), NOISE.shape, 4, xT=NOISE, progress=progress)
        assert ("4/4" in capsys.readouterr().err) == progress


def test_a_seed_fixes_the_sample() -> None:
    path = Straight()
    model = gaussian(1.0).to(torch.float32).model(path, "velocity")
    one, two, other = (
        chapter.sample(model, path, (2, 2), 3, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_a_public_solver_ends_in_the_same_place() -> None:
    path, target = Straight(), toy2d.mixture("eight_gaussians")
    denoiser = Denoiser(target.model(path, "velocity"), path, "velocity")

    def velocity(t: float, x: np.ndarray) -> np.ndarray:
        return denoiser(torch.from_numpy(x)[None], t).velocity[0].numpy()

    solved = solve_ivp(velocity, (0.9, 0.0), NOISE[0].numpy(), rtol=1e-8, atol=1e-10).y[:, -1]
    x, times = NOISE[:1], [0.9 * i / 500 for i in range(500, -1, -1)]
    for t, s in pairwise(times):
        x = chapter.step(denoiser, x, t, s)
    np.testing.assert_allclose(x[0].numpy(), solved, atol=0.01)


@pytest.mark.parametrize(
    ("path", "prediction"),
    [*((VP(), kind) for kind in EVERY), *((Straight(), kind) for kind in DETERMINING)],
    ids=str,
)
def test_it_does_not_matter_what_the_network_predicts(path: Path, prediction: Prediction) -> None:
    target = toy2d.mixture("eight_gaussians")
    kinds: tuple[Prediction, Prediction] = (prediction, "velocity")
    one, other = (
        chapter.sample(target.model(path, kind), path, NOISE.shape, 10, xT=NOISE, prediction=kind)
        for kind in kinds
    )
    # They differ by the rounding of float64 only. VP's b' is large near t = 0: some digits go.
    torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("prediction", ["eps", "score"])
def test_what_does_not_determine_the_data_is_refused(prediction: Prediction) -> None:
    """At t = 1 of a straight path nothing of the data is left: its state is the noise itself."""
    path = Straight()
    model = toy2d.mixture("eight_gaussians").model(path, "eps")
    with pytest.raises(ValueError, match="eps does not determine x_0"):
        chapter.sample(model, path, NOISE.shape, 10, xT=NOISE, prediction=prediction)


def test_what_cannot_work_is_said() -> None:
    model = gaussian(1.0).model(Straight(), "velocity")
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        chapter.sample(model, Straight(), (2, 2), 0)
    with pytest.raises(ValueError, match="prediction"):
        chapter.sample(model, Straight(), (2, 2), 5, prediction="noise")
    with pytest.raises(ValueError, match="xT must have the shape"):
        chapter.sample(model, Straight(), (3, 2), 5, xT=NOISE)
