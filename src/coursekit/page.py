"""What the site and the notebooks say alike of a chapter or an exercise sheet."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from coursekit.source import ROOMS, front_matter

WORDS_PER_MINUTE = 180
"""Pace of reading prose; each displayed equation and each code cell counts as 40 words more."""


@dataclass(frozen=True)
class Page:
    """A chapter or an exercise sheet, as its header describes it."""

    docname: str
    slug: str
    kind: str
    prerequisites: tuple[str, ...]
    text: str

    @property
    def notebook(self) -> str:
        """The notebook that Colab opens, relative to the repository's root."""
        return f"{'book' if self.kind == 'chapter' else 'exercises'}/{self.slug}.ipynb"

    @property
    def reading_minutes(self) -> int:
        """Minutes to read, at least 1."""
        return reading_minutes(self.text)


def read(path: Path, docname: str) -> Page | None:
    """The description of a page; ``None`` when it is neither a chapter nor a sheet."""
    text = path.read_text(encoding="utf-8")
    header, below = front_matter(text, path)
    book = header.get("genbook") or {}
    if book.get("kind") not in ROOMS:
        return None
    body = "\n".join(text.splitlines()[below:])
    return Page(docname, path.stem, book["kind"], tuple(book.get("prerequisites") or ()), body)


def reading_minutes(text: str) -> int:
    """Minutes to read the MyST below a header, at least 1."""
    prose = re.sub(r"```\{code-cell\}.*?```", " ", text, flags=re.DOTALL)
    pauses = len(re.findall(r"\$\$|\{math\}", prose)) // 2 + text.count("{code-cell}")
    words = len(re.findall(r"[^\W\d_]{2,}", prose)) + 40 * pauses
    return max(1, math.ceil(words / WORDS_PER_MINUTE))


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
