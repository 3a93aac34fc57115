"""Fixtures around the toy book; it is executed once in a session and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import toy
from typer.testing import CliRunner

from coursekit import exercises
from coursekit.cli import app
from coursekit.project import Project


@pytest.fixture(autouse=True)
def _toy_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    real = exercises.registry
    monkeypatch.setattr(
        exercises, "registry", lambda slug: toy.QUESTIONS if slug == "toy" else real(slug)
    )


@pytest.fixture
def book(tmp_path: Path) -> Project:
    """The toy book, nothing derived yet."""
    return Project(toy.write(tmp_path / "book"))


@pytest.fixture(scope="session")
def _executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = toy.write(tmp_path_factory.mktemp("executed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exercises, "registry", lambda slug: toy.QUESTIONS)
        result = CliRunner().invoke(app, ["notebooks", "--root", str(root)])
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def done(_executed: Path, tmp_path: Path) -> Project:
    """The toy book with all its notebooks executed."""
    return Project(Path(shutil.copytree(_executed, tmp_path / "done")))


@pytest.fixture
def run() -> toy.Run:
    """Call ``coursekit`` in this process: ``run(project, "notebooks", "--check")``."""

    def invoke(project: Project, *arguments: str) -> toy.Result:
        return CliRunner().invoke(app, [*arguments, "--root", str(project.root)])

    return invoke
