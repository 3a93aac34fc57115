"""The book's explorables in a running kernel: the same figures, moved by ipywidgets.

On the site an explorable computes in the page. Here a slider asks this package: what is drawn and
what stands below it are the results of the functions that the chapters derive. Each figure is a
module of this package with a ``HAND``: what it starts from, its controls, its drawing, its numbers.

    from genbook import hands

    hands.show("posterior")
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["known", "show"]

_SHARED = {"__init__", "drawing", "frame", "traces"}


def known() -> list[str]:
    """The figures that there are, as their chapters call them: "gaussian-product", say."""
    files = (path.stem for path in Path(__file__).parent.glob("*.py"))
    return sorted(name.replace("_", "-") for name in files if name not in _SHARED)


def show(name: str) -> Any:
    """The figure ``name`` with its sliders, as the value of a cell.

    It needs ipywidgets, version 7 or 8, and a kernel that runs. Without ipywidgets a sentence says
    so, and nothing is returned.

    Raises:
        ValueError: there is no figure of that name.
    """
    if name not in known():
        raise ValueError(f"there is no figure {name!r}; there are {', '.join(known())}")
    hand = import_module(f"genbook.hands.{name.replace('-', '_')}").HAND
    try:
        import ipywidgets
    except ImportError:
        print("Sliders need ipywidgets, which is not installed: pip install ipywidgets")
        return None
    return hand.widget(ipywidgets)
