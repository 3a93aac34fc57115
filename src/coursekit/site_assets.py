"""What pages load, made small and local: the fonts of the formulas and the icons of the theme.

Jupyter Book's theme ships every icon of Font Awesome as 1.5 MB of script and names each in its
style sheet; KaTeX brings 20 fonts. Here a font holds just the glyphs that the pages show, cut out
of the packages in the environment and in ``web/node_modules``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from pathlib import Path

import pydata_sphinx_theme
from fontTools import subset
from fontTools.ttLib import TTFont

from coursekit import web
from coursekit.formulas import kept

_UNSEEN = re.compile(r"<math.*?</math>|<[^>]*>", re.DOTALL)
_CLASS = re.compile(r'class="([^"]*)"')
_NAME = re.compile(r"\.([a-zA-Z][\w-]*)")
_FAMILY = re.compile(r"KaTeX_\w+")
_SOURCE = re.compile(r"url\(([^)]+\.woff2)\)")
_SOURCES = re.compile(r"src:[^;}]+")
_ICON_RULE = re.compile(r"(?:\.fa-[\w-]+:before,?)+\{content:[^}]*\}")
_ICON = re.compile(r"\.fa-([\w-]+):before")

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


def write_formula_fonts(root: Path, static: Path) -> None:
    """Write ``static/katex.css`` and the fonts it names, cut down to what the formulas show.

    The formulas are those in ``coursekit.formulas.kept``. A face that none of them needs is left
    out; of the others only the characters that some formula has are kept.
    """
    katex = web.folder(root) / "node_modules" / "katex" / "dist"
    rules = re.findall(r"[^{}]+\{[^{}]*\}", (katex / "katex.min.css").read_text(encoding="utf-8"))
    texts = [path.read_text(encoding="utf-8") for path in sorted(kept(root).glob("*.html"))]
    shown = {letter for text in texts for letter in unescape(_UNSEEN.sub("", text))}
    classes = {name for text in texts for found in _CLASS.findall(text) for name in found.split()}
    families = {
        family
        for rule in rules
        for selector in rule.split("{")[0].split(",")
        if not rule.startswith("@") and classes.issuperset(_NAME.findall(selector))
        for family in _FAMILY.findall(rule)
    }
    target = static / "katex"
    target.mkdir(parents=True, exist_ok=True)
    kept_rules = []
    for rule in rules:
        if rule.startswith("@font-face"):
            face = Path(_SOURCE.findall(rule)[0]).stem
            if families.isdisjoint(_FAMILY.findall(rule.partition("src:")[0])):
                continue
            _cut(katex / "fonts" / f"{face}.ttf", target / f"{face}.woff", map(ord, shown))
            rule = _SOURCES.sub(f'src:url({face}.woff) format("woff")', rule)
        kept_rules.append(rule)
    (target / "katex.css").write_text("\n".join(kept_rules) + "\n", encoding="utf-8")


def _cut(font: Path, target: Path, letters: Iterable[int]) -> None:
    """Write the glyphs of these characters as WOFF (Python has no WOFF2 without a package)."""
    cut = TTFont(font)
    cutter = subset.Subsetter(subset.Options(notdef_outline=True, drop_tables=["GSUB", "FFTM"]))
    cutter.populate(unicodes=letters)
    cutter.subset(cut)
    cut.flavor = "woff"
    cut.save(target, reorderTables=False)


def mend_theme(static: Path) -> None:
    """Cut the theme's style sheet down, and let it have colours where no script runs.

    The names of the icons that no page shows are 20 kB of it. Without a script the page's theme
    stays "auto", for which it defines no colour: it looks as in "light".
    """
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    known = {name for icons in ICONS.values() for name in icons}

    def shown(rule: re.Match[str]) -> str:
        return "" if known.isdisjoint(_ICON.findall(rule[0])) else rule[0]

    text = _ICON_RULE.sub(shown, sheet.read_text(encoding="utf-8"))
    text = text.replace("html[data-theme=light]", "html:is([data-theme=light],[data-theme=auto])")
    sheet.write_text(text, encoding="utf-8")


def write_icons(static: Path) -> None:
    """Write ``static/icons.css`` and one small WOFF for each icon font, cut down to ``ICONS``."""
    fonts = Path(pydata_sphinx_theme.__file__).parent / (
        "theme/pydata_sphinx_theme/static/vendor/fontawesome/webfonts"
    )
    static.mkdir(parents=True, exist_ok=True)
    rules = []
    for name, icons in ICONS.items():
        _cut(fonts / f"{name}.ttf", static / f"{name}.woff", icons.values())
        family, weight = _FACES[name]
        # Declared after the theme's own face of the same name and weight, so it is asked first.
        rules.append(
            f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:normal;'
            f'font-display:block;src:url({name}.woff) format("woff")}}'
        )
    (static / "icons.css").write_text("\n".join(rules) + "\n", encoding="utf-8")
