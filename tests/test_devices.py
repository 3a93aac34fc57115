"""The book on a machine with a GPU, without one: everything that takes tensors runs on a device.

Each case computes something on a given device. It is run on the CPU and on a pretended device
(:mod:`pretended_device`), which refuses what a real one refuses, and must give the same numbers
there: noise is drawn by generators of the CPU and moved. On "mps" there is no float64.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretended_device import Far, is_far, pretended
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from genbook import (
    bound,
    consistency,
    ddim,
    ddpm,
    ema,
    evaluation,
    gaussians,
    objects,
    ode,
    paths,
    plots,
    sde,
    verify,
    weights,
)
from genbook import nn as parts
from genbook.data import digits, shapes, toy2d
from genbook.denoiser import Denoiser, clipped, thresholded
from genbook.gaussians import GaussianMixture
from genbook.nn import MLP, Classifier, FlowMLP, UNet, UNetEncoder
from genbook.recipes import RECIPES
from genbook.schedules import NoiseSchedule
from genbook.training import Trainer
from genbook.training.__main__ import main

Device = torch.device
Case = Callable[[Device], Any]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=seeded(seed))


def built(build: Callable[[], nn.Module], device: Device) -> nn.Module:
    """A network with random numbers everywhere, also where it would start at zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.to(device)


def unet(device: Device, **changes: Any) -> nn.Module:
    config = {"base": 8, "multipliers": (1, 1), "classes": 10, "patch": 2} | changes
    return built(lambda: UNet(**config), device)


def images(device: Device, n: int = 6) -> Tensor:
    return digits.load().images[:n].to(device)


def labels(device: Device, n: int = 6) -> Tensor:
    return digits.load().labels[:n].to(device)


# What runs ---------------------------------------------------------------------------------------

CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def cases(**named: Case) -> None:
    CASES.update(named)


SCHEDULE = NoiseSchedule.linear(8, 1e-2, 0.6)
TIMES = torch.tensor([1, 2, 3, 5, 7, 8])


def sampled(where: str, sampler: Callable[..., Tensor], *steps: int, **options: Any) -> Case:
    """A sampler of digits, with a schedule on the CPU or ("device") where the network is."""

    def run(device: Device) -> Tensor:
        model = unet(device, out_channels=2 if options.get("variance") == "learned" else None)
        schedule = SCHEDULE.to(device) if where == "device" else SCHEDULE
        arguments = {"cond": labels(device), "generator": seeded(), **options}
        return sampler(model, schedule, (6, 1, 8, 8), *steps, **arguments)

    return run


for place in ("cpu", "device"):
    CASES |= {
        f"ddpm.sample, schedule on {place}": sampled(place, ddpm.sample),
        f"ddpm.sample, all options, schedule on {place}": sampled(
            place,
            ddpm.sample,
            variance="learned",
            prediction="v",
            timesteps=[8, 5, 2, 0],
            clip=thresholded(0.9),
        ),
        f"ddpm.sample of means, schedule on {place}": sampled(
            place, ddpm.sample, variance="beta", prediction="mean"
        ),
        f"ddim.sample, schedule on {place}": sampled(place, ddim.sample, 4),
        f"ddim.sample, all options, schedule on {place}": sampled(
            place, ddim.sample, 4, eta=0.7, spacing="quadratic", prediction="x0", clip=clipped()
        ),
        f"ddim.sample without labels, schedule on {place}": sampled(
            place, ddim.sample, 3, cond=None
        ),
    }


def on_path(path: paths.Path, prediction: str) -> Case:
    def run(device: Device) -> Tensor:
        model = built(lambda: MLP(2, 8, 2), device)
        options = {"prediction": prediction, "generator": seeded()}
        x = ddim.sample(model, path, (6, 2), 3, 0.3, **options)
        return x, ddpm.sample(model, path, (6, 2), timesteps=[0.9, 0.5, 0.0], **options)

    return run


CASES |= {
    "samplers on the straight path": on_path(paths.Straight(), "velocity"),
    "samplers on the VP path": on_path(paths.VP(), "score"),
    "samplers on the sub-VP path": on_path(paths.SubVP(), "v"),
    "samplers on the VE path": on_path(paths.VE(0.1, 3.0), "x0"),
}


@case
def paths_answer_tensors_of_times(device: Device) -> Any:
    x = normal(6, 1, 8, 8).to(device)
    t, u = TIMES.to(device), TIMES.to(device) / 9
    answers = [SCHEDULE.rates(t, x), SCHEDULE.derivatives(t, x), SCHEDULE.transition(t, t - 1, x)]
    for path in (paths.Straight(), paths.VP(), paths.SubVP(), paths.VE()):
        answers += [path.rates(u, x), path.derivatives(u, x), path.transition(u, u / 2, x)]
        answers += [path.process(u, x), path.drift(x, u), path.diffusion(u, x)]
    return answers, SCHEDULE.log_snr(t, x), SCHEDULE.alpha(t, t - 1, x), SCHEDULE.beta(t, None, x)


