"""Figures that a reader can move: a native slider over frames that were drawn in advance.

A scrubber is plain HTML: a list of pictures, a range input, and a few lines of script. It needs no
widget library, no server and no network; it works in the rendered book, in Colab and in Jupyter, by
keyboard and with a screen reader. Where scripts are off (an untrusted notebook, a printout) all
frames show as a strip, so nothing is lost.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from genbook.plots.pictures import mosaic
from genbook.plots.style import PAPER

__all__ = ["Explorer", "Scrubber", "explore", "frame", "scrubber"]

_SHOWN = 420  # pixels: small pictures are enlarged to about this width
_STRIP = 96  # pixels: the width of a frame in the strip

# The script hides all frames but one and shows the slider. It looks for its own figures only, takes
# each once (a page may hold the same output twice), and leaves no name behind.
_SCRIPT = """
(function () {
  document.querySelectorAll('[data-scrubber="KEY"]').forEach(function (root) {
    if (root.dataset.ready) return;
    root.dataset.ready = "1";
    var frames = Array.from(root.querySelectorAll("[data-frame]"));
    var input = root.querySelector("input"), output = root.querySelector("output");
    function show() {
      frames.forEach(function (frame, i) {
        frame.style.display = i === +input.value ? "block" : "none";
      });
      output.textContent = frames[+input.value].dataset.frame;
      input.setAttribute("aria-valuetext", output.textContent);
    }
    frames.forEach(function (frame) {
      frame.style.width = "auto";
      frame.querySelector("img").style.width = root.dataset.width + "px";
      frame.querySelector("[data-label]").hidden = true;
    });
    input.parentNode.hidden = false;
    input.parentNode.style.display = "flex";
    input.addEventListener("input", show);
    show();
  });
})();
""".strip()


def frame(source: Any, colours: int = 64) -> bytes:
    """A picture as a small PNG with a palette of at most ``colours``, the same bytes on every run.

    ``source`` is a matplotlib figure, or an image (H, W), (C, H, W) or a batch (N, C, H, W) with
    values in [−1, 1], or a uint8 array (H, W[, 3]).
    """
    picture = _picture(source)
    if picture.mode == "L":  # even steps of grey, without the noise of an adaptive palette
        steps = np.rint(np.asarray(picture) * ((colours - 1) / 255)).astype(np.uint8)
        picture = Image.fromarray(steps).convert("P")
        picture.putpalette([round(v * 255 / (colours - 1)) for v in range(colours) for _ in "rgb"])
    else:
        picture = picture.convert("RGB").quantize(
            colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _picture(source: Any) -> Image.Image:
    if isinstance(source, Figure):
        buffer = io.BytesIO()
        source.savefig(buffer, format="png", metadata={"Software": None})
        plt.close(source)  # a figure of pyplot's would be shown a second time
        return Image.open(buffer).convert("RGB")
    if isinstance(source, torch.Tensor):
        source = source.detach().cpu().numpy()
    array = np.asarray(source)
    if array.dtype != np.uint8:
        if array.ndim == 2:
            array = array[None]
        array = mosaic(array[None] if array.ndim == 3 else array)
    return Image.fromarray(array)


@dataclass(frozen=True)
class Scrubber:
    """Frames (PNG) with a label and an alternative text each, under one slider called ``name``."""

    frames: tuple[bytes, ...]
    labels: tuple[str, ...]
    alts: tuple[str, ...]
    name: str
    captions: tuple[str, ...]
    start: int
    width: int

    def __repr__(self) -> str:
        span = f"{self.labels[0]} … {self.labels[-1]}"
        return f"[slider over {len(self.frames)} pictures, {span}: {self.alts[0]}]"

    def _repr_html_(self) -> str:
        words = (*self.labels, *self.alts, *self.captions, self.name)
        key = hashlib.sha256(b"\0".join([*self.frames, *(w.encode() for w in words)])).hexdigest()[
            :12
        ]
        items = "\n".join(self._frame(i) for i in range(len(self.frames)))
        name = html.escape(self.name)
        return (
            f'<figure data-scrubber="{key}" data-width="{self.width}" style="margin:1em 0">\n'
            # `hidden` until the script runs: a slider that moves nothing would be worse than none.
            '<div hidden style="align-items:center;gap:.8em;max-width:100%">\n'
            f'<input type="range" min="0" max="{len(self.frames) - 1}" value="{self.start}"'
            f' aria-label="{name}" style="flex:1;min-width:6em;max-width:{self.width}px;'
            'height:28px">\n'
            f'<output aria-live="off">{html.escape(self.labels[self.start])}</output>\n</div>\n'
            f"<div>\n{items}\n</div>\n"
            f"<script>{_SCRIPT.replace('KEY', key)}</script>\n</figure>"
        )

    def _frame(self, i: int) -> str:
        data = base64.b64encode(self.frames[i]).decode()
        label, alt = html.escape(self.labels[i]), html.escape(self.alts[i])
        words = html.escape(self.captions[i]) if self.captions else ""
        # Enlarged pixels stay squares; a figure made smaller on a phone is smoothed.
        rendering = "pixelated" if _natural(self.frames[i]) < self.width else "auto"
        caption = f"<div>{words}</div>" if words else ""
        return (
            f'<div data-frame="{label}" style="display:inline-block;vertical-align:top;'
            f'width:{_STRIP}px;margin:2px">'
            f'<img alt="{alt}" width="{_STRIP}" src="data:image/png;base64,{data}" style="'
            f'image-rendering:{rendering};max-width:100%;height:auto;background:{PAPER}">'
            f"<div data-label>{label}</div>{caption}</div>"
        )


def scrubber(
    frames: Sequence[Any],
    labels: Sequence[Any],
    alt: str | Sequence[str],
    name: str = "t",
    captions: Sequence[str] = (),
    start: int = -1,
    width: int | None = None,
    colours: int = 64,
) -> Scrubber:
    """A slider over pictures; show it as the value of a cell.

    Args:
        frames: what ``frame`` accepts, or PNG bytes; one a position.
        labels: the value at each position, shown as "t = 900" (name and value).
        alt: what is to be seen: one text for all (the label is added), or one a frame.
        name: of what the slider moves.
        captions: optionally, a sentence below each frame.
        start: the position shown first; by default the last.
        width: in pixels; by default small pictures are enlarged.
        colours: in the palette of a frame.

    Raises:
        ValueError: fewer than two frames, or not one label (alternative text, caption) a frame.
    """
    pictures = tuple(f if isinstance(f, bytes) else frame(f, colours) for f in frames)
    n = len(pictures)
    if n < 2:
        raise ValueError(f"a slider needs at least two frames, not {n}")
    words = tuple(f"{name} = {_value(label)}" for label in labels)
    alts = tuple(f"{alt}, {word}" for word in words) if isinstance(alt, str) else tuple(alt)
    for what, given in (("labels", words), ("alt texts", alts), ("captions", captions or words)):
        if len(given) != n:
            raise ValueError(f"{len(given)} {what} for {n} frames")
    if any(not text.strip() for text in ([alt] if isinstance(alt, str) else alts)):
        raise ValueError("every picture needs an alternative text")
    return Scrubber(
        pictures, words, alts, name, tuple(captions), range(n)[start], width or _width(pictures[0])
    )


def _width(picture: bytes) -> int:
    """Whole multiples of the picture's width, so that enlarged pixels stay square."""
    return _natural(picture) * max(1, _SHOWN // _natural(picture))


def _natural(picture: bytes) -> int:
    return Image.open(io.BytesIO(picture)).width


def _value(label: Any) -> str:
    if hasattr(label, "item"):
        label = label.item()
    return f"{label:g}" if isinstance(label, float) else str(label)


class Explorer:
    """A scrubber made from a drawing function; ``live`` makes it a widget in a running kernel."""

    def __init__(self, draw: Callable[[Any], Any], values: Sequence[Any], stored: Scrubber) -> None:
        self.draw, self.values, self.stored = draw, list(values), stored

    def __repr__(self) -> str:
        return repr(self.stored)

    def _repr_html_(self) -> str:
        return self.stored._repr_html_()

    def live(self) -> Any:
        """The same slider as an ipywidgets widget that draws anew, at values in between too.

        Works with ipywidgets 7 and 8; without ipywidgets it gives the stored scrubber.
        """
        try:
            import ipywidgets as widgets
        except ImportError:
            return self.stored
        low_to_high = sorted(self.values) if _numbers(self.values) else []
        common = {"description": self.stored.name, "continuous_update": False}
        value = self.values[self.stored.start]
        if not low_to_high:
            slider = widgets.SelectionSlider(options=self.values, value=value, **common)
        elif all(isinstance(v, int) for v in low_to_high):
            low, high = low_to_high[0], low_to_high[-1]
            slider = widgets.IntSlider(value=value, min=low, max=high, **common)
        else:
            low, high = float(low_to_high[0]), float(low_to_high[-1])
            step = (high - low) / 100
            slider = widgets.FloatSlider(value=value, min=low, max=high, step=step, **common)
        shown = {"format": "png", "width": self.stored.width}
        image = widgets.Image(value=self.stored.frames[self.stored.start], **shown)

        def redraw(change: Any) -> None:
            image.value = frame(self.draw(change["new"]))

        slider.observe(redraw, names="value")
        return widgets.VBox([slider, image])


def explore(
    draw: Callable[[Any], Any],
    values: Sequence[Any],
    name: str,
    alt: str | Sequence[str],
    label: Callable[[Any], str] | None = None,
    captions: Sequence[str] = (),
    start: int = -1,
    width: int | None = None,
) -> Explorer:
    """A slider over ``draw(value)``: what a cell stores is always the scrubber of these frames.

    ``draw`` returns a figure or an image; ``label`` writes a value, by default as itself. In a
    running kernel ``explore(…).live()`` gives the widget that draws anew at every value.
    """
    labels = [label(v) if label else v for v in values]
    frames = [draw(value) for value in values]
    stored = scrubber(frames, labels, alt, name, captions, start, width)
    return Explorer(draw, values, stored)


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
