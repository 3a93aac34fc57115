"""The time to read: what counts, and what is folded and does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coursekit import reading
from coursekit.project import Project

PROJECT = Project.find(Path(__file__))


def minutes(tmp_path: Path, text: str) -> int:
    (tmp_path / "page.md").write_text(text)
    return reading.minutes(tmp_path / "page.md")


PLOT = (
    "```{code-cell} ipython3\n---\nmystnb: {figure: {name: f}}\ntags: [hide-input]\n---\n1\n```\n\n"
)
CODE = "\n".join(f"x{n} = {n}" for n in range(40))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("word " * 180, 1),
        ("word " * 900, 5),
        ("$$\nabcde fghij\n$$ (eq-a-b)\n\n" * 12, 1),  # five seconds each
        ("$$\nx\n$$\n\n" * 30, 2),  # four seconds are the least
        ("see $abcd$ \n\n" * 240, 6),  # a word and four symbols: 1 1/3 s
        (f"```{{code-cell}} ipython3\n{CODE}\n```", 2),
        (f"```python\n{CODE}\n```", 2),
        (f"```{{code-cell}} ipython3\n:tags: [hide-input]\n{CODE}\n```", 1),
        (f'```{{code-cell}} ipython3\n{CODE}\nverify.close("eq-a-b", x1, x2)\n```', 1),
        ("```{figure} a.png\nA caption.\n```\n\n" * 8, 3),  # 15 s, and two words of caption
        (PLOT * 8, 2),
        ("```{explorable} bells\nTurn it.\n```\n\n" * 3, 4),
        (":::{admonition} Stop\n" + "word " * 540 + "\n:::", 3),
    ],
)  # fmt: skip
def test_what_counts(tmp_path: Path, text: str, expected: int) -> None:
    assert minutes(tmp_path, text) == expected


LONG = "word " * 540 + "\n\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"## Beside the road. A\n\n{LONG}", 1),
        (f"## Beside the road. A\n\n{LONG}### B\n\n{LONG}## C\n\n{LONG}", 3),
        (f"### Beside the road. A\n\n{LONG}## C\n\n{LONG}", 3),
        (f"## Beside the road. A\n\n```{{code-cell}} ipython3\n{CODE}\n```\n\n{LONG}", 1),
        (f"## Not beside the road\n\n{LONG}", 4),
    ],
)
def test_what_is_beside_the_road_does_not_count(tmp_path: Path, text: str, expected: int) -> None:
    assert minutes(tmp_path, text) == expected


def test_an_included_object_counts_by_its_lines(tmp_path: Path) -> None:
    body = "".join(f"        x = {n}\n" for n in range(39))
    (tmp_path / "code.py").write_text(f"class A:\n    def f():\n{body}\n\ny = 1\n" + "z = 2\n" * 60)
    include = "```{literalinclude} code.py\n:pyobject: A.f\n```"
    assert minutes(tmp_path, include) == 2
    assert minutes(tmp_path, "```{literalinclude} code.py\n```") == 6


def test_how_to_read_tells_the_rule() -> None:
    text = (PROJECT.root / "book" / "how_to_read.md").read_text("utf-8")
    assert (reading.PROSE, reading.DISPLAYED, reading.INLINE) == (1 / 3, 1 / 2, 1 / 4)
    assert (reading.CODE, reading.FIGURE) == (3, 15)
    for rule in ("180 words", "half a second", "a quarter", "three seconds", "15 seconds"):
        assert rule in text


@pytest.mark.parametrize("slug", PROJECT.chapters())
def test_steps_have_headings_of_one_form(slug: str) -> None:
    """``## Step 1. Forward: fade a little``, numbered from 1 without a gap."""
    lines = PROJECT.chapter(slug).read_text("utf-8").splitlines()
    steps = [line for line in lines if re.match(r"#+ *Step\b", line)]
    numbers = [re.fullmatch(r"## Step (\d+)\. \S.*", line) for line in steps]
    assert [int(found[1]) if found else 0 for found in numbers] == list(range(1, len(steps) + 1))