@case
def steps_of_continuous_time(device: Device) -> Any:
    model, path, x = (
        built(lambda: MLP(2, 8, 2), device),
        paths.VE(0.1, 5.0),
        normal(6, 2).to(device),
    )
    denoiser, given = Denoiser(model, path), (None, seeded())
    moves = [
        *(
            sde.euler_maruyama(denoiser, x, 0.9, 0.8, *given),
            sde.forward(denoiser, x, 0.8, 0.9, *given),
        ),
        *(
            sde.reverse_diffusion(denoiser, x, 0.9, 0.8, *given),
            sde.langevin(denoiser, x, 0.5, *given),
        ),
        sde.predictor_corrector(denoiser, x, 0.9, 0.8, *given),
        sde.annealed_langevin(denoiser, x, 0.9, 0.8, *given),
    ]
    network = sde.on_path(model, SCHEDULE, path)
    lost = sde.loss(network, path, x, generator=seeded())
    walked = [state for _, state in sde.states(network, path, (6, 2), 3, *given, xT=x)]
    return moves, lost, walked, sde.sample(model, path, (6, 2), 3, *given)


@case
def a_schedule_on_the_device_answers_with_its_own_numbers(device: Device) -> Any:
    schedule = SCHEDULE.to(device)
    t = TIMES.to(device)
    found = schedule.a(t), schedule.b(TIMES), schedule.snr[1:], schedule.betas, schedule.alpha_bars
    return tree_map(lambda x: x.to(torch.float32), found)


@case
def the_forward_chain_and_its_posterior(device: Device) -> Any:
    x0, eps, noise = images(device), normal(6, 1, 8, 8).to(device), normal(6, 1, 8, 8).to(device)
    t = TIMES.to(device)
    xt = ddpm.q_sample(SCHEDULE, x0, t, eps)
    steps = ddpm.step(SCHEDULE, xt, eps, t, noise=noise), ddpm.step(SCHEDULE, xt, eps, 7, 3, noise)
    given = torch.tensor(0.1, device=device)
    return (
        *(xt, steps, ddpm.q_posterior(SCHEDULE, x0, xt, t), ddpm.q_posterior(SCHEDULE, x0, xt, 7)),
        ddpm.p_reverse(SCHEDULE, xt, torch.cat([eps, noise], 1), t, variance="learned"),
        ddpm.p_reverse(SCHEDULE, xt, eps, 7, 4, prediction="v", variance="beta"),
        ddim.step(SCHEDULE, xt, eps, t, t - 1, 0.5, noise),
        ddim.step(SCHEDULE, xt, eps, 7, 4, x0=x0),
        ddim.q_posterior(SCHEDULE, x0, xt, t, t - 1, ddim.sigma(SCHEDULE, t, t - 1, 0.5, xt)),
        ddim.q_posterior(SCHEDULE, x0, xt, 7, 4, given),
    )


@case
def conversions_of_predictions(device: Device) -> Any:
    xt, value = normal(6, 2).to(device), normal(6, 2, seed=2).to(device)
    a, b = SCHEDULE.rates(TIMES.to(device), xt)
    kinds = ("eps", "x0", "v", "score")
    return [paths.convert(value, xt, a, b, k, m) for k in kinds for m in kinds if k != m]


@case
def ddim_encode(device: Device) -> Tensor:
    return ddim.encode(unet(device), SCHEDULE, images(device), 5, labels(device))


@case
def steps_and_states(device: Device) -> Any:
    denoiser = Denoiser(unet(device), SCHEDULE, clip=clipped(), keep_eps=True)
    x, given = images(device), (labels(device), seeded())
    walks = (
        ddpm.states(denoiser.model, SCHEDULE, x.shape, *given, timesteps=[8, 3, 0]),
        ddim.states(denoiser.model, SCHEDULE, x.shape, 2, 1.0, *given, xT=x),
        ddim.encoding_states(denoiser.model, SCHEDULE, x, 2, labels(device)),
    )
    guess = denoiser(x, 5, labels(device))
    return (
        *(list(map(list, walks)), ddpm.ancestral(denoiser, x, 7, 3, *given)),
        *(ddim.jump(denoiser, x, 7, 3, *given, eta=0.5), ddim.rise(denoiser, x, 3, 7, *given)),
        *(guess.x0, guess.eps, guess.v, guess.velocity, guess.score),
    )


@case
def codes_between_codes(device: Device) -> Any:
    u, v = normal(6, 1, 8, 8).to(device), normal(6, 1, 8, 8, seed=2).to(device)
    w = torch.linspace(0, 1, 6)
    return ddim.slerp(u, v, 0.3), ddim.slerp(u, v, w), ddim.lerp(u, v, w.to(device))


