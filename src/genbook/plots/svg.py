"""Figures as SVG: sharp at every size, small, and the same bytes on every run.

A notebook stores one SVG for each figure, on a ground of paper, so that it is legible on a light
and on a dark page. The same file carries, in its ``metadata``, the figure drawn anew for a phone
(``genbook.plots.narrow``). The site takes the two apart and gives them the colours of its theme.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
from collections import Counter

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from genbook.plots.narrow import narrowed
from genbook.plots.style import PAPER

__all__ = ["GROUND", "svg"]

GROUND = f'<rect class="ground" width="100%" height="100%" fill="{PAPER}"/>'
"""What lies below a stored figure; the site takes it out."""

_CROWD = 400  # points: more of them are smaller as a picture than as marks
_FINE = 160  # pixels an inch of such a picture
_TONES = 32  # colours of such a picture, opacities included
_PAD = 0.04  # inches around a figure
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
# Tenths of a point are finer than a pixel. Scales of letters and pictures stay as they are.
_ROUNDED = re.compile(r'(?<= )(?:d|x|y|width|height|viewBox)="[^"]*"|translate\([^)]*\)')


def svg(figure: Figure) -> str:
    """The figure as one SVG document with its phone version inside.

    Text is drawn as paths: formulas keep their places whatever fonts a reader has. Screen readers
    get the alternative text of the page.
    """
    _picture_crowds(figure)
    wide = _drawn(figure)
    with narrowed(figure) as small:
        phone = None if small is None else _drawn(small)
    head, ground, body = wide.partition(GROUND)
    if phone is None:
        return wide
    # Level 9 and no time: the same bytes on every run of one machine.
    packed = base64.b64encode(gzip.compress(phone.encode(), 9, mtime=0)).decode()
    return f'{head}<metadata class="narrow">{packed}</metadata>{ground}{body}'


def _picture_crowds(figure: Figure) -> None:
    """Let the renderer make one picture of each cloud of points, inside the SVG."""
    for artist in figure.findobj(_is_crowd):
        artist.set_rasterized(True)


def _is_crowd(artist: Artist) -> bool:
    if isinstance(artist, QuadMesh):
        return True
    if isinstance(artist, Collection):
        return np.shape(artist.get_offsets())[0] > _CROWD
    if isinstance(artist, Line2D):
        marks = artist.get_marker() not in (None, "None", "", " ")
        return marks and np.size(artist.get_xdata(orig=False)) > _CROWD
    return False


def _drawn(figure: Figure) -> str:
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "genbook", "svg.fonttype": "path"}):
        figure.savefig(
            buffer,
            format="svg",
            dpi=_FINE,
            facecolor="none",
            bbox_inches="tight",
            pad_inches=_PAD,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _small(buffer.getvalue())


def _small(text: str) -> str:
    """matplotlib's SVG without what nobody sees: prologue, comments, far decimals, white space."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Names of groups; only what is referred to needs one.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'(?<=<svg)(.*?) width="[^"]*" height="[^"]*"', r"\1", text, count=1)
    text = _ROUNDED.sub(lambda found: _NUMBER.sub(lambda n: _tenths(n[0]), found[0]), text)
    text = text.replace("xlink:href", "href")
    # A letter is named by its font and number; the same name is the same letter everywhere.
    text = text.replace("DejaVuSans", "D")
    text = re.sub(r' d="([^"]*)"', lambda path: f' d="{_path(path[1])}"', text)
    text = re.sub(r'<image href="data:image/png;base64,([^"]*)"[^>]*', _picture, text)
    text = re.sub(r'style="([^"]*)"', lambda style: f'style="{_style(style[1])}"', text)
    text = _shared_styles(text)
    text = re.sub(r">\s+<", "><", text.strip())
    while (fewer := re.sub(r"<g>((?:(?!<g\b).)*?)</g>|<g/>|<defs/>", r"\1", text)) != text:
        text = fewer
    return re.sub(r"(<svg[^>]*>)", rf"\1{GROUND}", text, count=1)


def _tenths(number: str) -> str:
    short = f"{float(number):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def _path(steps: str) -> str:
    """The steps of a path in few letters: each from where the last one ended, its kind once."""
    if not re.fullmatch(r"[-\d.\sMLQCz]*", steps):
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(steps.split()))
    written = ""
    at = (0.0, 0.0)
    kept = ""  # the kind of step that numbers without a letter would continue
    for kind, numbers in re.findall(r"([MLQCz])([^MLQCz]*)", steps):
        if kind == "z":
            written, kept = written + "z", ""
            continue
        values = [float(number) for number in numbers.split()]
        points = list(zip(values[::2], values[1::2], strict=True))
        if kind == "M":
            written, kept = written + "M" + " ".join(numbers.split()), "M"
        else:
            if kind != kept:
                written, kept = written + kind.lower(), kind
            for value in (round(v - at[i], 1) for point in points for i, v in enumerate(point)):
                short = _tenths(str(value))
                gap = "" if short.startswith("-") or written[-1].isalpha() else " "
                written += gap + short
        at = points[-1]
    return written


def _picture(found: re.Match[str]) -> str:
    """A picture inside the SVG in fewer bytes: what is drawn as squares unchanged, a cloud not."""
    image: Image.Image = Image.open(io.BytesIO(base64.b64decode(found[1])))
    if "pixelated" not in found[0]:
        image = image.quantize(_TONES, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    elif _is_grey(image):
        image = image.convert("LA")
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    packed = base64.b64encode(buffer.getvalue()).decode()
    return found[0].replace(found[1], packed)


def _is_grey(image: Image.Image) -> bool:
    """Whether the three channels are equal everywhere: one of them says it all."""
    red, green, blue = (image.convert("RGBA").getchannel(i).tobytes() for i in range(3))
    return red == green == blue


def _shared_styles(text: str) -> str:
    """What marks have in common as a class, named by what it says: a page may hold many figures."""
    mark = re.compile(r'(?: clip-path="(url\([^"]*\))")? style="([^"]*)"')
    rules: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        clip = f";clip-path:{found[1]}" if found[1] else ""
        rule = found[2] + clip
        name = "s" + hashlib.sha256(rule.encode()).hexdigest()[:6]
        if counts[found[0]] < 3:
            return found[0]
        rules[name] = rule
        return f' class="{name}"'

    counts = Counter(found[0] for found in mark.finditer(text))
    text = mark.sub(named, text)
    sheet = "".join(f".{name}{{{rule}}}" for name, rule in rules.items())
    return text.replace("</style>", f"{sheet}</style>", 1)


def _style(rules: str) -> str:
    return re.sub(r"\s*([:;])\s*", r"\1", rules.strip())
