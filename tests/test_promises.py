"""What the pages about the book promise is what the machine prints."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


def printed() -> str:
    """All that the stored notebooks have printed."""
    cells = (
        cell
        for room in ("book", "solutions")
        for path in sorted((ROOT / room).glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
    )
    return "\n".join(out.get("text", "") for cell in cells for out in cell.get("outputs", ()))


def test_the_lines_that_how_to_read_explains_are_printed() -> None:
    said = printed()
    shown = FENCE.findall((ROOT / "book" / "how_to_read.md").read_text(encoding="utf-8"))
    assert len(shown) >= 3
    assert [block for block in shown if block not in said] == []


def test_code_on_the_page_for_teachers_needs_no_scrolling() -> None:
    page = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > 88] == []


def test_students_have_the_packages_that_the_rules_name() -> None:
    page = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    said = re.search(r"> 6\. There are (.*?), and what\s", page, re.DOTALL)
    assert said is not None
    named = re.split(r", | and ", said[1].replace("\n> ", " "))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}  # type: ignore[index]
    assert {name.strip().lower() for name in named} == needed