@case
def ddpm_loss(device: Device) -> Any:
    model = unet(device)
    kinds = ("eps", "x0", "v", "velocity", "mean")
    losses = [
        ddpm.loss(model, SCHEDULE, images(device), labels(device), seeded(), kind) for kind in kinds
    ]
    sum(losses).backward()
    return losses, [p.grad for p in model.parameters()]


@case
def the_variational_bound(device: Device) -> Any:
    model, given = unet(device, out_channels=2), (images(device), labels(device), seeded())
    learned = {"variance": "learned"}
    value = bound.variational_loss(model, SCHEDULE, *given, **learned)
    terms = bound.vlb_terms(model, SCHEDULE, *given, **learned)
    plain = bound.variational_loss(unet(device), SCHEDULE, *given, levels=None)
    return value, terms, plain, bound.vlb_terms(unet(device), SCHEDULE.to(device), *given)


def mixture(device: Device) -> GaussianMixture:
    found = toy2d.eight_gaussians().to(torch.float32).to(device)
    return found


@case
def a_mixture(device: Device) -> Any:
    found = mixture(device)
    x = found.sample(9, seeded())
    a, b = torch.linspace(0.1, 0.9, 9).to(device), torch.linspace(0.9, 0.1, 9).to(device)
    component = (torch.arange(9) % 9).to(device)
    return (
        *(x, found.mean, found.covariance, found.log_prob(x), found.score(x)),
        *(found.responsibilities(x), found.at(0.6, 0.8).log_prob(x), found.eps(x, 0.6, 0.8)),
        *(found.eps(x, a, b, component), found.posterior_mean(x, a, b, component)),
    )


@case
def a_mixture_as_a_network(device: Device) -> Any:
    found, t = mixture(device), TIMES.to(device)
    x = normal(6, 2).to(device)
    eps = [found.model(SCHEDULE, kind)(x, t) for kind in ("eps", "x0", "v", "velocity", "score")]
    model = found.model(SCHEDULE)
    return eps, ddim.sample(model, SCHEDULE.to(device), (6, 2), 4, 0.5, generator=seeded())


@case
def the_flow_and_its_solvers(device: Device) -> Any:
    found, path, x = mixture(device), paths.VP(), normal(6, 2).to(device)
    model = found.model(path)
    field = ode.probability_flow(path, lambda x, t: found.at(*path.rates(t)).score(x))
    loose = {"start": 0.3, "rtol": 1e-2, "atol": 1e-2}
    walks = [
        list(ode.states(model, path, (6, 2), 3, xT=x, step=step))
        for step in (ode.euler, ode.heun, ode.rk4, ode.exponential)
    ]
    return (
        *(walks, ode.sample(model, path, (6, 2), 3, xT=x)),
        ode.dpm_solver_pp(model, path, (6, 2), 3, xT=x),
        *(ode.solve(field, x, 0.9, 0.4, rtol=1e-2, at=[0.7, 0.4]), ode.integrate(field, x, 1, 0.5)),
        *(step(field, x, 0.9, 0.4) for step in (ode.euler_step, ode.heun_step, ode.rk4_step)),
        *(ode.dopri5_step(field, x, 0.9, 0.4), ode.encode(model, path, x, **loose)),
        *(ode.decode(model, path, x, **loose), ode.log_likelihood(model, path, x, **loose)),
        ode.change_of_variables(
            field, x, 0.3, 0.9, trace="hutchinson", generator=seeded(), rtol=1e-2, atol=1e-2
        ),
        tuple(ode.preconditioning(x.abs() + 1, 0.5)),
        ode.Preconditioned(lambda x, t, cond: x, path, 0.5)(x, 0.4),
    )


def flow_mlp(device: Device) -> consistency.FlowMap:
    model = built(lambda: FlowMLP(dim=64, width=8, depth=1, classes=10, time_scale=20.0), device)
    return consistency.FlowMap(model, paths.Straight())


def consistency_loss(name: str) -> Case:
    """A loss of flow maps and its gradients; the distillation of a teacher that shrinks."""

    def run(device: Device) -> Any:
        flow_map, given = flow_mlp(device), (images(device), labels(device), seeded())
        options = {"velocity": lambda x, t, cond: -x} if "distillation" in name else {}
        loss = consistency.LOSSES[name](flow_map, *given, **options)
        loss.backward()
        return loss, [p.grad for p in flow_map.model.parameters()]

    return run


CASES |= {f"consistency.LOSSES, {name}": consistency_loss(name) for name in consistency.LOSSES}


