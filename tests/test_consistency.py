"""The chapter ``consistency`` against closed forms and fine solves."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genbook import consistency, ddim
from genbook.consistency import FlowMap, SolvedMap, Target, losses
from genbook.denoiser import Denoiser
from genbook.gaussians import GaussianMixture
from genbook.nn import FlowMLP, shaken
from genbook.objects import shares_storage
from genbook.paths import VE, VP, Path, Prediction, Straight, SubVP

DOUBLE = torch.float64
MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.7], dtype=DOUBLE),
    torch.tensor([[-1.0, 0.5], [1.0, -0.3]], dtype=DOUBLE),
    torch.tensor([[[0.09, 0.0], [0.0, 0.09]], [[0.2, 0.05], [0.05, 0.1]]], dtype=DOUBLE),
)
X = torch.randn(24, 2, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
SOLVED = SolvedMap(Denoiser(MIXTURE.model(VP()), VP()), tolerance=1e-11)
STRAIGHT = Straight()
SPREAD = 0.6  # of the one Gaussian whose flow map is a formula


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def column(t: Any) -> Any:
    return t[:, None] if isinstance(t, Tensor) else t


def width(t: Any) -> Any:
    """The standard deviation of x_t for data N(0, SPREAD²) on the straight path."""
    return ((1 - t) ** 2 * SPREAD**2 + t**2) ** 0.5


def velocity(x: Tensor, t: Any, cond: Any = None) -> Tensor:
    """The field of that Gaussian: all of x_t is scaled as its deviation is."""
    slope = (t - (1 - t) * SPREAD**2) / width(t) ** 2
    return column(slope) * x


def exact(x: Tensor, t: Any, s: Any, cond: Any = None) -> Tensor:
    return column(width(s) / width(t)) * x


def perfect(scale: float = 1.0) -> FlowMap:
    """A map whose network is the formula; with another scale it is wrong off the diagonal."""

    def model(x: Tensor, t: Tensor, cond: tuple[Tensor, Any]) -> Tensor:
        s = cond[0]
        gap = torch.where(t == s, torch.full_like(t, 1e-7), t - s)
        return (
            column((width(t) - width(t - gap)) / (gap * width(t)))
            * x
            * (1 + (scale - 1) * column((t - s).clamp(0, 1)))
        )

    return FlowMap(model, STRAIGHT)


def times(n: int = 24) -> tuple[Tensor, Tensor]:
    t = torch.linspace(0.3, 0.95, n, dtype=DOUBLE)
    return t, t * torch.linspace(0.1, 0.9, n, dtype=DOUBLE)


# The three equations, on the exact field of the mixture


def test_two_jumps_of_the_solved_map_are_one() -> None:
    for t, m, s in ((0.9, 0.5, 0.1), (0.8, 0.2, 0.15), (0.2, 0.6, 0.9)):
        missed = consistency.semigroup(SOLVED, X, t, m, s)
        assert missed.abs().max() < 1e-7
        assert (SOLVED(X, t, m) - SOLVED(X, t, s)).abs().max() > 1e-2


def test_the_end_of_the_solved_map_follows_the_field() -> None:
    t, s, h = 0.8, 0.3, 1e-4
    moved = (SOLVED(X, t, s + h) - SOLVED(X, t, s - h)) / (2 * h)
    there = SOLVED.velocity(SOLVED(X, t, s), s)
    torch.testing.assert_close(moved, there, rtol=1e-5, atol=1e-6)
    assert (moved - SOLVED.velocity(X, s)).abs().max() > 1e-2  # not the field at the start


def test_the_end_stays_when_the_start_moves_along_its_curve() -> None:
    t, s, h = 0.8, 0.3, 1e-4
    v = SOLVED.velocity(X, t)
    later, earlier = SOLVED(X + h * v, t + h, s), SOLVED(X - h * v, t - h, s)
    assert ((later - earlier) / (2 * h)).abs().max() < 1e-5
    still = (SOLVED(X, t + h, s) - SOLVED(X, t - h, s)) / (2 * h)
    assert still.abs().max() > 1e-1  # with the start held, it moves


def test_residuals_vanish_on_a_formula_and_only_there() -> None:
    t, s = times()
    m = (t + s) / 2
    for flow_map, small in ((exact, True), (perfect(), True), (perfect(1.05), False)):
        found = [
            consistency.semigroup(flow_map, X, t, m, s),
            consistency.lagrangian(flow_map, velocity, X, t, s),
            consistency.eulerian(flow_map, velocity, X, t, s),
        ]
        for missed in found:
            assert (missed.abs().max() < 1e-5) == small


def test_residuals_notice_another_field() -> None:
    t, s = times()

    def faster(x: Tensor, t: Any, cond: Any = None) -> Tensor:
        return 1.1 * velocity(x, t)

    assert consistency.lagrangian(exact, faster, X, t, s).abs().max() > 1e-2
    assert consistency.eulerian(exact, faster, X, t, s).abs().max() > 1e-2


# The map


@pytest.mark.parametrize("path", [STRAIGHT, VP(), SubVP(), VE(0.05, 10.0)])
@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
def test_a_jump_nowhere_stays_whatever_the_network_says(path: Path, prediction: Prediction) -> None:
    wild = FlowMap(lambda x, t, cond: 1e3 * torch.ones_like(x), path, prediction)
    t = torch.linspace(0.05, 0.9, len(X), dtype=DOUBLE)
    torch.testing.assert_close(wild(X, t, t), X, rtol=0, atol=1e-8)
    assert (wild(X, t, t / 2) - X).abs().min() > 1


@pytest.mark.parametrize("path", [STRAIGHT, VP(), SubVP(), VE(0.05, 10.0)])
@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
def test_without_knowing_the_end_it_is_ddims_jump(path: Path, prediction: Prediction) -> None:
    said = torch.randn(X.shape, dtype=DOUBLE, generator=generator(1))
    flow_map = FlowMap(lambda x, t, cond: said, path, prediction)
    denoiser = Denoiser(lambda x, t, cond: said, path, prediction)
    for t, s in ((0.9, 0.4), (0.5, 0.0)):
        torch.testing.assert_close(flow_map(X, t, s), ddim.jump(denoiser, X, t, s))


def test_the_network_is_told_both_times_and_the_condition() -> None:
    seen: list[Any] = []

    def model(x: Tensor, t: Tensor, cond: Any) -> Tensor:
        seen.append((t, *cond))
        return x

    FlowMap(model, STRAIGHT)(X, 0.7, 0.2, "a class")
    t, s, cond = seen[0]
    assert t.shape == s.shape == (24,)
    assert (t[0].item(), s[0].item(), cond) == (0.7, 0.2, "a class")


def test_the_velocity_is_the_first_instant_of_the_map() -> None:
    net = shaken(0, FlowMLP, dim=2, width=16).double()
    nn.init.normal_(net.leave.weight, generator=generator(2))
    flow_map, t = FlowMap(net, STRAIGHT), times()[0]
    slope = consistency.lagrangian(flow_map, lambda x, s, cond: 0 * x, X, t, t)
    torch.testing.assert_close(flow_map.velocity(X, t), slope)
    assert slope.abs().max() > 1e-2


def test_times_off_the_path_are_refused() -> None:
    flow_map = perfect()
    for t, s in ((1.2, 0.5), (0.5, -0.1), (torch.full((24,), 2.0), 0.0)):
        with pytest.raises(ValueError, match="times must lie in 0"):
            flow_map(X, t, s)
    with pytest.raises(TypeError, match="x must be a torch tensor"):
        flow_map([1.0], 0.5, 0.2)  # type: ignore[arg-type]


def test_the_scales_of_consistency_models() -> None:
    start = consistency.boundary_scales(torch.tensor(0.002, dtype=DOUBLE))
    assert (float(start.skip), float(start.out)) == (1.0, 0.0)
    skip, out = consistency.boundary_scales(2.0, first=0.5, data_std=1.5)
    assert math.isclose(skip, 1.5**2 / (1.5**2 + 1.5**2))
    assert math.isclose(out, 1.5 * 1.5 / math.sqrt(1.5**2 + 2.0**2))
    with pytest.raises(ValueError, match=r"at least 0\.002"):
        consistency.boundary_scales(0.001)


# The losses


DATA = SPREAD * torch.randn(256, 2, dtype=DOUBLE, generator=generator(3))


@pytest.mark.parametrize("name", sorted(consistency.LOSSES))
def test_the_exact_map_has_the_least_loss(name: str) -> None:
    """With the exact field as teacher there is no noise left: the loss is zero."""
    loss = consistency.LOSSES[name]
    options: dict[str, Any] = {"velocity": velocity}
    if "consistency" in name:
        options["gap"] = 1e-4  # the step of the teacher is Euler's
    if name == "mean flow":
        options["power"] = 0.0
    found = {s: loss(perfect(s), DATA, None, generator(), **options) for s in (1.0, 0.9, 1.1)}
    assert found[1.0] < 2e-3 * min(found[0.9], found[1.1])


@pytest.mark.parametrize("name", ["shortcut", "mean flow", "lagrangian"])
def test_off_the_diagonal_alone_the_loss_is_zero(name: str) -> None:
    """A map that is wrong on the diagonal alone is not noticed there, where nothing is asked."""
    loss = consistency.LOSSES[name]
    found = loss(perfect(), DATA, None, generator(), velocity=velocity, diagonal=0.0)
    assert found < 1e-9


@pytest.mark.parametrize("name", sorted(consistency.LOSSES))
def test_losses_reach_every_parameter_and_draw_from_their_generator_alone(name: str) -> None:
    net = shaken(0, FlowMLP, dim=64, width=16, classes=10)
    nn.init.normal_(net.leave.weight, std=0.1, generator=generator(2))
    for layer in (*net.told, net.told_last):
        nn.init.normal_(layer.weight, std=0.1, generator=generator(3))
    images, labels = torch.randn(16, 1, 8, 8, generator=generator(4)), torch.arange(16) % 10
    options = {"velocity": lambda x, t, cond: -x} if "distillation" in name else {}

    def value() -> Tensor:
        return consistency.LOSSES[name](
            FlowMap(net, STRAIGHT), images, labels, generator(5), **options
        )

    state = torch.random.get_rng_state()
    one = value()
    assert torch.equal(one, value()) and torch.equal(state, torch.random.get_rng_state())
    one.backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


def test_no_gradient_goes_through_what_is_held_fixed() -> None:
    """The gradient of a loss is that of the error's own term: with the target as a constant."""
    net = shaken(0, FlowMLP, dim=2, width=16).double()
    nn.init.normal_(net.leave.weight, std=0.5, generator=generator(2))
    own = FlowMap(net, STRAIGHT)
    frozen = FlowMap(Target(net).network, STRAIGHT)

    def gradient(**options: Any) -> Tensor:
        net.zero_grad()
        consistency.training(own, DATA, None, generator(), **options).backward()
        return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])

    torch.testing.assert_close(gradient(), gradient(target=frozen))

    net.zero_grad()
    loss = consistency.lagrangian_map(own, DATA, None, generator(), diagonal=0.0)
    loss.backward()
    mine = net.leave.weight.grad.clone()  # type: ignore[union-attr]
    net.zero_grad()
    options = {"velocity": lambda x, t, cond: frozen.velocity(x, t, cond).detach()}
    consistency.lagrangian_map(own, DATA, None, generator(), diagonal=0.0, **options).backward()
    torch.testing.assert_close(mine, net.leave.weight.grad)


