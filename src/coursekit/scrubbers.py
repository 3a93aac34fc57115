"""The site's form of ``plots.scrubber``: all frames in one picture that is fetched when it is near.

In a notebook a scrubber carries each frame in itself, and its script. On the site that would be a
tenth of a megabyte of page before the first word can be read. Here the frames become one sheet, a
file of its own, and ``scrubber.js`` moves it behind a window. Without scripts the sheet is shown
whole, with the labels of its frames in order.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from math import ceil
from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

PLACE = "_static/scrubbers"


@dataclass
class Scrubber(HTMLParser):
    """What ``plots.scrubber`` wrote: its frames with their words, its slider, its width."""

    key: str = ""
    width: str = ""
    name: str = ""
    start: int = 0
    labels: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    pixelated: bool = False

    @classmethod
    def read(cls, html: str) -> Scrubber:
        """The scrubber that is written as ``html``."""
        found = cls()
        HTMLParser.__init__(found)
        found._place = ""
        found.feed(html)
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the element says of the scrubber."""
        given = {name: value or "" for name, value in attrs}
        if "data-scrubber" in given:
            self.key, self.width = given["data-scrubber"], given["data-width"]
        elif tag == "input":
            self.name, self.start = given["aria-label"], int(given["value"])
        elif "data-frame" in given:
            self.labels.append(given["data-frame"])
            self.captions.append("")
        elif tag == "img":
            self.alts.append(given["alt"])
            self.frames.append(base64.b64decode(given["src"].partition(",")[2]))
            self.pixelated = "pixelated" in given["style"]
        # Below a frame stand its label and, where there is one, a caption.
        self._place = tag if "data-label" not in given else "label"

    def handle_data(self, data: str) -> None:
        """Take a frame's caption."""
        if self._place == "div" and self.captions and data.strip():
            self.captions[-1] += data

    def handle_endtag(self, tag: str) -> None:
        """Leave the element."""
        self._place = ""


def sheet(frames: list[bytes]) -> tuple[Image.Image, tuple[int, int], int]:
    """All frames on one picture, row by row: the picture, the size of a frame, and the columns.

    A smaller frame than the first stands in the upper left corner of its place.
    """
    pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
    width, height = (max(p.size[axis] for p in pictures) for axis in (0, 1))
    columns = 2 if width > 1.5 * height else 4
    rows = ceil(len(pictures) / columns)
    whole = Image.new("RGB", (width * columns, height * rows), pictures[0].getpixel((0, 0)))
    for i, picture in enumerate(pictures):
        whole.paste(picture, (i % columns * width, i // columns * height))
    return whole, (width, height), columns


def light(scrubber: Scrubber, source: str, size: tuple[int, int], columns: int) -> str:
    """The scrubber as HTML over the sheet at the address ``source``."""
    (width, height), n, start = size, len(scrubber.frames), scrubber.start
    rows = ceil(n / columns)
    style = (
        f"--width:{width};--height:{height};--columns:{columns};--rows:{rows};"
        f"--column:{start % columns};--row:{start // columns};max-width:{scrubber.width}px"
    )
    words = "".join(
        f'<li data-alt="{escape(alt)}"{" class=shown" if i == start else ""}>'
        f"<b>{escape(label)}</b> {escape(caption)}</li>"
        for i, (label, alt, caption) in enumerate(
            zip(scrubber.labels, scrubber.alts, scrubber.captions, strict=True)
        )
    )
    kind = "gb-pixels" if scrubber.pixelated else ""
    told = "gb-told" if any(scrubber.captions) else ""
    return (
        f'<figure class="gb-scrubber {told}" data-scrubber="{scrubber.key}" style="{style}">'
        f'<div class="gb-scrubber-line"><input type="range" min="0" max="{n - 1}" value="{start}"'
        f' aria-label="{escape(scrubber.name)}" aria-valuetext="{escape(scrubber.labels[start])}">'
        f'<output aria-live="off">{escape(scrubber.labels[start])}</output></div>'
        f'<div class="gb-scrubber-window"><img class="{kind}" src="{source}" loading="lazy"'
        f' width="{width * columns}" height="{height * rows}"'
        f' alt="{escape(scrubber.alts[start])}"></div>'
        f'<ol class="gb-scrubber-words">{words}</ol></figure>'
    )


class LightScrubbers(SphinxPostTransform):
    """Exchange the scrubbers in the outputs of cells, once it is clear which outputs are shown."""

    default_priority = 300
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Write a sheet for each and put the light form in its place."""
        folder = Path(self.app.outdir) / PLACE
        for node in list(self.document.findall(nodes.raw)):
            if 'data-scrubber="' not in node.astext():
                continue
            scrubber = Scrubber.read(node.astext())
            picture, size, columns = sheet(scrubber.frames)
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{scrubber.key}.webp"
            picture.save(folder / name, lossless=True, quality=90, method=4)
            source = f"{'../' * self.env.docname.count('/')}{PLACE}/{name}"
            text = light(scrubber, source, size, columns)
            node.replace_self(nodes.raw("", text, format="html"))


def connect(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(LightScrubbers)
    app.add_css_file("scrubber.css")  # only where one stands: coursekit.page_head
    app.add_js_file("scrubber.js", type="module")
