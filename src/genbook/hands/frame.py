"""The frame of every figure to handle: its controls, the rules of its state, and its widget.

A figure says what it starts from (``state``: numbers and words), lists its controls, draws a state
and reads numbers off it. The frame does the rest, by the same rules as ``web/frame/frame.jsx`` on
the book's pages, so that both go through the same states.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from matplotlib.figure import Figure

from genbook.hands.drawing import COLOURS

State = dict[str, Any]
End = float | Callable[[State], float]
Row = tuple[str, str, str]
"""A number below the picture: its name (HTML), how it is written, its colour."""

_FINE = 144  # pixels an inch: sharp on a fine screen, drawn within a tenth of a second


def _always(state: State) -> bool:
    return True


@dataclass(frozen=True)
class Slider:
    """A number of the state between two ends, on a grid; ``label`` is HTML.

    ``digits`` are those behind the point; none makes it a slider of integers.
    """

    key: str
    label: str
    low: End
    high: End
    step: float
    digits: int = 2
    when: Callable[[State], bool] = _always

    def ends(self, state: State) -> tuple[float, float]:
        """The ends in this state."""
        low, high = (end(state) if callable(end) else end for end in (self.low, self.high))
        return low, high


@dataclass(frozen=True)
class Choice:
    """A word of the state, one of ``options``: each with the text on its button."""

    key: str
    name: str
    options: dict[str, str]
    when: Callable[[State], bool] = _always


@dataclass(frozen=True)
class Button:
    """What a press changes."""

    label: str
    act: Callable[[State], State]
    when: Callable[[State], bool] = _always


@dataclass(frozen=True)
class Hand:
    """A figure to handle.

    Attributes:
        title: what its controls are called.
        state: what it starts from.
        controls: in the order in which they stand.
        draw: the picture of a state.
        readout: the numbers of a state.
        follow: from the new state and what was changed in it: what else changes.
    """

    title: str
    state: State
    controls: Sequence[Slider | Choice | Button]
    draw: Callable[[State], Figure]
    readout: Callable[[State], list[Row]]
    follow: Callable[[State, State], State] = field(default=lambda state, changes: {})

    def settled(self, state: State, changes: State) -> State:
        """The state after changes: numbers on their slider's grid and within its ends."""
        after = {**state, **changes}
        for slider in self.controls:
            if isinstance(slider, Slider) and slider.key in changes:
                low, high = slider.ends(after)
                steps = math.floor((after[slider.key] - low) / slider.step + 0.5)
                value = min(high, max(low, round(low + steps * slider.step, 9)))
                after[slider.key] = value if slider.digits else int(value)
        return {**after, **self.follow(after, changes)}

    def picture(self, state: State) -> bytes:
        """The drawing of a state as PNG."""
        file = io.BytesIO()
        self.draw(state).savefig(file, format="png", dpi=_FINE)
        return file.getvalue()

    def numbers(self, state: State) -> str:
        """The readout of a state as HTML, with the colours of the picture."""
        rows = "".join(
            f'<span style="display:inline-block;margin-right:1.6em">{name} '
            f'<b style="background:{COLOURS["paper"]};color:{COLOURS[colour]};padding:0 .3em">'
            f"{escape(value)}</b></span>"
            for name, value, colour in self.readout(state)
        )
        return f'<div style="line-height:1.8">{rows}</div>'

    def widget(self, library: Any) -> Any:
        """The figure with its controls, made of ``library``: ipywidgets, 7 or 8."""
        return _Board(self, library).box


class _Board:
    """A living figure: its state, and the widgets that show and change it."""

    def __init__(self, hand: Hand, library: Any) -> None:
        self.hand, self.library, self.state = hand, library, dict(hand.state)
        self.settling = False  # widgets are being told the state, and need not tell it back
        self.parts = [self._made(control) for control in hand.controls]
        reset = library.Button(description="Reset")
        reset.on_click(lambda _: self.change(self.hand.state, follow=False))
        self.image = library.Image(
            format="png", layout=library.Layout(width="720px", max_width="100%", height="auto")
        )
        self.numbers = library.HTML()
        title = library.HTML(f"<b>{escape(hand.title)}</b>")
        buttons = [p for c, p in zip(hand.controls, self.parts, strict=True) if _pressed(c)]
        others = [p for c, p in zip(hand.controls, self.parts, strict=True) if not _pressed(c)]
        row = library.HBox([*buttons, reset])
        self.box = library.VBox([title, self.image, self.numbers, *others, row])
        self.show()

    def change(self, changes: State, follow: bool = True) -> None:
        """Take over what a widget or a button says, and show what comes of it."""
        if self.settling:
            return
        self.state = self.hand.settled(self.state, changes) if follow else dict(changes)
        self.show()

    def show(self) -> None:
        """Tell all widgets the state."""
        self.settling = True
        try:
            for control, part in zip(self.hand.controls, self.parts, strict=True):
                part.layout.display = None if control.when(self.state) else "none"
                if isinstance(control, Slider):
                    low, high = control.ends(self.state)
                    part.max = max(high, part.min)  # never an end beyond the other, in between
                    part.min, part.max = low, high
                    part.value = self.state[control.key]
                elif isinstance(control, Choice):
                    known = self.state[control.key] in control.options
                    part.value = self.state[control.key] if known else None
        finally:
            self.settling = False
        self.image.value = self.hand.picture(self.state)
        self.numbers.value = self.hand.numbers(self.state)

    def _made(self, control: Slider | Choice | Button) -> Any:
        """The widget of a control."""
        library = self.library
        if isinstance(control, Button):
            button = library.Button(description=control.label)
            button.on_click(lambda _: self.change(control.act(self.state)))
            return button
        if isinstance(control, Choice):
            options = [(text, value) for value, text in control.options.items()]
            part = library.ToggleButtons(options=options, value=self.state[control.key])
            part.style.button_width = "auto"
        else:
            kind = library.FloatSlider if control.digits else library.IntSlider
            low, high = control.ends(self.state)
            part = kind(
                value=self.state[control.key], min=low, max=high, step=control.step,
                description=control.label, layout=library.Layout(width="480px", max_width="100%"),
                readout_format=f".{control.digits}f" if control.digits else "d",
                style={"description_width": "9em"},
            )  # fmt: skip
            if hasattr(part, "description_allow_html"):  # ipywidgets 8; in 7 it is always allowed
                part.description_allow_html = True

        def told(change: Any) -> None:
            if change["new"] is not None:
                self.change({control.key: change["new"]})

        part.observe(told, names="value")
        return part


def _pressed(control: Slider | Choice | Button) -> bool:
    return isinstance(control, Button)