def test_losses_refuse_what_cannot_be_learned_from() -> None:
    flow_map = perfect()
    for name, loss in consistency.LOSSES.items():
        options = {"velocity": velocity} if "distillation" in name else {}
        with pytest.raises(ValueError, match="x0 must be finite"):
            loss(flow_map, DATA / 0, None, generator(), **options)
    for share in (1.0, -0.5):
        with pytest.raises(ValueError, match="diagonal"):
            consistency.shortcut(flow_map, DATA, diagonal=share)


def test_a_trained_map_agrees_with_the_fine_solve() -> None:
    """A quick training on the mixture's exact field, against the solver."""
    teacher = Denoiser(MIXTURE.model(STRAIGHT), STRAIGHT)
    solved = SolvedMap(teacher, 1e-6)
    net = shaken(0, FlowMLP, dim=2, width=32, time_scale=10.0).double()
    flow_map, draws = FlowMap(net, STRAIGHT), generator()
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    data = MIXTURE.sample(256, draws)
    start = torch.randn(200, 2, dtype=DOUBLE, generator=draws)
    t, s = 0.98, 0.1
    there = solved(start, t, s)

    def error() -> float:
        with torch.no_grad():
            return (flow_map(start, t, s) - there).square().mean().sqrt().item()

    before = error()
    for _ in range(150):
        loss = consistency.lagrangian_map(
            flow_map, data, None, draws, velocity=lambda x, t, c: teacher(x, t).velocity
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert error() < before / 5


# The target


def test_a_target_owns_its_numbers() -> None:
    net = shaken(0, FlowMLP, dim=2, width=8)
    target = Target(net, decay=0.5)
    assert not shares_storage(net, target.network)
    assert not any(p.requires_grad for p in target.network.parameters())
    before = target.network.enter.weight.clone()  # type: ignore[union-attr, operator]
    with torch.no_grad():
        net.enter.weight.add_(1.0)  # a step of an optimiser
    assert torch.equal(target.network.enter.weight, before)  # type: ignore[arg-type, union-attr]
    target.update()
    moved = target.network.enter.weight - before  # type: ignore[union-attr, operator]
    share = 1 - min(0.5, 2 / 11)  # the average warms up
    torch.testing.assert_close(moved, torch.full_like(moved, share), rtol=1e-5, atol=1e-6)
    assert not shares_storage(net, target.network)


# Steps


def test_one_and_several_jumps() -> None:
    flow_map, start = perfect(), X
    one = consistency.sample(flow_map, X.shape, 1, xT=start)
    torch.testing.assert_close(one, exact(X, 1.0, 0.0), rtol=1e-6, atol=1e-6)
    film = list(consistency.states(flow_map, X.shape, 4, xT=start))
    assert [t for t, _ in film] == [1.0, 0.75, 0.5, 0.25, 0.0]
    for t, x in film:
        torch.testing.assert_close(x, exact(X, 1.0, t), rtol=1e-6, atol=1e-6)


def test_renoising_keeps_the_marginals() -> None:
    """Down to the data and up again: every state has the law of its time."""
    flow_map = perfect()
    film = consistency.states(flow_map, (40_000, 2), 3, None, generator(), step=consistency.renoise)
    ends = dict(film)
    for t in (2 / 3, 1 / 3, 0.0):
        assert abs(ends[t].std().item() / width(t) - 1) < 0.02
    # The noise is fresh: what remains of the first state is what went through the data.
    firsts = ends[1.0].flatten(), ends[1 / 3].flatten()
    assert torch.corrcoef(torch.stack(firsts))[0, 1] < 0.9


def test_samplers_name_what_is_wrong() -> None:
    flow_map = perfect()
    with pytest.raises(ValueError, match="end at 0"):
        consistency.sample(flow_map, X.shape, 1, times=[1.0, 0.5])
    with pytest.raises(ValueError, match="2 steps need 3 times"):
        consistency.sample(flow_map, X.shape, 2, times=[1.0, 0.0])
    broken = FlowMap(lambda x, t, cond: x / 0 if t[0] < 0.6 else x, STRAIGHT)
    with pytest.raises(ValueError, match=r"from t = 0\.5 to 0"):
        consistency.sample(broken, X.shape, 2, xT=X)


def test_editing() -> None:
    class Shift(nn.Module):
        """Goes to data that are all 0.5."""

        def forward(self, x: Tensor, t: Tensor, cond: Any) -> Tensor:
            return (x - 0.5) / t[:, None, None, None]

    flow_map = FlowMap(Shift(), STRAIGHT)
    known = torch.linspace(-1, 1, 3 * 16).reshape(3, 1, 4, 4)
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[:2] = True
    filled = consistency.inpaint(flow_map, known, mask, 3, generator=generator())
    assert torch.equal(filled[..., :2, :], known[..., :2, :])
    torch.testing.assert_close(filled[..., 2:, :], torch.full((3, 1, 2, 4), 0.5))
    with pytest.raises(TypeError, match="mask must be True"):
        consistency.inpaint(flow_map, known, mask.float())
    redrawn = consistency.redraw(flow_map, known, 0.5, 2, generator=generator())
    torch.testing.assert_close(redrawn, torch.full_like(known, 0.5))
    with pytest.raises(ValueError, match="strength"):
        consistency.redraw(flow_map, known, 0.0)


# The network


def test_the_network_knows_its_class_and_both_times() -> None:
    net = shaken(0, FlowMLP, dim=64, width=16, classes=10)
    nn.init.normal_(net.leave.weight, generator=generator(1))
    for layer in (*net.told, net.told_last):
        nn.init.normal_(layer.weight, std=0.3, generator=generator(2))
    x = torch.randn(4, 1, 8, 8, generator=generator(3))
    labels = torch.tensor([1, 2, 3, 10])
    first = net(x, 0.7, (0.2, labels))
    assert first.shape == x.shape
    for t, s, y in ((0.6, 0.2, labels), (0.7, 0.1, labels), (0.7, 0.2, labels.flip(0))):
        assert (net(x, t, (s, y)) - first).abs().max() > 1e-3
    none = net(x, 0.7, (0.2, None))
    assert torch.allclose(none[3], first[3], atol=1e-5)
    with pytest.raises(ValueError, match="64 numbers a sample"):
        net(x[..., :4], 0.7, (0.2, labels))
    with pytest.raises(ValueError, match="no classes"):
        FlowMLP(dim=64)(x, 0.7, (0.2, labels))
    with pytest.raises(ValueError, match="at least 1"):
        FlowMLP(width=0)


def test_a_shortcut_stops_half_way() -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    def model(x: Tensor, t: Tensor, cond: tuple[Tensor, Any]) -> Tensor:
        seen.append((t, cond[0]))
        return x

    consistency.shortcut(FlowMap(model, STRAIGHT), DATA, None, generator(), diagonal=0.0)
    (t, m), (again, s), whole = seen
    torch.testing.assert_close(m, (t + s) / 2)
    assert torch.equal(again, m) and torch.equal(whole[0], t) and torch.equal(whole[1], s)


# What goes wrong quietly


def still(x: Tensor, t: Any, s: Any, cond: Any = None) -> Tensor:
    """The map of no field: it stays."""
    return x


def test_the_semigroup_alone_does_not_single_out_a_flow() -> None:
    t, s = times()
    assert consistency.semigroup(still, X, t, (t + s) / 2, s).abs().max() == 0
    assert consistency.lagrangian(still, velocity, X, t, s).abs().max() > 0.1
    assert consistency.eulerian(still, velocity, X, t, s).abs().max() > 0.1
    none = FlowMap(lambda x, t, cond: 0 * x, STRAIGHT)
    assert consistency.shortcut(none, DATA, None, generator(), diagonal=0.0) == 0
    assert consistency.shortcut(none, DATA, None, generator()) > 0.1  # the diagonal notices


def test_small_batches_hear_both_parts() -> None:
    parts = (("shortcut", 0.75), ("shortcut", 0.1), ("mean flow", 0.95), ("lagrangian", 0.1))
    for name, diagonal in parts:
        seen: list[tuple[Tensor, Tensor]] = []

        def model(x: Tensor, t: Tensor, cond: Any, seen: list = seen) -> Tensor:
            seen.append((t, cond[0]))
            return x

        flow_map = FlowMap(model, STRAIGHT)
        loss = consistency.LOSSES[name]
        loss(flow_map, DATA[:2], None, generator(), diagonal=diagonal)
        equal = [torch.equal(t, s) for t, s in seen]
        assert any(equal) and not all(equal), name
        with pytest.raises(ValueError, match="at least two"):
            loss(flow_map, DATA[:1], None, generator(), diagonal=diagonal)
        assert loss(flow_map, DATA[:1], None, generator(), diagonal=0.0).isfinite()


@pytest.mark.parametrize("name", sorted(consistency.LOSSES))
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_losses_in_half_precision(name: str, dtype: torch.dtype) -> None:
    """Also where two coarse times are equal: a jump that goes nowhere asks for nothing."""
    net = shaken(0, FlowMLP, dim=2, width=16).to(dtype)
    options = {"velocity": lambda x, t, cond: -x} if "distillation" in name else {}
    found = consistency.LOSSES[name](
        FlowMap(net, STRAIGHT), DATA.to(dtype), None, generator(), **options
    )
    assert found.isfinite()


def test_a_shortcut_between_equal_times_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses._Draw, "times", lambda self: torch.full((len(self.x0),), 0.5))
    net = shaken(0, FlowMLP, dim=2, width=16).double()
    loss = consistency.shortcut(FlowMap(net, STRAIGHT), DATA, None, generator(), diagonal=0.0)
    loss.backward()
    assert loss == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_gaps_and_sizes_are_checked() -> None:
    flow_map = perfect()
    for gap in (0.0, -0.1, 2.0, math.nan):
        with pytest.raises(ValueError, match="gap must lie in"):
            consistency.training(flow_map, DATA, None, generator(), gap=gap)
    with pytest.raises(ValueError, match="at least one call"):
        consistency.redraw(flow_map, X, 0.5, 0)
    for edit in (
        lambda: consistency.redraw(flow_map, X.long(), 0.5),
        lambda: consistency.inpaint(flow_map, X.long(), X > 0),
    ):
        with pytest.raises(TypeError, match="images in"):
            edit()
    for spread in (0.0, math.nan):
        with pytest.raises(ValueError, match="data_std"):
            consistency.boundary_scales(0.5, 0.1, spread)
    with pytest.raises(ValueError, match="features"):
        FlowMLP(features=0)
    for residual in (consistency.lagrangian, consistency.eulerian):
        with pytest.raises(TypeError, match="t must be a torch tensor"):
            residual(exact, velocity, X, 0.5, 0.2)
        with pytest.raises(TypeError, match="s must be a torch tensor"):
            residual(exact, velocity, X, times()[0], 0.2)


