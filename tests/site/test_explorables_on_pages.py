"""What a reader does with an explorable: keys, fingers, paper; and the number that comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator
from site_visits import DESKTOP, PHONE, Visit, Visitor
from torch import Tensor

from genbook import consistency, ddim, ddpm, evaluation, gaussians, geometry, ode
from genbook.denoiser import Denoiser
from genbook.paths import Straight
from genbook.schedules import NoiseSchedule

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "web/data/programs.json"
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass(frozen=True)
class Handled:
    """An explorable on its page, keys to press on its sliders, and what it must say after that."""

    docname: str
    figure: str
    keys: dict[str, list[str]]
    says: Callable[[], str]  # a number of genbook's, as the readout writes it
    choices: list[str] = field(default_factory=list)  # buttons to press before


def _numbers(*values: float | list) -> list[Tensor]:
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def _product_mean() -> str:
    line = _numbers([-1.0], [[0.81]], [1.2], [[0.25]])
    return f"{gaussians.product(*line)[0].item():.2f}"


def _cut_mean() -> str:
    mean, covariance, value = _numbers([0.0, 0.0], [[1.0, 0.95], [0.95, 1.0]], [1.1])
    return f"{gaussians.condition(mean, covariance, [0], value)[0].item():.2f}"


def _posterior_mean() -> str:
    chain = NoiseSchedule.linear(20, 1e-3, 0.3)
    mean, variance = ddpm.q_posterior(chain, *_numbers([0.75], [-0.6]), 10)
    return f"mean μ̃t\n{mean.item():.2f}\nvariance β̃t\n{variance.item():.4f}"


def _end_of_a_path() -> str:
    weights, means, variances = _numbers([0.3, 0.3, 0.4], [-1.8, 0.0, 1.6], [0.09, 0.09, 0.09])
    schedule = NoiseSchedule.linear(1000)
    bells = gaussians.GaussianMixture(weights, means[:, None], variances[:, None, None])
    (xT,) = _numbers([[0.6 + 0.1]])
    x0 = ddim.sample(bells.model(schedule), schedule, xT.shape, 12, xT=xT)
    return f"ends at\n{x0.item():.2f}"


def _end_of_heuns_path() -> str:
    """With 12 calls, that is 6 steps, from 0.5 times the noise."""
    weights, means, variances = _numbers([0.3, 0.3, 0.4], [-1.8, 0.0, 1.6], [0.04, 0.04, 0.04])
    bells = gaussians.GaussianMixture(weights, means[:, None], variances[:, None, None])
    grid = [(20 ** (1 / 7) + (0.05 ** (1 / 7) - 20 ** (1 / 7)) * i / 6) ** 7 for i in range(7)]
    (x,) = _numbers([[0.5 * 20]])
    ends = ode.solve(lambda x, s: bells.eps(x, 1.0, s), x, grid[0], grid[-1], "heun", grid)
    return f"steps\n6\nthick path ends at\n{ends.item():.2f}".replace("-", "−")


def _end_of_a_jump() -> str:
    """From near the noise, at the height −0.48, down to the data."""
    weights, means, variances = _numbers([0.3, 0.3, 0.4], [-1.8, 0.0, 1.6], [0.1, 0.1, 0.1])
    bells = gaussians.GaussianMixture(weights, means[:, None], variances[:, None, None])
    path = Straight()
    solved = consistency.SolvedMap(Denoiser(bells.model(path, "velocity"), path, "velocity"))
    return f"end\n{solved(_numbers([[-0.48]])[0], 0.97, 0.0).item():.2f}"


def _signal_of_cosine() -> str:
    return f"{NoiseSchedule.cosine(1000).a(1000):.4f}"


def _at_the_height_of_two_corners() -> str:
    crown = [[0, 0], [8, 0], [9, 3], [8, 5], [6, 2], [4, 5], [2, 2], [0, 5]]
    count, winding = (
        of([1.25, 2], crown) for of in (geometry.ray_crossings, geometry.winding_number)
    )
    return f"crossings\n{count}, odd: inside\nwinding number\n+{winding}"


def _frechet_without_a_mode() -> str:
    """Ten points of the third mode less: to the other two by turns."""
    data = json.loads((ROOT / "web/data/clouds.json").read_text("utf-8"))
    noise, centres, each = _numbers(data["noise"])[0], data["centres"], len(data["noise"]) // 3
    own = [i // each for i in range(len(noise))]
    modes = [i % 2 if mode == 2 and i % each < 10 else mode for i, mode in enumerate(own)]
    samples = _numbers([centres[mode] for mode in modes])[0] + data["width"] * noise
    return f"Fréchet\n{evaluation.frechet(samples, _numbers(data['real'])[0]):.3f}"


def _mean_square_of_the_drops() -> str:
    """Of the data themselves, at t = 0."""
    means = _numbers([[-1.5, 0.3], [0.5, 1.4], [0.9, -1.2]])[0]
    covariances = 0.04 * torch.eye(2, dtype=torch.float64).expand(3, 2, 2)
    drops = gaussians.GaussianMixture(_numbers([0.3, 0.3, 0.4])[0], means, covariances)
    return f"(exact: {(drops.covariance.trace() + drops.mean.square().sum()).item() / 2:.2f})"


def _objects_with_a_name() -> str:
    """Of the program with tensors at its end, by Python's own ``is``."""
    program = json.loads(PROGRAMS.read_text("utf-8"))["tensors"]["lines"]
    names: dict[str, object] = {"torch": torch}
    exec("\n".join(program), names)
    return f"objects with a name\n{len({id(names[name]) for name in 'xyvz'})}"


