"""Where things are: the root of the book, its slugs, and the rooms that belong to a slug."""

from __future__ import annotations

import difflib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml


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
        """All chapters: those of ``_toc.yml`` in its order, then others in ``book/`` by name.

        A file of ``book/`` is a chapter when its header has a ``kernelspec`` or ``genbook`` key;
        plain pages (the front page, the notation table) have neither.
        """
        found = {path.stem for path in (self.root / "book").glob("*.md") if _is_chapter(path)}
        found |= {path.stem for path in (self.root / "solutions").glob("*.md")}
        listed = [Path(entry).name for entry in _toc_files(self.toc())]
        ordered = [slug for slug in dict.fromkeys(listed) if slug in found]
        return ordered + sorted(found - set(ordered))

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

    def toc(self) -> dict:
        """``_toc.yml`` as a mapping.

        Raises:
            CourseError: the file is no valid YAML mapping; the message has its line.
        """
        return _read_yaml(self.root / "_toc.yml")

    def config(self) -> dict:
        """``_config.yml`` as a mapping, empty where there is none."""
        path = self.root / "_config.yml"
        return _read_yaml(path) if path.is_file() else {}

    def repository_url(self) -> str:
        """The one repository URL of the book: ``repository: {url: …}`` in ``_config.yml``.

        Raises:
            CourseError: ``_config.yml`` has none.
        """
        url = (self.config().get("repository") or {}).get("url")
        if not url:
            raise CourseError("_config.yml has no repository: {url: …}; the set-up cell needs it")
        return str(url).rstrip("/")


def _is_chapter(path: Path) -> bool:
    """Whether the header of ``path`` looks like a notebook's, without parsing it as YAML."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].strip() != "---":
        return False
    for line in lines[1:]:
        if line.strip() == "---":
            return False
        if line.startswith(("kernelspec:", "genbook:", "file_format: mystnb")):
            return True
    return False


def _toc_files(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [str(node[key]) for key in ("root", "file") if key in node]
        nested = [name for value in node.values() for name in _toc_files(value)]
        return own + nested
    if isinstance(node, list):
        return [name for value in node for name in _toc_files(value)]
    return []


def _read_yaml(path: Path) -> dict:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not readable"
        raise CourseError(f"{path.name}:{line}: invalid YAML: {problem}") from error
    if not isinstance(data, dict):
        raise CourseError(f"{path.name}:1: expected a mapping of keys to values")
    return data


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