@case
def losses_of_flow_maps_with_a_teacher(device: Device) -> Any:
    flow_map, given = flow_mlp(device), (images(device), labels(device), seeded())
    taught: dict[str, Any] = {"velocity": lambda x, t, cond: -x}
    target = consistency.Target(flow_map.model, 0.5)
    target.update()
    own = consistency.FlowMap(target.network, flow_map.path)
    return (
        *(consistency.training(flow_map, *given, target=own), own(images(device), 0.9, 0.2, None)),
        *(consistency.distillation(flow_map, *given, **taught),),
        *(consistency.shortcut(flow_map, *given, **taught),),
        *(consistency.mean_flow(flow_map, *given, power=0.0, **taught),),
        *(consistency.lagrangian_map(flow_map, *given, diagonal=0.0, **taught),),
    )


@case
def flow_maps_and_their_equations(device: Device) -> Any:
    flow_map, x, y = flow_mlp(device), images(device), labels(device)
    t, s = torch.linspace(0.5, 0.9, 6).to(device), torch.linspace(0.1, 0.4, 6).to(device)
    solved = consistency.SolvedMap(Denoiser(flow_map.diagonal, flow_map.path, "velocity"), 1e-2)
    field, given = flow_map.velocity, (y, seeded())
    mask = torch.arange(64).view(8, 8).to(device) < 32
    walks = [
        list(consistency.states(flow_map, x.shape, 3, *given, step=step, xT=x))
        for step in (consistency.jump, consistency.renoise)
    ]
    return (
        *(walks, consistency.sample(flow_map, x.shape, 2, *given), solved(x, 0.9, 0.5, y)),
        *(flow_map(x, t, s, y), field(x, t, y), tuple(flow_map.scales(t, s, x))),
        *(consistency.semigroup(flow_map, x, t, (t + s) / 2, s, y),),
        *(consistency.lagrangian(flow_map, field, x, t, s, y),),
        *(consistency.eulerian(flow_map, field, x, t, s, y),),
        *(consistency.jump(flow_map, x, t, s, y), consistency.renoise(flow_map, x, t, s, *given)),
        *(consistency.inpaint(flow_map, x, mask, 3, *given),),
        *(consistency.redraw(flow_map, x, 0.6, 2, *given),),
        tuple(consistency.boundary_scales(t, 0.1)),
    )


@case
def a_mixture_fitted_to_data(device: Device) -> Any:
    x = normal(40, 3).to(device)
    found = GaussianMixture.fit(x, (torch.arange(40) % 4).to(device))
    return found.means, found.covariances, found.log_prob(x)


@case
def the_arithmetic_of_gaussians(device: Device) -> Any:
    m, n = (normal(3, seed=seed).to(device) for seed in (1, 2))
    root = normal(3, 3).to(device)
    c = root @ root.T + torch.eye(3, device=device)
    return (
        *(gaussians.linear_map(m, c, root), gaussians.linear_map(m, c, root, n, c)),
        *(gaussians.product(m, c, n, c + c), gaussians.kl(m, c, n, c + c)),
        gaussians.condition(m, c, [1], n[:1]),
        gaussians.condition(m, c, torch.tensor([0, 2], device=device), n[:2]),
    )


def backward(model: nn.Module, *given: Any) -> Any:
    output = model(*given)
    leaves = [x for x in tree_flatten(output)[0] if isinstance(x, Tensor)]
    sum(x.square().mean() for x in leaves).backward()
    return output, [p.grad for p in model.parameters()]


def halves(model: UNetEncoder, x: Tensor, t: Any, cond: Tensor | None) -> Any:
    told = model.tell(x, t, cond)
    h, skips = model.encode(x, told)
    decoded = model.decode(h, list(skips), told) if isinstance(model, UNet) else None
    return h, skips, decoded


cases(
    the_u_net=lambda d: backward(unet(d), images(d), TIMES.to(d), labels(d)),
    the_u_net_with_attention=lambda d: backward(unet(d, attention=True), images(d), 3, labels(d)),
    the_u_net_at_one_time_without_labels=lambda d: backward(unet(d), images(d), 3)[0],
    the_u_net_told_by_a_text=lambda d: backward(
        unet(d, classes=0, context=12, attention_levels=(1,)),
        *(images(d), TIMES.to(d), normal(6, 5, 12).to(d)),
    ),
    the_u_net_in_two_halves=lambda d: halves(unet(d), images(d), TIMES.to(d), labels(d)),
    the_encoder_alone=lambda d: halves(
        built(lambda: UNetEncoder(base=8, multipliers=(1, 1), patch=2, time_scale=1000.0), d),
        *(images(d), 0.3, None),
    ),
    the_mlp=lambda d: backward(built(lambda: MLP(2, 8, 2), d), normal(6, 2).to(d), TIMES.to(d)),
    the_classifier=lambda d: backward(built(lambda: Classifier(width=8), d), images(d)),
)


def part(build: Callable[[], nn.Module], *shapes_: tuple[int, ...]) -> Case:
    """A part of a network, with random tensors of these shapes."""

    def run(device: Device) -> Any:
        given = [normal(*shape, seed=i).to(device) for i, shape in enumerate(shapes_)]
        return backward(built(build, device), *given)

    return run


