"""The digest changes with what can change an output, and with nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coursekit.dependencies import Reach, reach
from coursekit.digest import canonical, digest, without_docstrings

CELLS = [("from genbook import ddim\nprint(ddim.step(1))", ["hide-input"])]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {
        "__init__.py": '"""The package."""\n',
        "ddim.py": "from genbook.nn import UNet\n\n\ndef step(x):\n    return UNet + x\n",
        "nn/__init__.py": "from .unet import UNet\n",
        "nn/unet.py": '"""Net."""\nfrom genbook import weights\nUNet = weights.load("small")\n',
        "weights/__init__.py": "from pathlib import Path\n\nFOLDER = Path(__file__).parent\n\n\n"
        "def load(name):\n    return FOLDER / name\n",
        "weights/small.safetensors": "0123",
        "weights/small.json": "{}",
        "weights/other.safetensors": "4567",
        "other.py": "x = 1\n",
        "checks/__init__.py": "import importlib\n",
        "checks/ddim.py": "QUESTIONS = []\n",
        "checks/ddpm.py": "QUESTIONS = []\n",
    }
    for name, text in files.items():
        path = tmp_path / "genbook" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "genbook"


def modules(code: str, package: Path) -> set[str]:
    return reach([code], package, "ddim").loaded


def names(found: Reach) -> set[str]:
    """What is reached, as ``module:name``, without the package's own name."""
    return {f"{s.module}:{','.join(s.binds)}".removeprefix("genbook.") for s in found.keys}


def test_imports_are_followed_through_the_package(package: Path) -> None:
    found = modules("from genbook import ddim", package)
    expected = {"genbook", "genbook.ddim", "genbook.nn", "genbook.nn.unet", "genbook.weights"}
    assert found == expected
    assert modules("import genbook.other", package) == {"genbook", "genbook.other"}
    assert modules("def f():\n    from genbook import other", package) == {
        "genbook",
        "genbook.other",
    }
    assert modules("import torch, genbookish", package) == set()


def test_relative_imports_of_a_module_and_of_a_package(package: Path) -> None:
    (package / "nn" / "block.py").write_text("from .. import other\nfrom . import unet\n")
    found = modules("import genbook.nn.block", package)
    assert {"genbook.other", "genbook.nn.unet"} <= found


def test_the_registry_brings_the_questions_of_its_chapter_only(package: Path) -> None:
    found = modules("from genbook import checks", package)
    assert "genbook.checks.ddim" in found
    assert "genbook.checks.ddpm" not in found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ddim.py", "from genbook.nn import UNet\n\n\ndef step(x):\n    return UNet - x\n"),
        ("nn/unet.py", "from genbook import weights\nUNet = weights.load('small') + 1\n"),
        ("weights/small.safetensors", "0124"),
        ("weights/small.json", '{"seed": 1}'),
    ],
)
def test_what_the_outputs_depend_on_changes_the_digest(package: Path, name: str, text: str) -> None:
    before = digest(CELLS, package, "ddim")
    (package / name).write_text(text)
    assert digest(CELLS, package, "ddim") != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("other.py", "x = 2\n"),
        ("weights/other.safetensors", "89"),
        ("checks/ddpm.py", "QUESTIONS = [1]\n"),
        (
            "ddim.py",
            '"""Text."""\nfrom genbook.nn import UNet\n\n\ndef step(x):\n'
            '    """Doc."""\n    return UNet + x  # why\n',
        ),
    ],
)
def test_comments_docstrings_and_other_modules_do_not(package: Path, name: str, text: str) -> None:
    before = digest(CELLS, package, "ddim")
    (package / name).write_text(text)
    assert digest(CELLS, package, "ddim") == before


def test_code_order_and_tags_count(package: Path) -> None:
    two = [("a = 1", []), ("b = 2", [])]
    values = [
        digest(two, package, "ddim"),
        digest(two[::-1], package, "ddim"),
        digest([("a = 1\nb = 2", [])], package, "ddim"),
        digest([("a = 1", ["check-output"]), ("b = 2", [])], package, "ddim"),
    ]
    assert len(set(values)) == len(values)


def test_a_cell_that_is_no_python_is_refused(package: Path) -> None:
    with pytest.raises(SyntaxError):
        digest([("%matplotlib inline", [])], package, "ddim")


def test_canonical_text_tells_apart_what_differs() -> None:
    codes = [
        "x = 0",
        "x = None",
        "x = ''",
        "x = []",
        "f()",
        "f(0)",
        "def f(): ...",
        "def f(a): ...",
    ]
    assert len({canonical(ast.parse(code)) for code in codes}) == len(codes)
    documented = without_docstrings(ast.parse("def f():\n    'doc'"))
    assert canonical(documented) == "Module(body=[FunctionDef(name='f',args=arguments())])"
