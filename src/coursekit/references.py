"""Stub with the signatures; the implementation follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Book:
    """The book's index: pages, chapter numbers, labels, terms, bibliography.

    ``site`` and ``repository`` are URLs without a slash at the end, from ``_config.yml``.
    """

    root: Path
    site: str
    repository: str
    branch: str = "main"
    pages: dict[str, str] = field(default_factory=dict)  # docname ("book/ddim") -> title


def load(root: str | Path) -> Book:
    """Index the book whose ``_config.yml`` and ``_toc.yml`` lie in ``root``.

    Raises `coursekit.source.SourceError` for a missing page, a duplicate label, bad YAML.
    """
    raise NotImplementedError
