"""Which style sheets and scripts a page asks for: only those of what it shows.

Extensions and the theme add theirs to every page. Tabs and cards of sphinx-design, explorables and
scrubbers stand on few pages, and thebe, which would run code on a remote server, on none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sphinx.application import Sphinx

# What is left out of a page whose body lacks the text; None: out of every page.
NEEDED_BY = {
    "sphinx-thebe.css": None,
    "sphinx-thebe.js": None,
    "sphinx-design.min.css": 'class="sd-',
    "design-tabs.js": 'class="sd-tab',
    "proof.css": 'class="proof',
    "explorables.css": "data-explorable=",
    "loader.js": "data-explorable=",
    "scrubber.css": "data-scrubber=",
    "scrubber.js": "data-scrubber=",
}
# Every formula needs these; asked for at once, they are there before the first line is drawn.
PRELOADED = ("KaTeX_Main-Regular", "KaTeX_Math-Italic")


def mend_head(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Leave out what the page does not need; add the fonts of its formulas, if it has any."""
    body = str(context.get("body", ""))
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context[kind] if _needed(file, body)]
    if 'class="katex' in body:
        address: Callable[..., str] = context["pathto"]
        sheet = address("_static/katex/katex.css", 1)
        links = [f'<link rel="stylesheet" href="{sheet}" />']
        for face in PRELOADED:
            font = address(f"_static/katex/{face}.woff", 1)
            links.append(
                f'<link rel="preload" href="{font}" as="font" type="font/woff" crossorigin />'
            )
        context["metatags"] = "\n".join([context.get("metatags", ""), *links])


def _needed(file: Any, body: str) -> bool:
    name = str(getattr(file, "filename", file) or "").rpartition("/")[2]
    inline = getattr(file, "attributes", {}).get("body") or ""
    if "thebe" in inline:
        return False
    if name not in NEEDED_BY:
        return True
    word = NEEDED_BY[name]
    return word is not None and word in body


def connect(app: Sphinx) -> None:
    """Register with Sphinx, after the theme; called by ``coursekit.sphinx_ext.setup``."""
    app.connect("html-page-context", mend_head, priority=900)
