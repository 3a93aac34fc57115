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

    def settled(self, value: float, state: State) -> float:
        """The nearest value on the grid, between the ends."""
        low, high = self.ends(state)
        steps = math.floor((value - low) / self.step + 0.5)
        nearest = min(high, max(low, round(low + steps * self.step, 9)))
        return nearest if self.digits else int(nearest)


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
                after[slider.key] = slider.settled(after[slider.key], after)
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
        rows = [self._row(c, part) for c, part in zip(hand.controls, self.parts, strict=True)]
        self.rows = rows
        reset = library.Button(description="Reset")
        reset.on_click(lambda _: self._take(dict(hand.state)))
        self.image = library.Image(
            format="png", layout=library.Layout(width="720px", max_width="100%", height="auto")
        )
        self.numbers = library.HTML()
        title = library.HTML(f"<b>{escape(hand.title)}</b>")
        pressed = [row for row in rows if isinstance(row, library.Button)]
        others = [row for row in rows if not isinstance(row, library.Button)]
        last = library.HBox([*pressed, reset])
        self.box = library.VBox([title, self.image, self.numbers, *others, last])
        self._take(self.state)

    def change(self, changes: State) -> None:
        """Take over what a control says."""
        self._take(self.hand.settled(self.state, changes))

    def _take(self, state: State) -> None:
        """Show a state, and tell it to all widgets."""
        self.state = state
        self.settling = True
        try:
            for control, part, row in zip(self.hand.controls, self.parts, self.rows, strict=True):
                row.layout.display = None if control.when(state) else "none"
                if isinstance(control, Slider):
                    low, high = control.ends(state)
                    part.max = max(high, part.min)  # never an end beyond the other, in between
                    part.min, part.max = low, high
                    # A value that is right but for its last digits stays: sending it back would
                    # move a slider that a finger is still on.
                    if control.settled(part.value, state) != state[control.key]:
                        part.value = state[control.key]
                elif isinstance(control, Choice):
                    known = state[control.key] in control.options
                    part.value = state[control.key] if known else None
        finally:
            self.settling = False
        self.image.value = self.hand.picture(state)
        self.numbers.value = self.hand.numbers(state)

    def _made(self, control: Slider | Choice | Button) -> Any:
        """The widget of a control."""
        library = self.library
        if isinstance(control, Button):
            button = library.Button(description=control.label)
            button.on_click(lambda _: self.change(control.act(self.state)))
            return button
        value = self.state[control.key]
        if isinstance(control, Choice):
            options = [(text, word) for word, text in control.options.items()]
            part = library.ToggleButtons(options=options, value=value)
            part.style.button_width = "auto"
        else:
            low, high = control.ends(self.state)
            kind = library.FloatSlider if control.digits else library.IntSlider
            form = f".{control.digits}f" if control.digits else "d"
            wide = library.Layout(width="360px", max_width="70%")
            part = kind(
                value=value, min=low, max=high, step=control.step, readout_format=form, layout=wide
            )
        part.observe(lambda change: self._told(control, change["new"]), names="value")
        return part

    def _told(self, control: Slider | Choice, value: Any) -> None:
        """A widget has another value, by the reader's hand.

        A browser's widget also says its value when it is first shown, with other last digits: that
        is no change.
        """
        if isinstance(control, Slider):
            value = control.settled(value, self.state)
        if not self.settling and value is not None and value != self.state[control.key]:
            self.change({control.key: value})

    def _row(self, control: Slider | Choice | Button, part: Any) -> Any:
        """A slider beside its label: HTML, of which its own description would lose a part."""
        if not isinstance(control, Slider):
            return part
        wide = self.library.Layout(width="8em", min_width="8em")
        words = f'<div style="text-align:right">{control.label}</div>'
        return self.library.HBox([self.library.HTML(words, layout=wide), part])