X, Y, MAP, VECTOR = (2, 5, 8), (2, 3, 6), (2, 8, 4, 4), (2, 6)
cases(
    self_attention=part(lambda: parts.Attention(8, 2, norm=True), X),
    cross_attention=part(lambda: parts.Attention(8, 2, context=6), X, Y),
    joint_attention=part(lambda: parts.JointAttention(8, 2), X, (2, 3, 8)),
    joint_attention_at_its_end=part(lambda: parts.JointAttention(8, 2, last=True), X, (2, 3, 8)),
    feed_forward=part(lambda: parts.FeedForward(8, "geglu"), X),
    transformer_block=part(lambda: parts.TransformerBlock(8, 2, 6), X, Y),
    adaptive_block=part(lambda: parts.AdaptiveBlock(8, 2, 6), X, VECTOR),
    residual_block=part(lambda: parts.ResidualBlock(8, 4, 6), MAP, VECTOR),
    attention_of_pixels=part(lambda: parts.PixelAttention(8, 2, 6), MAP, Y),
    time_embedding=part(lambda: parts.TimeEmbedding(8, 4, scale=1000.0), (2,)),
    label_embedding=lambda d: backward(built(lambda: parts.LabelEmbedding(10, 4), d), labels(d)),
    no_label=lambda d: built(lambda: parts.LabelEmbedding(10, 4), d)(None),
)


def measured(function: Callable[..., Any], **options: Any) -> Case:
    """A measure of two samples of features."""

    def run(device: Device) -> Any:
        a, b = normal(60, 4).to(device), (normal(50, 4, seed=2) + 0.3).to(device)
        given = {k: v(device) if callable(v) else v for k, v in options.items()}
        return function(a, b, **given)

    return run


def groups(device: Device) -> tuple[Tensor, Tensor]:
    return (torch.arange(60) % 3).to(device), (torch.arange(50) % 2).to(device)


cases(
    frechet=measured(evaluation.frechet),
    frechet_extrapolated=measured(
        evaluation.frechet_extrapolated, splits=(1, 2), repeats=3, generator=lambda d: seeded()
    ),
    frechet_extrapolated_in_groups=measured(
        evaluation.frechet_extrapolated, splits=(1, 2), repeats=3, groups=groups
    ),
    gaussian_frechet=lambda d: evaluation.gaussian_frechet(
        *(normal(3).to(d), torch.eye(3).to(d), normal(3, seed=3).to(d), 2 * torch.eye(3).to(d))
    ),
    mmd=measured(evaluation.mmd),
    mmd_of_a_fixed_width=measured(evaluation.mmd, kernel=lambda d: evaluation.rbf(0.7)),
    mmd_of_degree_three=measured(evaluation.mmd, kernel=lambda d: evaluation.polynomial()),
    mmd_test=measured(evaluation.mmd_test, permutations=20, generator=lambda d: seeded()),
    median_bandwidth=measured(evaluation.median_bandwidth),
    precision_recall=measured(evaluation.precision_recall),
    density_coverage=measured(evaluation.density_coverage),
    nearest=measured(evaluation.nearest),
    memorisation=lambda d: evaluation.memorisation(
        *(normal(n, 4, seed=n).to(d) for n in (20, 30, 40)), repeats=20, generator=seeded()
    ),
    bootstrap=measured(
        lambda a, b, **more: evaluation.bootstrap(
            lambda x, y: (x.mean() - y.mean()).square(), a, b, repeats=20, **more
        ),
        generator=lambda d: seeded(),
    ),
    bootstrap_in_groups=measured(
        lambda a, b, groups: evaluation.bootstrap(
            lambda x, y: x[:, 0].mean() * y.mean(), a, b, repeats=20, groups=groups
        ),
        groups=groups,
    ),
    judge=lambda d: (
        *(evaluation.features(images(d)), evaluation.predict(images(d))),
        *(evaluation.accuracy(images(d), labels(d)), evaluation.accuracy(images(d), labels("cpu"))),
    ),
    variety=lambda d: evaluation.variety(
        *(images(d, 60), labels(d, 60), images(d, 90), labels(d, 90))
    ),
    bits_per_dimension=lambda d: (
        evaluation.bits_per_dimension(normal(5).to(d), 64, 2 / 255),
        evaluation.dequantise(images(d), 1 / 8, seeded()),
    ),
)


@case
def labels_may_stay_on_the_cpu(device: Device) -> Any:
    x, y = images(device, 60), labels("cpu", 60)
    return evaluation.variety(x, y, x, y), evaluation.bootstrap(
        lambda x: x.mean(), x, repeats=5, groups=[y]
    )