def test_the_small_miss_is_squared_and_the_large_one_is_not() -> None:
    """Twice the miss: four times the loss far below c, twice the loss far above."""

    def loss(d: float, c: float) -> float:
        off = FlowMap(lambda x, t, cond: d / t[:, None] + 0 * x, STRAIGHT)  # ends at x − d
        options: dict[str, Any] = {"velocity": lambda x, t, cond: 0 * x, "target": still}
        return float(consistency.training(off, DATA, None, generator(), c=c, **options))

    for d, c, ratio in ((1e-4, 0.03, 4), (10.0, 0.03, 2), (0.03, 1.0, 4), (0.03, 1e-4, 2)):
        assert math.isclose(loss(2 * d, c) / loss(d, c), ratio, rel_tol=0.01)
    # The mean over the features, (√(d² + c²) − c) over the gap:
    assert math.isclose(loss(0.3, 0.4), (0.5 - 0.4) / 0.05, rel_tol=0.01)


def test_the_solved_map_refuses_times_off_its_path_and_shares_nothing() -> None:
    same = SOLVED(X, 0.5, 0.5)
    assert torch.equal(same, X) and same.data_ptr() != X.data_ptr()
    with pytest.raises(ValueError, match="times must lie in 0"):
        SOLVED(X, 7.0, 7.0)
    with pytest.raises(TypeError, match="one time for all"):
        SOLVED(X, torch.full((24,), 0.5), 0.1)


