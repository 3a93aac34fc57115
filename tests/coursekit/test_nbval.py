"""The canaries: each notebook with a planted mistake turns ``pytest --nbval`` red."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from coursekit import folding
from coursekit.project import Project

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CANARIES = ROOT / "tests" / "canaries"


def nbval(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """``pytest --nbval`` in the root of the tree, as `make nbval` calls it."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "--color=no", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_good_notebook_is_green() -> None:
    result = nbval(CANARIES / "good.ipynb")
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wrong_output", "Cell outputs differ"),
        ("missing_output", "Cell outputs differ"),
        ("exception", "ZeroDivisionError"),
        ("unexecuted", "this cell was never executed"),
    ],
)
def test_a_planted_mistake_is_red(name: str, reason: str) -> None:
    result = nbval(CANARIES / f"{name}.ipynb")
    assert result.returncode == 1
    assert reason in result.stdout
    assert "1 passed" in result.stdout  # the good cell before the mistake


def test_every_canary_is_tried_here() -> None:
    tried = {"good", "wrong_output", "missing_output", "exception", "unexecuted"}
    assert {path.stem for path in CANARIES.glob("*.ipynb")} == tried


def test_canaries_are_not_collected_with_the_rest() -> None:
    result = nbval("--collect-only", "tests/canaries")
    assert "no tests collected" in result.stdout


def test_the_derived_notebooks_pass_in_two_processes_and_a_change_is_seen(done: Project) -> None:
    paths = [done.notebook(room, "toy") for room in ("book", "solutions")]
    good = nbval("-n", "2", "--dist", "loadfile", *paths)
    assert good.returncode == 0, good.stdout
    notebook = nbformat.read(paths[0], as_version=4)
    (cell,) = [cell for cell in notebook.cells if folding.is_folded(cell)]
    cell.outputs[0].text = "eq-toy-double ✓ numeric\n"
    nbformat.write(notebook, paths[0])
    bad = nbval("-n", "2", "--dist", "loadfile", *paths)
    assert bad.returncode == 1
    assert "1 failed" in bad.stdout
