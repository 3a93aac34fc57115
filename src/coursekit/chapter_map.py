"""The map of the course: ``book/map.yml`` with what is written, as places and lines to draw.

Each part is a column, each chapter a stop in it. A written chapter says in its header what to read
before it; for a planned one the map does (``needs``). Only the nearest of these are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from coursekit.source import SourceError, front_matter

COLUMN, STOP = 100, 80
"""Units of width: of a column, and of a stop in it; the rest is the gutter for the lines."""
HEAD, PITCH, HEIGHT = 52, 44, 32
"""Pixels: height of a part's name, from stop to stop, of a stop (see landing.css)."""


@dataclass(frozen=True)
class Stop:
    """A chapter on the map: ``column`` is its part, ``row`` its place in it."""

    slug: str
    title: str
    short: str
    column: int
    row: int
    written: bool
    needs: tuple[str, ...]

    @property
    def y(self) -> float:
        """The height of its middle."""
        return HEAD + PITCH * self.row + HEIGHT / 2


def stops(root: Path) -> dict[str, Stop]:
    """All chapters of the course at ``root``, in order, by slug.

    Raises:
        SourceError: the map needs a chapter that does not come before.
    """
    found: dict[str, Stop] = {}
    for column, part in enumerate(plan(root)):
        for row, (slug, title) in enumerate(part["chapters"].items()):
            chapter = root / "book" / f"{slug}.md"
            needs = part.get("needs", {}).get(slug, [])
            if chapter.is_file():
                header, _ = front_matter(chapter.read_text(encoding="utf-8"), chapter)
                needs = header["genbook"].get("prerequisites", [])
            unknown = [need for need in needs if need not in found]
            if unknown:
                path = chapter if chapter.is_file() else root / "book" / "map.yml"
                raise SourceError(path, 1, f"{slug} needs {unknown[0]}, which comes after it")
            short = part.get("short", {}).get(slug, title)
            nearest = tuple(_nearest(needs, found))
            found[slug] = Stop(slug, title, short, column, row, chapter.is_file(), nearest)
    return found


def plan(root: Path) -> list[dict[str, Any]]:
    """``book/map.yml``: parts, each with its chapters and their titles; none without the file."""
    path = root / "book" / "map.yml"
    return yaml.safe_load(path.read_text("utf-8")) if path.is_file() else []


def drawing(stops: dict[str, Stop]) -> str:
    """The lines between the stops as an SVG that is stretched over the map."""
    width = COLUMN * (1 + max(stop.column for stop in stops.values()))
    height = HEAD + PITCH * (1 + max(stop.row for stop in stops.values()))
    lines = {"gb-line gb-planned": "", "gb-line": ""}  # what is written is drawn on top
    for stop in stops.values():
        for need in stop.needs:
            lines["gb-line" if stop.written else "gb-line gb-planned"] += _route(stops[need], stop)
    paths = "".join(f'<path class="{kind}" d="{path}"/>' for kind, path in lines.items())
    return (
        f'<svg class="gb-lines" aria-hidden="true" viewBox="0 0 {width} {height}" '
        f'height="{height}" preserveAspectRatio="none">{paths}</svg>'
    )


def _nearest(needs: list[str], known: dict[str, Stop]) -> list[str]:
    """``needs`` without those that another of them needs already."""

    def behind(slug: str) -> set[str]:
        before = known[slug].needs
        return set(before).union(*(behind(name) for name in before))

    far = set[str]().union(*(behind(need) for need in needs))
    return [need for need in needs if need not in far]


def _route(start: Stop, end: Stop) -> str:
    """The line from ``start`` to ``end``, along the gutters between columns and rows.

    Lines from different stops of a part keep apart, so that none can be taken for another.
    """
    left, right = COLUMN * start.column, COLUMN * start.column + STOP
    if start.column == end.column:
        if end.row == start.row + 1:
            middle, tip = left + STOP / 2, end.y - HEIGHT / 2
            return f"M{middle:g} {start.y + HEIGHT / 2:g}V{tip:g}{_tip(middle, tip, down=True)}"
        return f"M{left} {start.y:g}h-7V{end.y:g}h7{_tip(left, end.y)}"
    goal = COLUMN * end.column
    path = f"M{right} {start.y:g}H{right + 3 + 4 * start.row}"
    if end.column > start.column + 1:  # above the goal, between two rows
        lane = end.y - HEIGHT / 2 - 4 * (start.row + 1)
        path += f"V{lane:g}H{goal - 7}"
    return f"{path}V{end.y:g}H{goal}{_tip(goal, end.y)}"


def _tip(x: float, y: float, down: bool = False) -> str:
    """An arrow's tip at a point, to the right or downwards."""
    if down:
        return f"M{x - 3:g} {y - 5:g}L{x:g} {y:g}L{x + 3:g} {y - 5:g}"
    return f"M{x - 3:g} {y - 4:g}L{x:g} {y:g}L{x - 3:g} {y + 4:g}"
