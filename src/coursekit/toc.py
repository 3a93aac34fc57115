"""The order of the book: ``_toc.yml`` as Jupyter Book reads it, with the number of each chapter."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sphinx_external_toc.api import FileItem, GlobItem, SiteMap, TocTree
from sphinx_external_toc.parsing import MalformedError, parse_toc_data

from coursekit.source import SourceError, read_mapping


def pages(toc: Path) -> dict[str, tuple[int, ...]]:
    """Each page of ``_toc.yml`` in Sphinx's order with its chapter's number, ``()`` for none."""
    try:
        site = parse_toc_data(read_mapping(toc))
    except MalformedError as error:
        raise SourceError(toc, 1, str(error)) from None
    found: dict[str, tuple[int, ...]] = {site.root.docname: ()}
    count = 0
    for tree in site.root.subtrees:
        for name in _files(tree, toc.parent):
            count += bool(tree.numbered)
            _add(site, name, (count,) if tree.numbered else (), found, toc.parent)
    return found


def _files(tree: TocTree, root: Path) -> list[str]:
    """The pages of a tree; ``glob: book/api/*`` stands for the texts there, by name."""
    names: list[str] = []
    for item in tree.items:
        if isinstance(item, GlobItem):
            paths = sorted(root.glob(f"{item}.md"))
            names += [path.relative_to(root).with_suffix("").as_posix() for path in paths]
        elif isinstance(item, FileItem):
            names.append(str(item))
    return names


def _add(
    site: SiteMap,
    name: str,
    chapter: tuple[int, ...],
    found: dict[str, tuple[int, ...]],
    root: Path,
) -> None:
    docname = str(PurePosixPath(name).with_suffix("")) if name.endswith(".md") else name
    found[docname] = chapter
    for tree in site[name].subtrees if name in site else []:
        for item in _files(tree, root):
            _add(site, item, chapter, found, root)


def line_of(path: Path, text: str) -> int:
    """The first line of a file that contains ``text``, 1 if none does."""
    lines = path.read_text("utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if text in line), 1)
