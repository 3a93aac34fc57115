"""What the notebooks of a sheet import, found out without importing anything.

The zygote imports it once for the class. Whoever imports more pays for that himself, in his own
kernel: it is there, and takes its time.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import suppress

from coursekit.project import Project

__all__ = ["imported"]

_OPTIMIZERS = "torch._dynamo"  # what the first optimizer of a process imports, in a second


def imported(project: Project, slug: str) -> tuple[str, ...]:
    """Names that are modules, or may be: of ``from a import b`` both ``a`` and ``a.b``.

    Nothing of a sheet that is not there: who uses it will say so.
    """
    try:
        notebook = json.loads(project.notebook("solutions", slug).read_text(encoding="utf-8"))
    except OSError:
        return ()
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    found = {name for source in cells for name in _names(source)}
    if any("optim" in source for source in cells):
        found.add(_OPTIMIZERS)
    return tuple(sorted(found))


def _names(source: str) -> Iterator[str]:
    with suppress(SyntaxError):  # a cell of Colab's own
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                yield from (item.name for item in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{item.name}" for item in node.names)