def test_renoising_to_a_time_for_each() -> None:
    t, s = torch.full((24,), 0.9, dtype=DOUBLE), torch.linspace(0, 0.5, 24, dtype=DOUBLE)
    found = consistency.renoise(perfect(), X, t, s, None, generator())
    x0 = perfect()(X, t, 0 * t)
    noise = (found - (1 - s)[:, None] * x0)[1:] / s[1:, None]
    assert 0.7 < noise.std() < 1.3
    torch.testing.assert_close(found[0], x0[0])


def test_near_the_data_the_gap_ends_at_the_data() -> None:
    seen: list[Tensor] = []

    def model(x: Tensor, t: Tensor, cond: Any) -> Tensor:
        seen.append(t)
        return 0 * x

    consistency.training(FlowMap(model, STRAIGHT), DATA, None, generator(), gap=0.5)
    lower, upper = seen
    torch.testing.assert_close(lower, (upper - 0.5).clamp(min=0))
    assert (lower == 0).any() and (lower > 0).any()
    assert (upper[::4] > 0.95).all() and not (upper > 0.95).all()  # a sampler begins there


def test_at_the_data_there_is_nothing_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses._Draw, "times", lambda self: torch.zeros(len(self.x0)))
    assert consistency.training(perfect(), DATA, None, generator()).isfinite()


