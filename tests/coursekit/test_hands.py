"""The explorables in a kernel: each has its hand, which does what the page does."""

from __future__ import annotations

import builtins
import json
import re
from functools import cache
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from coursekit import explorables, hand_cell, web
from coursekit.dependencies import reach
from coursekit.project import Project
from coursekit.source import read
from genbook import gaussians, hands
from genbook.hands import drawing, posterior, schedule
from genbook.hands.frame import Button, Choice, Hand, Slider, State

ROOT = Path(__file__).parents[2]
NAMES = explorables.names(ROOT)


def hand(name: str) -> Hand:
    found = import_module(f"genbook.hands.{name.replace('-', '_')}").HAND
    assert isinstance(found, Hand)
    return found


def test_every_explorable_has_its_hand() -> None:
    assert hands.known() == NAMES


PROJECT = Project(ROOT)
SHOWN = {
    f"{room}/{slug}": [
        name
        for cell in read(path).cells
        if cell.kind == "markdown"
        for name, _ in hand_cell.explorables_of(cell, path)
    ]
    for slug in PROJECT.slugs()
    for room, path in PROJECT.sources(slug).items()
}


def test_every_hand_is_below_a_picture() -> None:
    assert sorted(name for names in SHOWN.values() for name in names) == NAMES


@pytest.mark.parametrize("key", [key for key, names in SHOWN.items() if names])
def test_a_notebook_depends_on_the_hands_that_it_shows_and_on_no_other(key: str) -> None:
    room, _, slug = key.partition("/")
    code = hand_cell.code_of(read(PROJECT.sources(slug)[room]))
    found = reach([text for text, _ in code], ROOT / "src" / "genbook", slug)
    modules = {s.module.rpartition(".")[2] for s in found.keys if ".hands." in s.module}
    modules -= {"drawing", "frame", "traces"}
    assert modules == {name.replace("-", "_") for name in SHOWN[key]}


# What a reader may do

Change = State | str
"""What changes, or the label of the button that is pressed."""


def walks(it: Hand) -> list[list[Change]]:
    """Each control moved by itself, to its ends and between; then several one after the other."""
    alone: list[list[Change]] = []
    for control in it.controls:
        if isinstance(control, Button):
            alone.append([control.label])
        elif isinstance(control, Choice):
            alone += [[{control.key: word}] for word in control.options]
        else:
            low, high = control.ends(it.state)
            places = [low, high, low + 0.37 * (high - low), (low + high) / 2]
            alone += [[{control.key: place}] for place in places]
    together = [walk[0] for walk in alone]
    return [*alone, together[1::4], together[::-3], together[2::5]]


def act(it: Hand, state: State, change: Change) -> State:
    if isinstance(change, str):
        (button,) = (c for c in it.controls if isinstance(c, Button) and c.label == change)
        change = button.act(state)
    return it.settled(state, change)


def told(it: Hand, state: State) -> dict[str, Any]:
    """What the page tells of a state, too."""
    return {"state": state, "controls": [seen(c, state) for c in it.controls],
            "readout": [list(row) for row in it.readout(state)]}  # fmt: skip


def seen(control: Slider | Choice | Button, state: State) -> dict[str, Any]:
    found: dict[str, Any] = {"there": control.when(state)}
    if isinstance(control, Button):
        return {**found, "label": control.label}
    if isinstance(control, Choice):
        return {**found, "key": control.key, "name": control.name, "options": control.options}
    low, high = control.ends(state)
    value = drawing.fixed(state[control.key], control.digits)
    return {**found, "key": control.key, "label": control.label, "min": low, "max": high,
            "step": control.step, "value": value}  # fmt: skip


@cache
def on_the_page() -> dict[str, Any]:
    wanted = {name: walks(hand(name)) for name in NAMES}
    found: dict[str, Any] = json.loads(web.run_node(ROOT, "tests/hands.js", json.dumps(wanted)))
    return found


def plain(it: Any) -> Any:
    """Without what differs in form alone: HTML's escapes, the unit behind a slider's value."""
    if isinstance(it, dict):
        return {key: plain(value) for key, value in it.items()}
    if isinstance(it, list):
        return [plain(value) for value in it]
    if isinstance(it, float):
        return pytest.approx(it, abs=1e-9)
    return re.sub(r"^(\S+)(/\d+| ×)$", r"\1", unescape(it)) if isinstance(it, str) else it


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_has_the_controls_and_the_numbers_of_the_page(name: str) -> None:
    """Keys, labels, ends, steps and first values; after every change the state and the readout."""
    it, page = hand(name), on_the_page()[name]
    assert it.title == page["title"]
    assert told(it, it.state) == plain(page["start"])
    for walk, there in zip(walks(it), page["walks"], strict=True):
        state = dict(it.state)
        for change, expected in zip(walk, there, strict=True):
            state = act(it, state, change)
            assert told(it, state) == plain(expected), (walk, change)


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_draws_what_is_changed(name: str) -> None:
    """Every control that is there changes the picture, and the same state gives the same one."""
    it = hand(name)
    first = it.picture(it.state)
    assert first.startswith(b"\x89PNG") and first == it.picture(dict(it.state))
    for walk in walks(it):
        state = act(it, it.state, walk[0])
        if state != it.state:
            assert it.picture(state) != first, walk


