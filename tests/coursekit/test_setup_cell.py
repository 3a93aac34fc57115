"""The set-up cell: one URL, quoted, harmless outside Colab, and the only installation anywhere."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from coursekit.project import Project
from coursekit.setup_cell import is_setup, setup_cell

PROJECT = Project.find(Path(__file__))
NOTEBOOKS = sorted(
    path
    for room in ("book", "solutions", "exercises")
    for path in (PROJECT.root / room).glob("*.*")
    if path.suffix in (".md", ".ipynb")
)


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_short_python_with_the_one_url_of_the_configuration() -> None:
    cell = setup_cell(PROJECT.repository_url())
    ast.parse(cell.source)
    assert len(cell.source.splitlines()) <= 20
    assert all(len(line) <= 100 for line in cell.source.splitlines())
    urls = re.findall(r"https?://[^\s\"']+", cell.source)
    assert urls == [PROJECT.config()["repository"]["url"]]
    assert f'"genbook @ git+{urls[0]}"' in cell.source


def test_outside_colab_it_does_nothing(tmp_path: Path) -> None:
    code = "import subprocess\nsubprocess.run = None\n" + setup_cell("https://nowhere/x").source
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == result.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_in_colab_it_installs_under_the_constraints_of_what_is_there(tmp_path: Path) -> None:
    """pip is replaced by a recorder; the real installation is tried in tests/test_colab.py."""
    code = (
        "import importlib.util, subprocess\n"
        "importlib.util.find_spec = lambda name: None\n"
        "subprocess.run = lambda command, check: print(check, *command, sep='\\n')\n"
    ) + setup_cell("https://host/owner/name").source
    result = run(code, tmp_path, COLAB_RELEASE_TAG="release")
    assert result.returncode == 0, result.stderr
    check, python, *arguments = result.stdout.splitlines()
    assert (check, python) == ("True", sys.executable)
    assert arguments[-1] == "genbook @ git+https://host/owner/name"
    constraints = (tmp_path / arguments[arguments.index("--constraint") + 1]).read_text()
    assert re.fullmatch(r"torch==\S+\nnumpy==\S+\n", constraints)


def test_run_again_in_colab_it_installs_nothing(tmp_path: Path) -> None:
    code = "import subprocess\nsubprocess.run = None\n" + setup_cell("https://nowhere/x").source
    assert run(code, tmp_path, COLAB_RELEASE_TAG="release").returncode == 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_other_cell_or_text_of_the_book_installs_anything(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        first = next(cell for cell in cells if cell.cell_type == "code")
        assert is_setup(first)
        assert first.source == setup_cell(PROJECT.repository_url()).source
        assert sum(map(is_setup, cells)) == 1
        text = "\n".join(cell.source for cell in cells if not is_setup(cell))
    assert not re.search(r"\b(pip3?|conda|mamba|uv)\s+(pip\s+)?install\b", text)