def test_at_the_data_no_noise_is_drawn() -> None:
    dice = generator()
    before = dice.get_state()
    consistency.renoise(perfect(), X, 0.5, 0.0, None, dice)
    assert torch.equal(dice.get_state(), before)
    consistency.renoise(perfect(), X, 0.5, 0.25, None, dice)
    assert not torch.equal(dice.get_state(), before)


def test_what_is_filled_in_is_noised_with_what_is_known() -> None:
    seen: list[Tensor] = []

    def model(x: Tensor, t: Tensor, cond: Any) -> Tensor:
        assert cond[1] == "a class"
        seen.append(x)
        return (x - 0.5) / column(t)  # goes to data that are all 0.5

    known = torch.stack([torch.full((40_000,), 0.9), torch.zeros(40_000)], 1)
    mask = torch.tensor([True, False])
    consistency.inpaint(FlowMap(model, STRAIGHT), known, mask, 4, "a class", generator())
    for t, x in zip((0.75, 0.5, 0.25), seen[1:], strict=True):
        for pixel, value in ((0, 0.9), (1, 0.5)):
            assert abs(x[:, pixel].mean() - (1 - t) * value) < 0.02
            assert abs(x[:, pixel].std() - t) < 0.02
    with pytest.raises(TypeError, match="mask must be a torch tensor"):
        consistency.inpaint(FlowMap(model, STRAIGHT), known, [True, False])  # type: ignore[arg-type]


