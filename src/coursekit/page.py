"""What the site and the notebooks say alike of a chapter or an exercise sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coursekit import reading
from coursekit.source import ROOMS, front_matter


@dataclass(frozen=True)
class Page:
    """A chapter or an exercise sheet, as its header describes it."""

    docname: str
    slug: str
    kind: str
    prerequisites: tuple[str, ...]
    path: Path

    @property
    def notebook(self) -> str:
        """The notebook that Colab opens, relative to the repository's root."""
        return f"{'book' if self.kind == 'chapter' else 'exercises'}/{self.slug}.ipynb"

    @property
    def reading_minutes(self) -> int:
        """Minutes to read, at least 1."""
        return reading.minutes(self.path)


def read(path: Path, docname: str) -> Page | None:
    """The description of a page; ``None`` when it is neither a chapter nor any kind of sheet."""
    text = path.read_text(encoding="utf-8")
    header, _ = front_matter(text, path)
    book = header.get("genbook") or {}
    if book.get("kind") not in ROOMS:
        return None
    return Page(docname, path.stem, book["kind"], tuple(book.get("prerequisites") or ()), path)


def colab_url(repository: str, branch: str, notebook: str) -> str:
    """Where Colab opens a notebook of a GitHub repository.

    ``repository`` is ``https://github.com/<owner>/<name>``; raises ``ValueError`` for any other
    host.
    """
    host = "https://github.com/"
    if not repository.startswith(host):
        raise ValueError(f"repository.url of _config.yml must begin with {host}, not {repository}")
    name = repository.removeprefix(host).strip("/")
    return f"https://colab.research.google.com/github/{name}/blob/{branch}/{notebook}"
