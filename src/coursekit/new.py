"""``coursekit new``: the rooms of a chapter, written from templates that derive and pass."""

from __future__ import annotations

import difflib
import keyword
import math
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import yaml

from coursekit import toc
from coursekit.chapter_map import plan as plan_of
from coursekit.project import CourseError, Project, write_atomically

MARK = "REPLACE:"
"""Begins a comment of the templates above what an author has to replace, ``% REPLACE: …``."""

_MARKED = re.compile(rf"^[%#] {MARK}", re.MULTILINE)
_SLUG = re.compile(r"[a-z][a-z0-9_]*")
_CAPTION = re.compile(r'^  - caption: *"?(.*?)"? *$')
QUESTIONS = ("by_hand", "step", "data", "times")


class _Room(Template):
    """A template whose delimiter no formula and no Python uses: ``§slug``, ``§title``."""

    delimiter = "§"


def rooms(project: Project, slug: str) -> dict[str, Path]:
    """Each template's name and the file it becomes; the derived rooms are made from these."""
    root = project.root
    checks = root / "src" / "genbook" / "checks" / slug
    return {
        "chapter.md": project.chapter(slug),
        "module.py": root / "src" / "genbook" / f"{slug}.py",
        "sheet.md": project.sheet(slug),
        "api.md": root / "book" / "api" / f"{slug}.md",
        "tests.py": root / "tests" / f"test_{slug}.py",
        **{f"checks/{name}.py": checks / f"{name}.py" for name in ("__init__", *QUESTIONS)},
    }


def create(project: Project, slug: str, title: str | None = None) -> list[Path]:
    """Write the rooms of a new chapter, and its place in ``_toc.yml`` if the map plans it.

    Args:
        title: by default the one that ``book/map.yml`` plans.

    Returns:
        The files written.

    Raises:
        CourseError: the slug is no module name, or one of its files exists, or it has no title;
            nothing is written.
        SourceError: ``_toc.yml`` or a page's header is no valid YAML.
    """
    if not _SLUG.fullmatch(slug) or keyword.iskeyword(slug):
        raise CourseError(
            f"'{slug}' cannot be a slug: it names a Python module, so it begins with a lower-case "
            "letter and has lower-case letters, digits and underscores"
        )
    plan = plan_of(project.root)
    title = _title(plan, slug, title)
    targets = rooms(project, slug)
    existing = [project.relative(path) for path in targets.values() if path.exists()]
    if existing:
        raise CourseError(f"'{slug}' exists already: {', '.join(existing)}")
    words = {
        "slug": slug,
        "title": title,
        "imports": ", ".join(sorted([slug, "plots", "verify"])),
        "before": ", ".join(_before(project, plan, slug)),
    }
    for name, path in targets.items():
        template = files("coursekit").joinpath("templates", f"{name}.in").read_text("utf-8")
        write_atomically(path, _Room(template).substitute(words))
    written = list(targets.values())
    order = project.root / "_toc.yml"
    if slug in _planned(plan) and f"book/{slug}" not in toc.pages(order):
        write_atomically(order, placed(order.read_text("utf-8"), plan, slug))
        written.append(order)
    index = project.root / "book" / "api.md"
    if index.is_file():
        write_atomically(index, listed(index.read_text("utf-8"), slug))
        written.append(index)
    return written


def listed(index: str, slug: str) -> str:
    """The text of ``book/api.md`` with a chapter's module below those of the other chapters."""
    line, start = f"- [](api/{slug}.md)\n", index.find("## Chapters\n")
    end = index.find("\n## ", start) if start >= 0 else -1
    if line in index or start < 0:
        return index
    return index[:end] + line + index[end:] if end >= 0 else index + line


def left_to_do(project: Project, slug: str, title: str | None = None) -> list[str]:
    """What a new chapter still needs of its author, in lines to print."""
    plan, lines = plan_of(project.root), []
    if f"book/{slug}" not in toc.pages(project.root / "_toc.yml"):
        lines += ["Add to _toc.yml, below the chapters of its part:", toc_entry(slug), ""]
    if slug not in _planned(plan):
        entry = yaml.safe_dump(
            {slug: _title(plan, slug, title)}, allow_unicode=True, width=math.inf
        )
        lines += ["Add to book/map.yml, below the chapters of its part:", f"    {entry}"]
    lines.append(f"What stands below a comment '{MARK}' is an example; put your own in its place:")
    for path in rooms(project, slug).values():
        if count := marks(path.read_text("utf-8")):
            lines.append(f"    {project.relative(path)} ({count})")
    return [*lines, "", f"Then: coursekit notebooks {slug}"]


def marks(text: str) -> int:
    """How many places of a room are still the template's: comments that begin with the mark."""
    return len(_MARKED.findall(text))


def toc_entry(slug: str) -> str:
    """The lines of a chapter in ``_toc.yml``, below a part's ``chapters:``."""
    return f"      - file: book/{slug}\n        sections:\n          - file: solutions/{slug}"


def placed(order: str, plan: list[dict[str, Any]], slug: str) -> str:
    """The text of ``_toc.yml`` with a chapter entered, comments and all else as they are.

    Args:
        order: the text.
        plan: ``book/map.yml``.
        slug: one of the plan; it goes where it stands there, and begins its part if need be.
    """
    lines = order.rstrip("\n").split("\n")
    names = [f"Part {part['part']}" for part in plan]
    index = next(i for i, part in enumerate(plan) if slug in part["chapters"])
    own, slugs = names[index], list(plan[index]["chapters"])
    starts = [i for i, line in enumerate(lines) if _CAPTION.match(line)]
    spans = dict(zip((_CAPTION.sub(r"\1", lines[i]) for i in starts), starts, strict=True))

    def end(start: int) -> int:
        after = next((i for i in starts if i > start), len(lines))
        while not lines[after - 1].strip():
            after -= 1
        return after

    if own in spans:
        start, stop = spans[own], end(spans[own])
        later = {f"- file: book/{name}" for name in slugs[slugs.index(slug) + 1 :]}
        at = next((i for i in range(start, stop) if lines[i].strip() in later), stop)
        new = [toc_entry(slug)]
    else:
        before = [name for name in names[:index] if name in spans]
        at = end(spans[before[-1]]) if before else starts[0] - 1
        head = ["", f'  - caption: "{own}"', "    numbered: true", "    chapters:"]
        new = [*head, toc_entry(slug)]
    return "\n".join([*lines[:at], *new, *lines[at:]]) + "\n"


def _title(plan: list[dict[str, Any]], slug: str, title: str | None) -> str:
    """The given title, or the planned one."""
    planned = _planned(plan)
    if title is None and slug not in planned:
        near = difflib.get_close_matches(slug, planned, n=2)
        hint = f" (did you mean {' or '.join(near)}?); or" if near else ":"
        raise CourseError(f"'{slug}' is not in book/map.yml{hint} give --title")
    title = str(planned[slug] if title is None else title).strip()
    if not title or "\n" in title:
        raise CourseError(f"the title must be one line of text, not {title!r}: give --title")
    return title


def _before(project: Project, plan: list[dict[str, Any]], slug: str) -> list[str]:
    """The written chapter that comes before this one, as a list of one, or of none."""
    written = [name for name in project.slugs() if project.chapter(name).is_file()]
    planned = list(_planned(plan))
    if slug in planned:
        written = [name for name in planned[: planned.index(slug)] if name in written]
    return written[-1:]


def _planned(plan: list[dict[str, Any]]) -> dict[str, str]:
    """The titles of all chapters of the map, by slug, in its order."""
    return {name: words for part in plan for name, words in part["chapters"].items()}
