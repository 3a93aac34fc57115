"""Explorables: figures that a reader handles, computed in the page.

    ```{explorable} posterior
    :name: fig-ddpm-posterior
    :alt: Two parabolas and their sum …

    The caption asks a question that is answered by handling the figure.
    ```

Each is a module ``web/explorables/NAME.jsx``; ``web/README.md`` says how one is written. While the
site is built ``web/build.js`` bundles them for the pages, and draws each as it stands at first.
That picture is in the page before its script comes, without scripts, on paper and in the notebooks.
There a cell follows that makes it move in a kernel (``coursekit.hand_cell``).
"""

from __future__ import annotations

import json
from functools import lru_cache
from html import escape
from pathlib import Path
from shutil import rmtree

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from coursekit import web

PLACE = "_static/explorables"
"""Where the site has the bundles, and of each explorable a picture ``NAME.svg``."""


def names(root: Path) -> list[str]:
    """The explorables that there are."""
    return sorted(path.stem for path in (web.folder(root) / "explorables").glob("*.jsx"))


def hand(root: Path, name: str) -> Path:
    """The module that is the explorable in a kernel: see ``coursekit.hand_cell``."""
    return root / "src" / "genbook" / "hands" / f"{name.replace('-', '_')}.py"


def picture_url(site: str, name: str) -> str:
    """The address of an explorable's picture, for notebooks."""
    return f"{site}/{PLACE}/{name}.svg"


def _sources(root: Path) -> list[Path]:
    folders = ("explorables", "frame", "formulas", "data")
    found = [path for folder in folders for path in (web.folder(root) / folder).glob("*.*")]
    return [web.folder(root) / "build.js", *sorted(found)]


def drawn(root: Path, out: Path | None = None) -> dict[str, dict[str, str]]:
    """Each explorable as ``html`` for its page and as a picture ``svg``; bundles go to ``out``.

    Raises:
        WebError: a module of ``web/`` is at fault.
    """
    stamp = tuple((str(path), path.stat().st_mtime_ns) for path in _sources(root))
    return _drawn(root, out, stamp)


@lru_cache(maxsize=4)
def _drawn(root: Path, out: Path | None, stamp: object) -> dict[str, dict[str, str]]:
    text = json.dumps({"out": out and str(out)})
    made: dict[str, dict[str, str]] = json.loads(web.run_node(root, "build.js", text))
    return made


class Explorable(SphinxDirective):
    """``{explorable} NAME``: a figure with a caption, numbered among the figures."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012  (docutils' own signature)
        "name": directives.unchanged_required,
        "alt": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The figure as it stands before it is handled."""
        root, name = Path(self.env.srcdir), self.arguments[0]
        if name not in names(root):
            known = ", ".join(names(root))
            raise self.error(f"there is no explorable '{name}'; there are {known}")
        for option in ("name", "alt"):
            if option not in self.options:
                raise self.error(f"the explorable '{name}' needs ':{option}:'")
        words = self.parse_content_to_nodes()
        if not words or not isinstance(words[0], nodes.paragraph):
            raise self.error(f"the explorable '{name}' needs a caption")
        for path in _sources(root):
            self.env.note_dependency(str(path))
        alt = escape(self.options["alt"])
        still = drawn(root)[name]["html"].replace("@ALT@", alt)
        opening = f'<div class="gb-explorable" data-explorable="{name}" data-alt="{alt}">'
        figure = nodes.figure("", nodes.raw("", f"{opening}{still}</div>", format="html"))
        figure += nodes.caption("", "", *words[0].children)
        if words[1:]:
            figure += nodes.legend("", *words[1:])
        figure["classes"].append("gb-explorable-figure")
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure]


def add_bundles(app: Sphinx) -> None:
    """Put the bundles and the pictures into the site."""
    if app.builder.format == "html" and names(Path(app.srcdir)):
        out = Path(app.outdir) / PLACE
        rmtree(out, ignore_errors=True)  # bundles have their contents in their names
        out.mkdir(parents=True)
        for name, made in drawn(Path(app.srcdir), out).items():
            (out / f"{name}.svg").write_text(made["svg"], encoding="utf-8")


def connect(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_directive("explorable", Explorable)
    app.connect("builder-inited", add_bundles)
    app.add_css_file("explorables.css")  # only where one stands: coursekit.page_head
    app.add_js_file("explorables/loader.js", type="module")
