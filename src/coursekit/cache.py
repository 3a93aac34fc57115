"""Stored outputs → Jupyter Book's execution cache, so that building the site executes nothing.

jupyter-cache finds an execution by a hash of the kernelspec and of the code cells with their
metadata, as MyST-NB reads them from the text. So the text is read here exactly as MyST-NB does, and
given the outputs of the derived notebook.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbformat import NotebookNode

from coursekit import folding
from coursekit.derive import digest_of, stored, stored_digest, unexecuted
from coursekit.hand_cell import is_hand
from coursekit.outputs import code_cells
from coursekit.project import Project
from coursekit.setup_cell import is_setup
from coursekit.source import EXTENSIONS, read

FOLDER = Path("_build") / ".jupyter_cache"


def fill(project: Project) -> list[str]:
    """Put the outputs of all derived notebooks into the cache.

    Returns:
        The sources that have no current outputs, relative to the root: the build of the site
        executes these.
    """
    cache = get_cache(str(project.root / FOLDER))
    missing = []
    for slug in project.slugs():
        for room, source in project.sources(slug).items():
            notebook = _as_myst_reads(source)
            old = stored(project.notebook(room, slug))
            current = old is not None and stored_digest(old) == digest_of(project, read(source))
            if old is not None and current and _give_outputs(old, notebook):
                bundle = CacheBundleIn(notebook, str(source))
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            else:
                missing.append(project.relative(source))
                # An older execution of the same cells, with another version of the package.
                with suppress(KeyError):
                    cache.remove_cache(cache.match_cache_notebook(notebook).pk)
    return missing


def _as_myst_reads(source: Path) -> NotebookNode:
    config = MdParserConfig(enable_extensions=set(EXTENSIONS))
    text = source.read_text(encoding="utf-8")
    return read_myst_markdown_notebook(text, config, add_source_map=True, path=source)


def _give_outputs(old: NotebookNode, notebook: NotebookNode) -> bool:
    """Copy the outputs of ``old`` to ``notebook``, if both have the same code."""
    cells = code_cells(notebook)
    done = [cell for cell in code_cells(old) if not (is_setup(cell) or is_hand(cell))]
    if unexecuted(old) or [cell.source for cell in cells] != list(map(folding.code, done)):
        return False
    for count, (cell, before) in enumerate(zip(cells, done, strict=True), 1):
        cell.outputs = before.outputs
        cell.execution_count = count
    return True