@pytest.mark.parametrize("prediction", ["eps", "x0", "v"])
@pytest.mark.parametrize("name", ["shortcut", "mean flow"])
def test_losses_of_other_predictions(name: str, prediction: Prediction) -> None:
    """Where the factors of a jump change with t in their own ways."""

    def found(scale: float) -> float:
        def model(x: Tensor, t: Tensor, cond: Any) -> Tensor:
            skip, out = own.scales(t, cond[0], x)
            return scale * (exact(x, t, cond[0]) - skip * x) / out

        own = FlowMap(model, STRAIGHT, prediction)
        options: dict[str, Any] = {"power": 0.0} if name == "mean flow" else {}
        loss = consistency.LOSSES[name]
        return float(loss(own, DATA, None, generator(), velocity=velocity, diagonal=0.0, **options))

    assert found(1.0) < 1e-8 * found(1.1)


def test_the_weight_of_mean_flow() -> None:
    """A network that is off by d everywhere: each error is d², over (d² + 0.001) to the power."""

    def loss(power: float) -> float:
        off = FlowMap(lambda x, t, cond: 0 * x + 0.05, STRAIGHT)
        options: dict[str, Any] = {"velocity": lambda x, t, cond: 0 * x, "power": power}
        return float(consistency.mean_flow(off, DATA, None, generator(), **options))

    for power in (0.0, 1.0, 2.0):
        assert math.isclose(loss(power), 0.0025 / 0.0035**power, rel_tol=1e-6)
