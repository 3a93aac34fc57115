"""Where things are: the root of the book, its slugs, and the rooms that belong to a slug.

What a chapter is, for every tool and test: a notebook of ``book/``, that is a page there whose
header is a notebook's (``coursekit.source.is_notebook``). Its slug is the name of its file, and
``Project.chapters`` lists them all in the order of ``_toc.yml``. A sheet without its chapter counts
as one as well, so that somebody says what it lacks.

An assignment is a sheet that joins several chapters and belongs to none: its header says so. Its
slug has a sheet, and questions, and no room in ``book/``. ``Project.slugs`` lists both kinds.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any


class CourseError(Exception):
    """A mistake of the person at the keyboard that no line of a source file is to blame for."""


@dataclass(frozen=True)
class Project:
    """The folder that holds ``_toc.yml``; every path of the book is derived from it.

    Attributes:
        root: absolute path of the folder.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project around ``start`` (default: the working directory).

        Raises:
            CourseError: no folder from ``start`` upwards has a ``_toc.yml``.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "_toc.yml").is_file():
                return cls(folder)
        raise CourseError(f"no _toc.yml in {start} or above it: run coursekit inside the book")

    def chapter(self, slug: str) -> Path:
        """``book/<slug>.md``, the chapter's source."""
        return self.root / "book" / f"{slug}.md"

    def sheet(self, slug: str) -> Path:
        """``solutions/<slug>.md``, the source of the exercises with their solutions."""
        return self.root / "solutions" / f"{slug}.md"

    def notebook(self, room: str, slug: str) -> Path:
        """``<room>/<slug>.ipynb`` for a room of ``book``, ``solutions`` or ``exercises``."""
        return self.root / room / f"{slug}.ipynb"

    def relative(self, path: Path) -> str:
        """``path`` as messages and metadata show it: relative to the root, with slashes."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def slugs(self) -> list[str]:
        """All chapters and assignments: those of ``_toc.yml`` in its order, then others by name.

        Raises:
            SourceError: ``_toc.yml`` or the header of a page is no valid YAML.
        """
        # Not above: a parser of Markdown is much to wait for where nobody reads a text.
        from coursekit import toc
        from coursekit.source import is_notebook

        found = {path.stem for path in (self.root / "book").glob("*.md") if is_notebook(path)}
        found |= {path.stem for path in (self.root / "solutions").glob("*.md")}
        listed = [PurePosixPath(docname).name for docname in toc.pages(self.root / "_toc.yml")]
        ordered = [slug for slug in dict.fromkeys(listed) if slug in found]
        return ordered + sorted(found - set(ordered))

    def chapters(self) -> list[str]:
        """The slugs that are no assignments.

        Raises:
            SourceError: as :meth:`slugs`.
        """
        return [slug for slug in self.slugs() if not self.is_assignment(slug)]

    def is_assignment(self, slug: str) -> bool:
        """Whether ``slug`` is a sheet that belongs to no chapter, as its header says."""
        path = self.sheet(slug)
        if self.chapter(slug).is_file() or not path.is_file():
            return False
        from coursekit.source import front_matter

        header, _ = front_matter(path.read_text("utf-8"), path)
        return bool((header.get("genbook") or {}).get("kind") == "assignment")

    def sources(self, slug: str) -> dict[str, Path]:
        """The texts that ``slug`` has: of its room ``book``, of its room ``solutions``."""
        texts = {"book": self.chapter(slug), "solutions": self.sheet(slug)}
        return {room: path for room, path in texts.items() if path.is_file()}

    def select(self, names: list[str]) -> list[str]:
        """The slugs ``names`` asks for, all of them when it is empty.

        Raises:
            CourseError: a name is no slug; the message suggests the nearest ones.
        """
        known = self.slugs()
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
                hint = f" Did you mean {' or '.join(near)}?" if near else ""
                raise CourseError(
                    f"unknown slug '{name}': there is no book/{name}.md.{hint} "
                    f"Known slugs: {', '.join(known) or 'none yet'}."
                )
        return [slug for slug in known if slug in names] if names else known

    def config(self) -> dict[str, Any]:
        """``_config.yml`` as a mapping, empty where there is none.

        Raises:
            SourceError: the file is no valid YAML mapping; the message has its line.
        """
        from coursekit.source import read_mapping

        path = self.root / "_config.yml"
        return read_mapping(path) if path.is_file() else {}

    def repository_url(self) -> str:
        """The one repository URL of the book: ``repository: {url: …}`` in ``_config.yml``.

        Raises:
            CourseError: ``_config.yml`` has none.
        """
        url = (self.config().get("repository") or {}).get("url")
        if not url:
            raise CourseError("_config.yml has no repository: {url: …}; the set-up cell needs it")
        return str(url).rstrip("/")


def write_atomically(path: Path, text: str) -> bool:
    """Write ``text`` to ``path`` so that a reader or a crash sees the old file or the new one.

    Returns:
        Whether the file changed; an identical file keeps its modification time.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        # mkstemp makes private files; a derived file has the mode of any other file of the tree.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True
