"""Toy data: the right distribution, on the right support, reproducible."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import shapely
import torch

from genbook.data import toy2d


@pytest.mark.parametrize("name", toy2d.NAMES)
def test_form_scale_and_seed(name, generator):
    state = generator.get_state()
    before = torch.get_rng_state()
    x = toy2d.sample(name, 20_000, generator)
    assert x.shape == (20_000, 2) and x.dtype == torch.float32
    assert x.mean(0).abs().max() < 0.15
    assert (x.square().mean(0) - 1).abs().max() < 0.1
    assert torch.equal(x, toy2d.sample(name, 20_000, generator.set_state(state)))
    assert not torch.equal(x, toy2d.sample(name, 20_000, generator))
    assert torch.equal(torch.get_rng_state(), before)
    assert toy2d.sample(name, 0, generator).shape == (0, 2)


@pytest.mark.parametrize("name", toy2d.SUPPORTS)
def test_samples_are_uniform_on_the_exact_support(name, generator):
    n = 40_000
    x = toy2d.sample(name, n, generator)
    assert toy2d.inside(name, x).all() and toy2d.share_inside(name, x) == 1
    polygons = [shapely.Polygon(p) for p in toy2d.SUPPORTS[name]]
    assert all(p.is_valid and p.area > 0 for p in polygons)
    assert max(a.intersection(b).area for a, b in combinations(polygons, 2)) < 1e-12
    # Each polygon, and its left and lower part, gets its share, up to four standard errors.
    area = sum(p.area for p in polygons)
    for polygon in polygons:
        middle = polygon.centroid
        for part in (
            polygon,
            polygon.intersection(shapely.box(-9, -9, middle.x, 9)),
            polygon.intersection(shapely.box(-9, -9, 9, middle.y)),
        ):
            share = part.area / area
            hits = shapely.contains_xy(part, x.double().numpy()).mean()
            assert abs(hits - share) < 4 * math.sqrt(share * (1 - share) / n)


@pytest.mark.parametrize("name", toy2d.SUPPORTS)
def test_inside_agrees_with_shapely_everywhere(name, generator):
    x = 5 * torch.rand(20_000, 2, generator=generator, dtype=torch.float64) - 2.5
    support = shapely.MultiPolygon([shapely.Polygon(p) for p in toy2d.SUPPORTS[name]])
    # The fields of the board touch in corners: a union, and no point of these lies on a side.
    expected = shapely.contains_xy(shapely.unary_union(support), x.numpy())
    assert (toy2d.inside(name, x).numpy() == expected).all()
    share = toy2d.share_inside(name, x)
    area = sum(shapely.Polygon(p).area for p in toy2d.SUPPORTS[name]) / 25
    assert abs(share - area) < 4 * math.sqrt(area * (1 - area) / len(x))


def test_moons_lie_near_their_arcs(generator):
    x = toy2d.moons(5000, generator, noise=0) * torch.tensor([0.86, 0.5]) + torch.tensor(
        [0.5, 0.25]
    )
    upper = (x.norm(dim=1) - 1).abs() + x[:, 1].clamp(max=0).abs()
    other = x - torch.tensor([1.0, 0.5])
    lower = (other.norm(dim=1) - 1).abs() + other[:, 1].clamp(min=0)
    assert torch.minimum(upper, lower).max() < 1e-5
    assert abs((upper < 1e-5).double().mean() - 0.5) < 4 * 0.5 / math.sqrt(5000)


def test_circles_and_spirals_without_noise(generator):
    r = toy2d.circles(4000, generator, noise=0).norm(dim=1)
    assert torch.minimum((r - 0.9).abs(), (r - 1.8).abs()).max() < 1e-5
    assert abs((r < 1.3).double().mean() - 0.5) < 4 * 0.5 / math.sqrt(4000)
    x = toy2d.spirals(4000, generator, noise=0)
    r = x.norm(dim=1)
    arm = (2 / 2) * torch.stack([(1.5 * math.pi * r).cos(), (1.5 * math.pi * r).sin()], 1)
    along = (x * arm).sum(1) / r
    assert (along.abs() - 1).abs().max() < 1e-4
    assert abs((along > 0).double().mean() - 0.5) < 4 * 0.5 / math.sqrt(4000)


def test_noise_has_the_stated_width(generator):
    r = toy2d.circles(20_000, generator, noise=0.05).norm(dim=1)
    away = torch.where(r < 1.35, r - 0.9, r - 1.8)
    assert away.std() == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize(("name", "count"), [("eight_gaussians", 8), ("grid", 25)])
def test_mixtures_know_their_score(name, count, generator):
    mixture = toy2d.mixture(name)
    assert mixture.means.shape == (count, 2)
    x = toy2d.sample(name, 200, generator).double().requires_grad_()
    (slope,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach()), slope)
    nearest = torch.cdist(x.detach(), mixture.means.double()).argmin(1)
    assert len(nearest.unique()) == count  # no mode is missing among 200 samples


def test_what_cannot_be_done_is_said():
    with pytest.raises(ValueError, match=r"name must be one of moons, .*, got 'moon'"):
        toy2d.sample("moon", 3)
    with pytest.raises(ValueError, match="n must not be negative, got -1"):
        toy2d.sample("grid", -1)
    with pytest.raises(ValueError, match="noise must not be negative"):
        toy2d.moons(3, noise=math.nan)
    with pytest.raises(ValueError, match="the support of 'moons' is not a set"):
        toy2d.inside("moons", torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"shape \(…, 2\)"):
        toy2d.inside("polygons", torch.zeros(4, 3))
    with pytest.raises(ValueError, match="NaN"):
        toy2d.share_inside("polygons", torch.full((4, 2), math.nan))
    with pytest.raises(ValueError, match="eight_gaussians, grid, got 'moons'"):
        toy2d.mixture("moons")
    with pytest.raises(ValueError, match="side must be at least 1"):
        toy2d.grid(side=0)
