"""What pages load, made small and local: MathJax and the icons of the theme.

Jupyter Book's theme asks a content network for MathJax and ships every icon of Font Awesome as
1.5 MB of script. Here both come from packages in the environment: the one MathJax bundle that pages
load with its fonts, and a font that holds just the icons the pages show.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pydata_sphinx_theme
from fontTools import subset
from fontTools.ttLib import TTFont

MATHJAX_FILES = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")
"""The bundle, its fonts, and the TeX packages that it loads on demand (2.1 of the full 24 MB)."""

ICONS = {
    "fa-solid-900": {
        "angle-left": 0xF104,
        "angle-right": 0xF105,
        "angle-down": 0xF107,
        "chevron-right": 0xF054,
        "chevron-down": 0xF078,
        "arrow-up": 0xF062,
        "bars": 0xF0C9,
        "circle-half-stroke": 0xF042,
        "download": 0xF019,
        "expand": 0xF065,
        "list": 0xF03A,
        "lightbulb": 0xF0EB,
        "magnifying-glass": 0xF002,
        "moon": 0xF186,
        "outdent": 0xF03B,
        "sun": 0xF185,
        "xmark": 0xF00D,
        "circle-info": 0xF05A,
        "triangle-exclamation": 0xF071,
        "circle-exclamation": 0xF06A,
        "circle-xmark": 0xF057,
        "circle-check": 0xF058,
        "fire": 0xF06D,
        "hand-point-right": 0xF0A4,
        "bell": 0xF0F3,
        "pencil": 0xF303,
        "link": 0xF0C1,
        "hashtag": 0x23,
        "plus": 0x2B,
        "spinner": 0xF110,
        "share": 0xF064,
    },
    "fa-brands-400": {"github": 0xF09B},
}

_FACES = {
    "fa-solid-900": ("Font Awesome 6 Free", 900),
    "fa-brands-400": ("Font Awesome 6 Brands", 400),
}


def copy_mathjax(static: Path) -> None:
    """Copy the MathJax files that pages load to ``static/mathjax``.

    Raises ``FileNotFoundError`` when sphinx-mathjax-offline is not installed.
    """
    # The package's folder has a hyphen in its name, so it cannot be imported by a statement.
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("MathJax is missing: pip install sphinx-mathjax-offline")
    source = Path(spec.origin).parent / "static" / "mathjax"
    for name in MATHJAX_FILES:
        origin, target = source / name, static / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(origin, target)


def write_icons(static: Path) -> None:
    """Write ``static/icons.css`` and one small WOFF for each icon font, cut down to ``ICONS``."""
    fonts = Path(pydata_sphinx_theme.__file__).parent / (
        "theme/pydata_sphinx_theme/static/vendor/fontawesome/webfonts"
    )
    static.mkdir(parents=True, exist_ok=True)
    rules = []
    for name, icons in ICONS.items():
        font = TTFont(fonts / f"{name}.ttf")
        cutter = subset.Subsetter(subset.Options(notdef_outline=True, drop_tables=["GSUB", "FFTM"]))
        cutter.populate(unicodes=icons.values())
        cutter.subset(font)
        font.flavor = "woff"
        font.save(static / f"{name}.woff", reorderTables=False)
        family, weight = _FACES[name]
        # Declared after the theme's own face of the same name and weight, so it is asked first.
        rules.append(
            f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:normal;'
            f'font-display:block;src:url({name}.woff) format("woff")}}'
        )
    (static / "icons.css").write_text("\n".join(rules) + "\n", encoding="utf-8")
