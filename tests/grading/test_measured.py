"""What is measured in the kernel is measured with what was there before the student's code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from corpus_cheats_measured import MEASURED
from corpus_entry import full
from test_corpus import differences

from coursekit.grading.jail import sandbox
from coursekit.grading.jail.kernel import Limits
from coursekit.grading.run import grade


@pytest.mark.slow
def test_every_score_is_fair(tmp_path: Path) -> None:
    if sandbox.detect() == "none":
        pytest.skip("no sandbox works here")
    names = [name for name in os.environ.get("CORPUS", "").split(",") if name]
    entries = [entry for entry in MEASURED if not names or entry.name in names]
    (tmp_path / "submissions").mkdir()
    for entry in entries:
        path = tmp_path / "submissions" / f"{entry.name}.ipynb"
        path.write_bytes(entry.make(full("objects")))
    rows = grade(
        tmp_path / "submissions",
        "objects",
        tmp_path / "out",
        seed="measured",
        limits=Limits(cell_s=10, question_s=10, notebook_s=60),
    )
    unfair = differences(entries, rows)
    assert not unfair, "\n".join(unfair)