EXPLORABLES = {
    "names": Handled(
        "book/objects",
        "fig-objects-names",
        {"line": ["End"]},
        _objects_with_a_name,
        choices=["tensors"],
    ),
    "gaussian-product": Handled(
        "book/gaussians",
        "fig-gaussians-witnesses",
        {"m1": ["ArrowRight"] * 4, "s2": ["ArrowLeft"] * 2},
        _product_mean,
    ),
    "gaussian-condition": Handled(
        "book/gaussians",
        "fig-gaussians-cut",
        {"value": ["ArrowLeft"] * 2, "rho": ["End"]},
        _cut_mean,
    ),
    "posterior": Handled(
        "book/ddpm",
        "fig-ddpm-posterior",
        {"xt": ["ArrowRight"] * 2, "x0": ["ArrowLeft"], "t": ["ArrowRight"] * 2},
        _posterior_mean,
    ),
    "schedule": Handled(
        "book/ddpm",
        "fig-ddpm-bend",
        {},
        _signal_of_cosine,
        choices=["cosine"],
    ),
    "dial": Handled(
        "book/ddim",
        "fig-ddim-dial",
        {
            "eta": ["Home"],
            "steps": ["ArrowRight"] * 2,
            "error": ["ArrowRight"] * 2,
            "start": ["ArrowRight"] * 2,
        },
        _end_of_a_path,
    ),
    "particles": Handled(
        "book/sde",
        "fig-sde-particles",
        {"t": ["Home"]},
        _mean_square_of_the_drops,
        choices=["back to the data"],
    ),
    "stepper": Handled(
        "book/ode",
        "fig-ode-stepper",
        {"calls": ["ArrowRight"], "start": ["ArrowRight"] * 2},
        _end_of_heuns_path,
        choices=["Heun"],
    ),
    "jump": Handled(
        "book/consistency",
        "fig-consistency-jump",
        {"z": ["ArrowRight"] * 2, "t": ["End"]},
        _end_of_a_jump,
    ),
    "ray": Handled(
        "book/geometry",
        "fig-geometry-ray",
        {"x": ["ArrowRight"] * 3, "y": ["ArrowDown"] * 6},
        _at_the_height_of_two_corners,
    ),
    "clouds": Handled(
        "book/evaluation",
        "fig-evaluation-clouds",
        {"lost": ["ArrowRight"] * 10},
        _frechet_without_a_mode,
    ),
}
EACH = pytest.mark.parametrize("name", EXPLORABLES)


def figure_of(seen: Visit, name: str, live: bool = True) -> Locator:
    """The explorable's figure, in sight, and loaded."""
    figure = seen.page.locator(f"#{EXPLORABLES[name].figure}")
    figure.scroll_into_view_if_needed()
    if live:
        figure.locator("[data-live] fieldset:enabled").wait_for()
    return figure


def shown(figure: Locator) -> str:
    """All that a reader sees of it: the picture and the numbers."""
    return str(figure.locator(".gb-x-picture").inner_html() + readout(figure))


def readout(figure: Locator) -> str:
    return figure.locator(".gb-x-readout").inner_text().replace("−", "-")


