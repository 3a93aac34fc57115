"""CPU seconds: whose they are, in one process and in many, and what they say of a whole book."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit import spent

ROOT = Path(__file__).parents[2]
BURN = "import time\n\ndef burn(seconds):\n    end = time.process_time() + seconds\n"
BURN += "    while time.process_time() < end:\n        pass\n\n"


@pytest.mark.parametrize(
    ("nodeid", "slug"),
    [
        ("tests/test_ddim.py::test_step", "ddim"),
        ("tests/test_ddim.py::test_other[ddpm]", "ddim"),
        ("tests/test_checks.py::test_all[ddpm.step-3]", "ddpm"),
        ("tests/test_checks.py::test_all[endless tensors-ddpm.step]", "ddpm"),
        ("tests/test_repository.py::test_rooms[ddim]", "ddim"),
        ("book/ddpm.ipynb::Cell 3", "ddpm"),
        ("solutions/ddim.ipynb::Cell 0", "ddim"),
        ("tests/test_nn.py::test_all[small-ddim]", None),
        ("tests/test_nn.py::test_ddim", None),
        ("tests/test_ddims.py::test", None),
    ],
)
def test_a_test_belongs_to_a_chapter(nodeid: str, slug: str | None) -> None:
    assert spent.slug_of(nodeid, ["ddim", "ddpm"]) == slug


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of two chapters whose tests take half a second, 0.1 s and, shared, 0.3 s."""
    for slug in ("one", "two"):
        (tmp_path / "solutions").mkdir(exist_ok=True)
        (tmp_path / "solutions" / f"{slug}.md").write_text("")
    files = {
        "_toc.yml": "root: book/intro\n",
        "conftest.py": "pytest_plugins = ['coursekit.spent']\n",
        "test_one.py": BURN + "def test():\n    burn(0.5)\n",
        "test_all.py": BURN + "import pytest, subprocess, sys\n\n"
        "@pytest.mark.parametrize('slug', ['one', 'two'])\ndef test(slug):\n    burn(0.1)\n\n"
        "def test_child():\n    code = 'import time\\nwhile time.process_time() < 0.3: pass'\n"
        "    subprocess.run([sys.executable, '-c', code])\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def session(book: Path, *options: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seconds(output: str) -> dict[str, float]:
    lines = output.partition("CPU seconds =")[2].splitlines()[1:]
    rows = [line.split() for line in lines if len(line.split()) == 2]
    return {name: float(value) for name, value in rows if name.isidentifier()}


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "loadfile")], ids=["one", "two"])
def test_seconds_go_to_their_chapter(book: Path, options: tuple[str, ...]) -> None:
    found = seconds(session(book, *options))
    assert 0.6 <= found["one"] < 1.2  # its file, and its share of the tests of all
    assert 0.1 <= found["two"] < 0.5
    assert found["shared"] >= 0.3  # the child's, imports
    assert found["all"] == pytest.approx(sum(found.values()) - found["all"], abs=0.15)


def test_chosen_chapters_leave_out_the_others_and_keep_what_is_shared(book: Path) -> None:
    output = session(book, "--chapters=two", "-vv")
    assert "test_one.py" not in output
    assert "test[two]" in output and "test[one]" not in output
    assert "test_child" in output
    nobody = session(book, "--chapters=", "-vv")
    assert "test_child" in nobody and "test[two]" not in nobody


def test_kept_seconds_of_all_parts_tell_what_ci_will_cost(book: Path) -> None:
    spent.keep(book, "lint", {"shared": 40.0})
    spent.keep(book, "site", {"shared": 60.0})
    spent.keep(book, "nbval", {"one": 100.0, "two": 80.0, "shared": 20.0})
    output = session(book, "--seconds-of=tests")
    stored = json.loads((book / "_build" / "cpu_seconds.json").read_text())
    assert set(stored) == {"lint", "nbval", "site", "tests"}
    assert stored["tests"]["one"] >= 0.6
    assert "CI for 2 chapters:" in output and "for 21 chapters:" in output


def test_the_extrapolation_is_the_sum_of_what_grows_and_what_does_not() -> None:
    parts = {
        "lint": {"shared": 60.0},
        "site": {"shared": 120.0},
        "tests": {"one": 100.0, "two": 60.0, "shared": 240.0},
    }
    now, later = spent.extrapolation(parts, ["one", "two"])[1:]
    # A chapter: 60 s of the site, 80 s of tests. Tests run on both cores.
    assert now == (
        "for  2 chapters: shared 300 + 2 × 140 = 580 CPU seconds, 6 minutes on 2 cores"
    )  # 60 + 120 + 400/2 = 380 s
    assert later == (
        "for 21 chapters: shared 300 + 21 × 140 = 3240 CPU seconds, 38 minutes on 2 cores"
    )  # 60 + 1260 + 1920/2 = 2280 s


def test_a_command_that_is_no_test_is_measured_too(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(book)
    code = "import time\nwhile time.process_time() < 0.3: pass\nraise SystemExit(3)"
    assert spent.main("site", sys.executable, "-c", code) == 3
    stored = json.loads((book / "_build" / "cpu_seconds.json").read_text())
    assert stored["site"]["shared"] >= 0.3
