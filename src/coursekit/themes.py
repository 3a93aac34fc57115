"""One stored figure → what a page shows: light and dark, wide and for a phone.

``genbook.plots`` stores a figure as one SVG on a ground of paper, with its phone version packed in
the ``metadata``. Here the ground is taken out and the colours are exchanged by one table. What the
table does not name keeps its hue and changes its lightness to the opposite one, so that pale fills
become deep ones and words stay legible on them.
"""

from __future__ import annotations

import base64
import colorsys
import gzip
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

_PACKED = re.compile(r'<metadata class="narrow">([^<]*)</metadata>')
_GROUND = re.compile(r'<rect class="ground"[^>]*/>')
_COLOUR = re.compile(r"((?:fill|stroke|stop-color):)(#[0-9a-fA-F]{6})")
_PICTURE = re.compile(r'<image href="data:image/png;base64,([^"]*)"[^>]*>')
_SQUARES = re.compile(r"\.([\w-]+)\{[^}]*pixelated")
_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_GREY = 12  # the largest difference of the channels of a grey


@dataclass(frozen=True)
class Variant:
    """A figure for one theme and one width: the document and its natural size in pixels."""

    text: str
    width: int
    height: int


def variants(stored: str, dark: Mapping[str, str]) -> dict[tuple[str, str], Variant]:
    """All variants of a stored figure, by theme (light, dark) and width (wide, narrow).

    Args:
        stored: an SVG document of ``genbook.plots``.
        dark: what each colour becomes on a dark page.

    Returns:
        No narrow ones where the figure has no phone version; nothing at all where the document is
        none of ``genbook.plots``.
    """
    if not _GROUND.search(stored):
        return {}
    packed = _PACKED.search(stored)
    documents = {"wide": _PACKED.sub("", stored)}
    if packed:
        documents["narrow"] = gzip.decompress(base64.b64decode(packed[1])).decode()
    found = {}
    for width, document in documents.items():
        plain = _GROUND.sub("", document)
        found["light", width] = _variant(plain)
        found["dark", width] = _variant(darkened(plain, dark))
    return found


def _variant(text: str) -> Variant:
    """The document with its size: a point is 4/3 pixels."""
    box = _BOX.search(text)
    if box is None:
        raise ValueError("a stored figure has a viewBox that begins at 0 0")
    width, height = (round(float(side) * 4 / 3) for side in box.groups())
    return Variant(
        text.replace("<svg", f'<svg width="{width}" height="{height}"', 1), width, height
    )


def darkened(text: str, dark: Mapping[str, str]) -> str:
    """An SVG document in the colours of a dark page."""
    table = {light.lower(): colour for light, colour in dark.items()}

    def exchanged(found: re.Match[str]) -> str:
        return found[1] + _exchange(found[2].lower(), table)

    # A style that several images share is a class: what is drawn as squares is known by either.
    squares = ("pixelated", *(f'class="{name}"' for name in _SQUARES.findall(text)))
    text = _COLOUR.sub(exchanged, text)
    text = _PICTURE.sub(lambda found: _cloud(found, table, squares), text)
    # Black is what marks without a colour have.
    return text.replace("<svg", f'<svg fill="{_exchange("#000000", table)}"', 1)


def _exchange(colour: str, table: Mapping[str, str]) -> str:
    if colour in table:
        return table[colour]
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    # White becomes the ground of a dark page, not black.
    channels = colorsys.hls_to_rgb(hue, 1 - light * 0.93, saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def _cloud(found: re.Match[str], table: Mapping[str, str], squares: tuple[str, ...]) -> str:
    """A cloud of points in dark colours; what is drawn as squares is an image and stays."""
    if any(mark in found[0] for mark in squares):
        return found[0]
    image = Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGBA")
    raw = image.tobytes()
    pixels = (raw[i : i + 4] for i in range(0, len(raw), 4))
    exchanged = b"".join(bytes((*_exchange_pixel(p[:3], table), p[3])) for p in pixels)
    image = Image.frombytes("RGBA", image.size, exchanged)
    buffer = io.BytesIO()
    image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        buffer, "PNG", optimize=True
    )
    return found[0].replace(found[1], base64.b64encode(buffer.getvalue()).decode())


def _exchange_pixel(pixel: bytes, table: Mapping[str, str]) -> tuple[int, ...]:
    """The pixel's nearest colour of the table exchanged; a grey by its lightness."""
    if max(pixel) - min(pixel) <= _GREY:
        return tuple(round(255 - value * 0.93) for value in pixel)
    nearest = min(
        table, key=lambda c: sum((a - b) ** 2 for a, b in zip(pixel, _rgb(c), strict=True))
    )
    return _rgb(table[nearest])


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
