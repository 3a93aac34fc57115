"""A notebook by itself, as Colab meets it: a fresh environment, an empty folder, the set-up cell.

The environment holds only what Colab has and the book must not touch (torch, numpy, matplotlib,
scikit-learn, ipywidgets 7, ipykernel). The set-up cell's URL is pointed to a clone of this
repository, so that what is committed is what is tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from coursekit.affected import affected
from coursekit.project import Project
from coursekit.setup_cell import is_setup

pytestmark = pytest.mark.slow

PROJECT = Project.find(Path(__file__))
PACKAGES = ["numpy", "matplotlib", "scikit-learn", "ipywidgets<8", "ipykernel"]


def notebooks(wanted: str) -> list[str]:
    """Both notebooks of every chapter (``all``), or of those changed since a commit; else three."""
    slugs: list[str] = []
    if wanted:
        slugs = PROJECT.slugs() if wanted == "all" else affected(PROJECT, wanted).slugs
    rooms = [PROJECT.notebook(room, slug) for slug in slugs for room in ("book", "exercises")]
    chosen = [f"{path.parent.name}/{path.stem}" for path in rooms if path.is_file()]
    return chosen or ["book/ddim", "exercises/ddim", "book/ddpm"]


# Runs in the fresh environment's kernel before and after the notebook.
VERSIONS = """
from importlib import metadata
names = ["torch", "numpy", "matplotlib", "scikit-learn", "ipywidgets"]
print("VERSIONS", {name: metadata.version(name) for name in names})
"""


def call(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed."""
    if not (PROJECT.root / ".git").exists():
        pytest.skip("no git repository: the set-up cell has nothing to clone")
    folder = tmp_path_factory.mktemp("clone") / "book"
    call("git", "clone", "--quiet", "--no-local", PROJECT.root, folder)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the torch of this one, installed first, and a kernel ``colab``."""
    folder = tmp_path_factory.mktemp("colab")
    call(sys.executable, "-m", "venv", folder)
    pip = [folder / "bin" / "python", "-m", "pip"]
    # Colab's pip is newer than the one a new environment of an older Python begins with.
    call(*pip, "install", "-q", "pip>=24.1")
    try:
        call(*pip, "install", "-q", f"torch=={torch.__version__}")
    except AssertionError:  # a build with a label ("+cpu") that the default index does not carry
        index = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
        call(*pip, "install", "-q", f"torch=={torch.__version__}", "--index-url", index)
    call(*pip, "install", "-q", *PACKAGES)
    call(pip[0], "-m", "ipykernel", "install", "--prefix", folder, "--name", "colab")
    return folder


@pytest.fixture
def colab(environment: Path) -> Path:
    """The environment without the book, whatever an earlier notebook has installed."""
    call(environment / "bin" / "python", "-m", "pip", "uninstall", "-q", "-y", "genbook")
    return environment


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", notebooks(os.environ.get("COLAB", "")))
def test_a_notebook_runs_alone_and_leaves_torch_and_numpy(
    name: str, clone: Path, colab: Path, tmp_path: Path
) -> None:
    notebook = nbformat.read(PROJECT.root / f"{name}.ipynb", as_version=4)
    (setup,) = (cell for cell in notebook.cells if is_setup(cell))
    url = PROJECT.repository_url()
    assert setup.source.count(url) == 1
    setup.source = setup.source.replace(url, f"file://{clone}")
    before, after = (nbformat.v4.new_code_cell(VERSIONS) for _ in range(2))
    notebook.cells = [before, *notebook.cells, after]

    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "alone.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    run(tmp_path / "alone.ipynb", folder, colab, errors=name.startswith("exercises"))

    done = nbformat.read(tmp_path / "alone.ipynb", as_version=4)
    cells = [cell for cell in done.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    versions = [printed(cells[i]).strip().splitlines()[-1] for i in (0, -1)]
    assert versions[0] == versions[1]
    assert "'ipywidgets': '7." in versions[0]
    errors = [out.ename for cell in cells for out in cell.outputs if out.output_type == "error"]
    assert set(errors) <= ({"NotImplementedError"} if name.startswith("exercises") else set())
    for cell, original in zip(cells[1:-1], _code(name), strict=True):
        if "nbval-check-output" in cell.metadata.tags and not name.startswith("exercises"):
            assert printed(cell) == printed(original)


def _code(name: str) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(PROJECT.root / f"{name}.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(
        out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout"
    )


def run(path: Path, folder: Path, prefix: Path, errors: bool) -> None:
    """Execute ``path`` in place, in ``folder``, with the kernel of the fresh environment."""
    code = (
        "import nbformat, sys\n"
        "from nbclient import NotebookClient\n"
        "path, folder, errors = sys.argv[1:]\n"
        "notebook = nbformat.read(path, as_version=4)\n"
        "client = NotebookClient(notebook, kernel_name='colab', timeout=900,\n"
        "    allow_errors=errors == 'True', resources={'metadata': {'path': folder}})\n"
        "client.execute()\n"
        "nbformat.write(notebook, path)\n"
    )
    environment = {
        "JUPYTER_PATH": str(prefix / "share" / "jupyter"),
        "COLAB_RELEASE_TAG": "release-colab",
        "PYTHONPATH": "",
    }
    call(sys.executable, "-c", code, path, folder, str(errors), **environment)
