"""The set-up cell of every derived notebook: installs the book in Colab, does nothing elsewhere."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode

TAG = "genbook-setup"
ID = "setup"

_SOURCE = """\
# Set-up. In Colab this installs the book's package and keeps the torch and numpy that are there.
# Anywhere else it does nothing: install the book once, as its README says.
import importlib.metadata
import importlib.util
import os
import pathlib
import subprocess
import sys

in_colab = "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules
if in_colab and importlib.util.find_spec("genbook") is None:
    installed = {{name: importlib.metadata.version(name) for name in ("torch", "numpy")}}
    keep = pathlib.Path("keep.txt")
    keep.write_text("".join(f"{{name}}=={{version}}\\n" for name, version in installed.items()))
    book = "genbook @ git+{url}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(keep), book]
    subprocess.run(pip, check=True)
    importlib.invalidate_caches()"""


def setup_cell(repository_url: str) -> NotebookNode:
    """The first code cell of a derived notebook.

    Args:
        repository_url: ``repository.url`` of ``_config.yml``; pip clones it in Colab.

    Returns:
        A code cell with id ``setup`` and the tag ``genbook-setup``.
    """
    cell = nbformat.v4.new_code_cell(_SOURCE.format(url=repository_url))
    cell.id = ID
    cell.metadata = nbformat.from_dict({"tags": [TAG, "nbval-ignore-output"]})
    return cell


def is_setup(cell: NotebookNode) -> bool:
    """Whether ``cell`` is the generated set-up cell."""
    return TAG in cell.metadata.get("tags", [])
