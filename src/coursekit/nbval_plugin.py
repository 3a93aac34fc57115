"""What nbval lets pass and the book does not, and the reverse.

It compares SVG, which is a picture like PNG: other fonts and versions draw it a little differently.

nbval runs a stored cell without an execution count but compares nothing, so a notebook that lost
its outputs would be green. Loaded by the ``conftest.py`` at the root.
"""

from __future__ import annotations

from typing import Any

import pytest

_SVG = "image/svg+xml"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail an unexecuted code cell of a derived notebook.

    Exercises carry no digest: they are stored without outputs, and run by their own test.
    """
    parent: Any = item.parent
    cell, notebook = getattr(item, "cell", None), getattr(parent, "nb", None)
    if cell is None or notebook is None:
        return
    if _SVG not in parent.skip_compare:
        parent.skip_compare += (_SVG,)
    derived = "digest" in notebook.metadata.get("genbook", {})
    if derived and cell.execution_count is None:
        pytest.fail("this cell was never executed: run coursekit notebooks", pytrace=False)