@EACH
def test_keys_move_each_slider_to_genbooks_number(name: str, visit: Visitor) -> None:
    handled = EXPLORABLES[name]
    with visit(handled.docname) as seen:
        figure = figure_of(seen, name)
        for slider in figure.locator("input[type=range]").all():
            before = shown(figure)
            slider.focus()
            # One that stands at its end goes back.
            seen.page.keyboard.press("ArrowRight")
            if shown(figure) == before:
                seen.page.keyboard.press("ArrowLeft")
            assert shown(figure) != before, slider.get_attribute("aria-label")
            assert slider.get_attribute("aria-valuetext")
        figure.get_by_role("button", name="Reset").click()
        for choice in handled.choices:
            figure.get_by_role("button", name=choice, exact=True).press("Enter")
        for key, presses in handled.keys.items():
            figure.locator(f"[data-key={key}]").focus()
            for press in presses:
                seen.page.keyboard.press(press)
        assert handled.says() in readout(figure)
        # The state is spoken when the reader rests.
        figure.locator("[role=status]:not(:empty)").wait_for(state="attached")
        assert seen.problems == []


@EACH
def test_each_button_changes_what_is_shown(name: str, visit: Visitor) -> None:
    with visit(EXPLORABLES[name].docname) as seen:
        figure = figure_of(seen, name)
        first = shown(figure)
        for button in figure.locator("button:not(.gb-x-reset):not([aria-pressed=true])").all():
            before = shown(figure)
            button.click()
            assert shown(figure) != before, button.inner_text()
        figure.locator("input[type=range]").first.focus()
        seen.page.keyboard.press("End")
        figure.get_by_role("button", name="Reset").click()
        assert shown(figure) == first


@EACH
def test_a_finger_drags_each_knob(name: str, visit: Visitor) -> None:
    """By touches of the browser's own, which would scroll the page if the knob let them."""
    with visit(EXPLORABLES[name].docname, PHONE) as seen:
        screen = seen.page.context.new_cdp_session(seen.page)
        screen.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

        def touch(kind: str, *points: dict[str, float]) -> None:
            screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

        figure = figure_of(seen, name)
        for knob in figure.locator(".gb-x-handle").all():
            knob.evaluate("knob => knob.scrollIntoView({ block: 'center', behavior: 'instant' })")
            before, scrolled = shown(figure), seen.page.evaluate("scrollY")
            box = knob.locator("circle").last.bounding_box()
            assert box
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            for way in (-1, 1):  # one that stands at its end goes back
                touch("touchStart", {"x": x, "y": y})
                for far in range(3, 25, 3):
                    touch("touchMove", {"x": x + way * far, "y": y + far})
                touch("touchEnd")
                if shown(figure) != before:
                    break
            assert shown(figure) != before
            assert seen.page.evaluate("scrollY") == scrolled
        assert seen.problems == []


@EACH
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(name: str, size: dict, theme: str, visit: Visitor) -> None:
    handled = EXPLORABLES[name]
    with visit(handled.docname, size, theme) as seen:
        figure_of(seen, name)
        found = Axe().run(seen.page, context={"include": [[f"#{handled.figure}"]]})
        violations = found.response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in violations] == []


@EACH
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_when_it_is_loaded(name: str, size: dict, visit: Visitor) -> None:
    """The room that the script needs is there before it comes."""
    handled = EXPLORABLES[name]
    box = f"document.querySelector('#{handled.figure}').getBoundingClientRect().height"
    with visit(handled.docname, size) as seen:
        before = seen.page.evaluate(box)
        figure_of(seen, name)
        assert seen.page.evaluate(box) == pytest.approx(before, abs=1)


@EACH
def test_without_scripts_there_is_a_picture(name: str, visit: Visitor) -> None:
    with visit(EXPLORABLES[name].docname, script=False) as seen:
        figure = figure_of(seen, name, live=False)
        assert figure.locator(".gb-x-picture:visible").count() == 1
        assert re.search(r"\d", readout(figure))
        assert not figure.locator("fieldset").is_visible()


@EACH
def test_on_paper_there_is_a_picture_without_controls(name: str, visit: Visitor) -> None:
    with visit(EXPLORABLES[name].docname) as seen:
        figure = figure_of(seen, name)
        seen.page.emulate_media(media="print")
        assert figure.locator(".gb-x-picture:visible").count() == 1
        assert not figure.locator("fieldset").is_visible()


def test_pages_without_explorables_load_none_of_it(visit: Visitor) -> None:
    with visit("book/notation") as seen:
        assert [r.url for r in seen.responses if "explorables/" in r.url] == []


def test_an_explorable_is_fetched_when_it_comes_near(visit: Visitor) -> None:
    with visit("book/gaussians") as seen:
        fetched = [r.url for r in seen.responses if "explorables/" in r.url]
        assert len(fetched) == 1 and "loader.js" in fetched[0]
        figure_of(seen, "gaussian-product")
        assert any("gaussian-product.js" in r.url for r in seen.responses)