def test_the_witnesses_make_the_posterior() -> None:
    """What the two parabolas are drawn from, multiplied, is what the readout says."""
    for x0, xt, t in ((0.8, -0.7, 8), (-0.3, 1.9, 2), (1.0, 0.4, 20)):
        bells = [
            drawing.column(number) for bell in posterior.witnesses(x0, xt, t) for number in bell
        ]
        mean, variance, _ = gaussians.product(bells[0], bells[1][None], bells[2], bells[3][None])
        expected = posterior.posterior(x0, xt, t)
        assert (mean.item(), variance.item()) == pytest.approx(expected, abs=1e-12)


# In a kernel


class Calls:
    """A hand that counts what is asked of it."""

    def __init__(self) -> None:
        self.drawn: list[State] = []

    def hand(self) -> Hand:
        def draw(state: State) -> Any:
            self.drawn.append(dict(state))
            return drawing.Canvas(20, 20).figure

        return Hand(
            "Numbers", {"a": 1, "b": 0.5, "word": "x"},
            [
                Slider("a", "<i>a</i>", 0, lambda now: 5 if now["word"] == "x" else 3, 1, digits=0),
                Slider("b", "b", -1, 1, 0.25, when=lambda now: now["a"] < 3),
                Choice("word", "word", {"x": "an x", "y": "a y"}),
                Button("More", lambda now: {"a": now["a"] + 1}),
            ],
            draw, lambda state: [("a & b", f"{state['a'] + state['b']:.2f}", "one")],
            lambda state, changes: {"a": 0} if changes.get("word") == "y" else {},
        )  # fmt: skip


def test_a_slider_a_word_and_a_button_redraw() -> None:
    widgets = pytest.importorskip("ipywidgets")
    calls = Calls()
    box = calls.hand().widget(widgets)
    title, image, numbers, *rows, word, last = box.children
    (name, a), (_, b) = (row.children for row in rows)
    more, reset = last.children
    assert title.value == "<b>Numbers</b>" and bytes(image.value).startswith(b"\x89PNG")
    assert "<i>a</i>" in name.value and (a.min, a.max, a.value) == (0, 5, 1)
    assert calls.drawn == [{"a": 1, "b": 0.5, "word": "x"}]
    before = numbers.value
    b.value = -0.75
    assert calls.drawn[-1] == {"a": 1, "b": -0.75, "word": "x"} and numbers.value != before
    assert "0.25" in numbers.value
    more.click()
    more.click()
    assert (a.value, calls.drawn[-1]["a"], rows[1].layout.display) == (3, 3, "none")
    word.value = "y"
    assert (a.value, a.max, rows[1].layout.display) == (0, 3, None)
    reset.click()
    assert (a.value, a.max, b.value, word.value) == (1, 5, 0.5, "x")
    assert len(calls.drawn) == 6  # one drawing for each change: what widgets are told is no change


def test_a_choice_that_fits_no_option_shows_none_pressed() -> None:
    widgets = pytest.importorskip("ipywidgets")
    box = schedule.HAND.widget(widgets)
    choice, row = box.children[3:5]
    knob = row.children[1]
    knob.value += 1e-12  # as a browser writes it when it is first shown
    assert choice.value == "linear"
    near = knob.value = 3.1 + 1e-12
    assert knob.value == near  # nothing goes back to a slider that a finger is on
    knob.value = knob.min
    assert choice.value is None
    choice.value = "cosine"
    assert knob.value == pytest.approx(
        schedule.HAND.settled(schedule.HAND.state, {"kind": "cosine"})["l0"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_hand_is_shown_and_moves(name: str) -> None:
    pytest.importorskip("ipywidgets")
    box = hands.show(name)
    image, numbers = box.children[1:3]
    before = bytes(image.value)
    slider = next(row for row in box.children[3:] if hasattr(row, "children")).children[1]
    slider.value = slider.max if slider.value != slider.max else slider.min
    assert bytes(image.value) != before and numbers.value


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"no figure 'posteriour'; there are clouds, dial, .*schedule"
    ):
        hands.show("posteriour")
    with pytest.raises(ValueError, match="there is no figure 'frame'"):
        hands.show("frame")


def test_without_ipywidgets_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert hands.show("ray") is None
    assert capsys.readouterr().out == (
        "Sliders need ipywidgets, which is not installed: pip install ipywidgets\n"
    )