@case
def averages_of_weights(device: Device) -> Any:
    model = unet(device)
    average = ema.EMA(model, 0.9)
    for _ in range(3):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.1)
        average.update()
    with average.applied() as applied:
        inside = applied(images(device), 3)
    state = tree_map(lambda v: v.cpu() if isinstance(v, Tensor) else v, average.state_dict())
    other = ema.EMA(unet(device), 0.9)
    other.load_state_dict(state)
    copied = other.copy_to(unet(device))(images(device), 3)
    taken = objects.snapshot({"model": model, "x": images(device)[1:3]})
    return inside, copied, list(average.average.values()), taken["model"](taken["x"], 2)


cases(
    shipped_weights=lambda d: [weights.load(n).to(d).state_dict() for n in weights.names()],
    shipped_networks=lambda d: (
        weights.load("digits-ddpm").to(d)(images(d), TIMES.to(d), labels(d)),
        weights.load("digits-classifier").to(d)(images(d)),
    ),
    the_shipped_sampler=lambda d: ddim.sample(
        *(weights.load("digits-ddpm").to(d), weights.schedule("digits-ddpm"), (6, 1, 8, 8), 2),
        cond=labels(d),
        generator=seeded(),
    ),
    fitted_tensors=lambda d: weights.fit(
        unet(d), {key: value.cpu() for key, value in unet(d).state_dict().items()}
    )(images(d), 1),
)


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes that measure themselves by samples take few."""
    for recipe in RECIPES.values():
        for name, few in (("samples", 20), ("evaluation_steps", 2)):
            if hasattr(type(recipe), name):
                monkeypatch.setattr(type(recipe), name, few)
    measure = evaluation.bootstrap
    monkeypatch.setattr(evaluation, "bootstrap", lambda *a, **k: measure(*a, **{"repeats": 4} | k))


def trained(name: str, device: Device) -> Trainer:
    """The run of a recipe after two steps."""
    recipe = RECIPES[name]
    run = Trainer(recipe.model().to(device), recipe.loss, recipe.data.load(), steps=2, batch=8)
    run.step(), run.step()
    return run


def numbers_of(run: Trainer) -> Any:
    return run.losses, list(run.ema.average.values()), list(run.model.parameters())


for name in RECIPES:
    CASES[f"two steps of {name}"] = lambda d, name=name: numbers_of(trained(name, d))
    CASES[f"metrics of {name}"] = lambda d, name=name: RECIPES[name].metrics(
        weights.load(name).to(d)
    )


@case
def data_go_to_the_device(device: Device) -> Any:
    points = [toy2d.sample(name, 20, seeded()).to(device) for name in toy2d.NAMES]
    inside = [toy2d.inside("polygons", p) & (p[:, 0] > 0) for p in points]
    shares = [toy2d.share_inside("polygons", p) for p in points]
    drawings = shapes.draw(2, seeded())
    seen = [verdict.holds for verdict in shapes.read(drawings.images.to(device), drawings.captions)]
    return points, inside, shares, seen, digits.load().images[:3].to(device)


@case
def pictures(device: Device) -> Any:
    x = images(device)
    shown = plots.mosaic(x).tolist(), plots.frame(x[0]), plots.frame(x)
    figures = plots.images(x, 3, list(labels(device, 3))), plots.digits_row(x, labels(device))
    films = plots.film([x, -x], list(TIMES.to(device)[:2]))
    slider = plots.scrubber([x, -x], TIMES.to(device)[:2], "digits")
    words = [text.get_text() for figure in (*figures, films) for text in figure.texts]
    return shown, slider.labels, words, str(plots.table([["a", x.mean()]], ["", "mean"]))


@case
def checks_of_claims(device: Device) -> Any:
    x = normal(4000, 2).to(device)
    verify.close("eq-devices-close", x.square(), (x * x).cpu())
    zero, other = torch.zeros(2, device=device), torch.full((2,), 0.2, device=device)
    verify.statistic("eq-devices-statistic", x, zero, alternative=other)
    verify.claim("claim-devices-claim", x.mean(), "<=", 1.0)
    return None


EVERYWHERE = [pytest.param(label, name) for label in CASES for name in ("cuda", "mps")]


@pytest.mark.parametrize(("label", "name"), EVERYWHERE)
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.usefixtures("few_samples")
def test_the_same_numbers_on_a_device(label: str, name: str):
    expected, shape = tree_flatten(CASES[label](torch.device("cpu")))
    with pretended(name) as device:
        found, found_shape = tree_flatten(CASES[label](device))
        for x in found:
            if isinstance(x, Tensor):
                wide = name == "mps" and x.dtype == torch.float64  # lives on the CPU
                assert is_far(x) or wide, f"a tensor {tuple(x.shape)} has come back to the CPU"
        found = [x.cpu() if isinstance(x, Tensor) else x for x in found]
    assert str(found_shape) == str(shape)
    for a, b in zip(found, expected, strict=True):
        if isinstance(a, str | bytes) or a is None:
            assert a == b
            continue
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5, check_dtype=name != "mps")


# Is the table whole, and does it see? ----------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [evaluation, ddpm, ddim, sde, ode, consistency, bound, gaussians],
    ids=lambda m: m.__name__,
)
def test_every_public_function_of_tensors_is_in_the_table(module):
    source, name = Path(__file__).read_text(encoding="utf-8"), module.__name__.rpartition(".")[2]
    for function in module.__all__:
        thing = getattr(module, function)
        if inspect.isfunction(thing) and "Tensor" in str(inspect.signature(thing)):
            assert f"{name}.{function}" in source, f"{name}.{function} is tried on no device"


def test_every_network_and_part_is_in_the_table():
    source = Path(__file__).read_text(encoding="utf-8")
    for name in parts.__all__:
        thing = getattr(parts, name)
        if isinstance(thing, type) and issubclass(thing, nn.Module):
            assert f"lambda: {name}(" in source or f"parts.{name}(" in source, (
                f"{name} is not tried"
            )


def mask_on_the_cpu(recipe, model, x, y, generator):
    dropped = torch.rand(len(y), generator=generator) < recipe.drop
    cond = torch.where(dropped, digits.CLASSES, y)
    return ddpm.loss(model, recipe.schedule(), x, cond, generator)


def noise_on_the_cpu(recipe, model, x, y, generator):
    return model(x + recipe.noise * torch.randn(x.shape, generator=generator)).square().mean()


def generator_of_the_cpu(shape, generator, device, dtype=None):
    return torch.randn(tuple(shape), generator=generator, device=device, dtype=dtype)


def float64_everywhere(schedule, device):
    return NoiseSchedule(schedule.betas[1:].to(device))


def numpy_without_a_copy(batch):
    return batch.detach().float().numpy()


def judge_on_the_cpu(device):
    return weights.load("digits-classifier")


def group_draws_on_the_cpu(n, groups, generator):
    sizes = torch.bincount(groups)
    return (torch.rand(n, generator=generator) * sizes[groups]).long()


def double_always(x):
    return x.double()


FAULTS = [
    ("genbook.recipes.digits.DigitsDDPM.loss", mask_on_the_cpu, "two steps of digits-ddpm"),
    ("genbook.recipes.digits.DigitsClassifier.loss", noise_on_the_cpu, "digits-classifier"),
    ("genbook.sampling.randn", generator_of_the_cpu, "ddim.sample, schedule on cpu"),
    ("genbook.schedules.NoiseSchedule.to", float64_everywhere, "ddim.sample, schedule on device"),
    ("genbook.evaluation.judge._judge", judge_on_the_cpu, "judge"),
    ("genbook.evaluation.intervals._again", group_draws_on_the_cpu, "bootstrap_in_groups"),
    ("genbook.evaluation.inputs.in_double", double_always, "frechet"),
    ("genbook.plots.pictures._batch", numpy_without_a_copy, "pictures"),
]
ONLY_ON_MPS = (float64_everywhere, double_always)


@pytest.mark.parametrize(
    ("place", "fault", "label"), FAULTS, ids=lambda v: getattr(v, "__name__", "")
)
@pytest.mark.usefixtures("few_samples")
def test_a_planted_fault_is_seen(place, fault, label, monkeypatch):
    monkeypatch.setattr(place, fault)
    name = "mps" if fault in ONLY_ON_MPS else "cuda"
    run = next(function for key, function in CASES.items() if label in key)
    with (
        pretended(name) as device,
        pytest.raises((RuntimeError, TypeError), match=r"device|float64"),
    ):
        run(device)


x, y = normal(3), normal(3, seed=2)
REFUSED: dict[str, Callable[[Tensor, Device], object]] = {
    "a sum": lambda far, d: far + y,
    "a sum with what has no dimension but is far": lambda far, d: y + far.sum(),
    "a choice": lambda far, d: torch.where(y > 0, 10, far),
    "a choice of the CPU": lambda far, d: torch.where(far > 0, y, 0.0),
    "a product of matrices": lambda far, d: far @ y,
    "a stack of numbers": lambda far, d: torch.stack([far[0], y[0]]),
    "a comparison": lambda far, d: far == y,
    "an assignment": lambda far, d: far.__setitem__(torch.tensor([True, False, True]), y[:2]),
    "indices on the device": lambda far, d: y[torch.tensor([0, 1], device=d)],
    "a mask on the device": lambda far, d: y[far > 0],
    "a gathering": lambda far, d: far.gather(0, torch.tensor([0, 1])),
    "noise": lambda far, d: torch.randn(3, generator=seeded(), device=d),
    "a choice by weights": lambda far, d: torch.multinomial(far.abs(), 2, generator=seeded()),
    "noise in place": lambda far, d: far.normal_(generator=seeded()),
    "NumPy": lambda far, d: far.numpy(),
    "NumPy by another name": lambda far, d: np.asarray(far),
    "a layer": lambda far, d: nn.Linear(3, 2)(far),
    "a layer moved": lambda far, d: nn.Linear(3, 2).to(d)(y),
}
ALLOWED: dict[str, Callable[[Tensor, Device], object]] = {
    "a number": lambda far, d: far * 2 + far.sum() - torch.tensor(3.0),
    "indices on the CPU": lambda far, d: far[torch.tensor([0, 1])],
    "indices in a list": lambda far, d: far[[0, 2]],
    "a mask on the CPU": lambda far, d: far[torch.tensor([True, False, True])],
    "an assignment of a number": lambda far, d: far.clone().index_fill_(
        0, torch.tensor([1]).to(d), 7
    ),
    "numbers": lambda far, d: torch.tensor([1.0, 2.0], device=d),
    "noise": lambda far, d: torch.randn(3, generator=seeded()).to(d),
    "what is like it": lambda far, d: (
        far.new_zeros(2),
        torch.zeros_like(far),
        far.new_tensor([1.0]),
    ),
    "a layer": lambda far, d: nn.Linear(3, 2).to(d)(far).ndim,
}


@pytest.mark.parametrize("name", ["cuda", "mps"])
@pytest.mark.parametrize("label", REFUSED)
def test_the_pretended_device_refuses_what_a_device_refuses(label: str, name: str):
    with pretended(name) as device:
        far = x.to(device)
        assert is_far(far) and far.device.type == name and far.tolist() == x.tolist()
        with pytest.raises((RuntimeError, TypeError), match="device"):
            REFUSED[label](far, device)


@pytest.mark.parametrize("label", ALLOWED)
def test_the_pretended_device_allows_what_a_device_allows(label: str):
    expected = ALLOWED[label](x, torch.device("cpu"))
    with pretended() as device:
        found = ALLOWED[label](x.to(device), device)
        assert all(is_far(v) for v in tree_flatten(found)[0] if isinstance(v, Tensor))
        found = tree_map(lambda v: v.cpu() if isinstance(v, Far) else v, found)
    assert str(found) == str(expected)


def test_only_mps_has_no_float64():
    with pretended("cuda") as device:
        assert is_far(x.to(device).double())
    with pretended("mps") as device:
        for far in (lambda: x.to(device).double(), lambda: torch.zeros(2, device=device).double()):
            with pytest.raises(TypeError, match="float64"):
                far()


def test_writing_to_a_copy_does_not_write_to_the_device():
    with pretended() as device:
        far = x.to(device)
        far.cpu().zero_()
        x.to(device).zero_()
        far[1:].mul_(2)
        assert far.tolist() == [x[0].item(), 2 * x[1].item(), 2 * x[2].item()]


# The whole command -------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, few_samples: None) -> Any:
    """A machine that has one GPU."""
    with pretended("cuda") as device:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a pretended GPU")
        yield device


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_trained_looked_at_stopped_and_resumed_on_a_gpu(
    name, machine, tmp_path, capsys
):
    arguments = [name, "--every", "1", "--out", str(tmp_path)]
    run = trained(name, machine)
    assert is_far(run.model) and all(map(is_far, run.ema.average.values()))
    assert main([*arguments, "--steps", "2"]) == 0
    (tmp_path / f"{name}.json").unlink()
    assert main([*arguments, "--steps", "2", "--resume"]) == 0
    card = weights.card(name, tmp_path)
    assert card["machine"] == "1 x a pretended GPU" and card["metrics"]
    assert "written:" in capsys.readouterr().out


@pytest.mark.parametrize("device_name", ["cuda", "mps"])
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_checkpoint_goes_on_bit_for_bit_on_a_device(name, device_name, tmp_path):
    recipe = RECIPES[name]

    def run() -> Trainer:
        model = recipe.model().to(device)
        return Trainer(model, recipe.loss, recipe.data.load(), steps=4, batch=8, pieces=2)

    with pretended(device_name) as device:
        whole, killed, resumed = run(), run(), run()
        for _ in range(3):
            whole.step()
        for _ in range(2):
            killed.step()
        killed.save(tmp_path / "c.pt")
        resumed.restore(tmp_path / "c.pt")
        resumed.step()
        found, expected = (tree_flatten(numbers_of(r))[0] for r in (resumed, whole))
        assert all(is_far(x) for x in found if isinstance(x, Tensor))
        for a, b in zip(found, expected, strict=True):
            assert torch.equal(a, b) if isinstance(a, Tensor) else a == b


def test_a_random_start_leaves_the_generators_of_gpus_alone(monkeypatch):
    def seed(*_: object) -> None:
        raise AssertionError("a generator of a GPU was seeded")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", seed)
    monkeypatch.setattr(torch.mps, "manual_seed", seed)
    for recipe in RECIPES.values():
        recipe.model()


def test_two_devices_in_one_measure_are_named():
    with pretended() as device, pytest.raises(ValueError, match="one device, not on cuda and cpu"):
        evaluation.frechet(normal(9, 2).to(device), normal(9, 2))
