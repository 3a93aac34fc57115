"""Which functions of a package run: what reading says is reached must contain what is executed."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from coursekit.dependencies import Reach


@contextmanager
def watching(folder: Path) -> Iterator[set[CodeType]]:
    """Collect the code of every function below ``folder`` that runs, but for imports.

    What runs while a module is imported is left out: its top level makes all that it defines,
    whether anybody uses it or not.
    """
    seen: set[CodeType] = set()
    importing: set[CodeType] = set()
    inside = f"{folder.resolve()}/"

    def called(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code in seen or not code.co_filename.startswith(inside):
            return
        if code.co_name == "<module>" or _within_import(frame, inside):
            importing.add(code)
        else:
            seen.add(code)

    threading.setprofile(called)
    sys.setprofile(called)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def _within_import(frame: FrameType, inside: str) -> bool:
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_code.co_name == "<module>" and outer.f_code.co_filename.startswith(inside):
            return True
        outer = outer.f_back
    return False


def unreached(seen: set[CodeType], found: Reach) -> list[str]:
    """The functions of ``seen`` that lie in no statement which ``found`` has reached."""
    lines: dict[str, list[range]] = {}
    for statement in found.keys:
        if statement.module:
            path = str(found.package.paths[statement.module].resolve())
            lines.setdefault(path, []).append(_lines(statement.node))
    return sorted(
        f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_qualname}"
        for code in seen
        if not any(code.co_firstlineno in part for part in lines.get(code.co_filename, ()))
    )


def _lines(node: ast.stmt) -> range:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return range(first, (node.end_lineno or first) + 1)


def main(root: str, name: str) -> None:
    """Run the cells of ``book/ddim`` or the like; print how many functions ran, what is missed."""
    import matplotlib
    from IPython.core.interactiveshell import InteractiveShell

    from coursekit.dependencies import reach
    from coursekit.source import read

    matplotlib.use("Agg")
    source = read(Path(root) / f"{name}.md")
    cells = [cell.text for cell in source.cells if cell.kind == "code"]
    package = Path(root) / "src" / "genbook"
    found = reach(cells, package, source.slug)
    shell = InteractiveShell.instance()
    with watching(package) as seen:
        results = [shell.run_cell(cell, store_history=False) for cell in cells]
    assert all(result.success for result in results)
    print(f"\n{len(seen)} {'; '.join(unreached(seen, found))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
