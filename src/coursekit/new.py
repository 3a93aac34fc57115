"""``coursekit new``: the rooms of a chapter, written from templates that derive and pass."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from coursekit.project import CourseError, Project, write_atomically

_SLUG = re.compile(r"[a-z][a-z0-9_]*")
QUESTIONS = ("by_hand", "step", "data", "times")


class _Room(Template):
    """A template whose mark no formula and no Python uses: ``§slug``, ``§title``."""

    delimiter = "§"


def rooms(project: Project, slug: str) -> dict[str, Path]:
    """Each template's name and the file it becomes; the derived rooms are made from these."""
    root = project.root
    checks = root / "src" / "genbook" / "checks" / slug
    return {
        "chapter.md": project.chapter(slug),
        "module.py": root / "src" / "genbook" / f"{slug}.py",
        "sheet.md": project.sheet(slug),
        "tests.py": root / "tests" / f"test_{slug}.py",
        **{f"checks/{name}.py": checks / f"{name}.py" for name in ("__init__", *QUESTIONS)},
    }


def create(project: Project, slug: str, title: str) -> list[Path]:
    """Write the rooms of a new chapter.

    Returns:
        The files written.

    Raises:
        CourseError: the slug is no module name, or one of its files exists; nothing is written.
    """
    if not _SLUG.fullmatch(slug) or keyword.iskeyword(slug):
        raise CourseError(
            f"'{slug}' cannot be a slug: it names a Python module, so it begins with a lower-case "
            "letter and has lower-case letters, digits and underscores"
        )
    if not title.strip() or "\n" in title:
        raise CourseError("the title must be one line of text")
    targets = rooms(project, slug)
    existing = [project.relative(path) for path in targets.values() if path.exists()]
    if existing:
        raise CourseError(f"'{slug}' exists already: {', '.join(existing)}")
    for name, path in targets.items():
        template = files("coursekit").joinpath("templates", f"{name}.in").read_text("utf-8")
        write_atomically(path, _Room(template).substitute(slug=slug, title=title.strip()))
    return list(targets.values())


def toc_entry(slug: str) -> str:
    """The lines to add to ``_toc.yml`` below a part's ``chapters:``."""
    return f"      - file: book/{slug}\n        sections:\n          - file: solutions/{slug}"
