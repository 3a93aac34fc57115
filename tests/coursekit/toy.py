"""A toy book with one chapter, which the tests of coursekit derive, break and build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]
"""The fixture ``run``: ``run(project, "notebooks", "--check")``."""

HEADER = """\
---
file_format: mystnb
kernelspec: {display_name: Python 3, language: python, name: python3}
genbook:
  kind: KIND
---
"""

CHAPTER = (
    HEADER.replace("KIND", "chapter")
    + """
# Toy

Words before.

$$
y = 2 x
$$ (eq-toy-double)

```{code-cell} ipython3
class verify:
    @staticmethod
    def identity(label, lhs, rhs):
        assert lhs == rhs
        print(label, "✓ symbolic")
```

```{code-cell} ipython3
verify.identity("eq-toy-double", 2 * 3, 6)
```

```{code-cell} ipython3
:tags: [hide-input]

import matplotlib.pyplot as plt

plt.plot([0, 1, 4])
plt.show()
```
"""
)

SHEET = (
    HEADER.replace("KIND", "sheet")
    + """
# Exercises: toy

```{code-cell} ipython3
def check(question, answer):
    try:
        right = answer(2) == 4
    except NotImplementedError:
        right = False
    print(question, "1/1" if right else "0/1")
```

## Question 1 · Twice (2 points)

Double it.

```{code-cell} ipython3
:tags: [answer]
:question: toy.double

def double(x):
    \"\"\"Return twice x.\"\"\"
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```

```{code-cell} ipython3
check("toy.double", double)
### BEGIN HIDDEN TESTS
assert double(5) == 10
### END HIDDEN TESTS
```

## Question 2 · Repair (1 point)

This code has a mistake.

```{code-cell} ipython3
:tags: [answer]
:question: toy.square

def square(x):
    ### BEGIN GIVEN
    # # is this right?
    # return x + x + 1
    ### END GIVEN
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION
```

```{code-cell} ipython3
check("toy.square", square)
```

## Question 3 · Explain (3 points)

Why?

```{admonition} Solution
:class: dropdown

**Your answer**

Because twice is twice.
```
"""
)


@dataclass(frozen=True)
class Question:
    """As much of a registry entry as the derivation reads."""

    id: str
    points: int
    name: str
    manual: bool = False
    training: object | None = None


QUESTIONS = [
    Question("toy.double", 2, "double"),
    Question("toy.square", 1, "square"),
    Question("toy.why", 3, "why", manual=True),
]

FILES = {
    "_toc.yml": """\
format: jb-book
root: book/intro
parts:
  - caption: Part
    numbered: true
    chapters:
      - file: book/toy
        sections:
          - file: solutions/toy
""",
    "_config.yml": """\
title: Toy
only_build_toc_files: true
exclude_patterns: ["**/*.ipynb"]
execute: {execute_notebooks: cache, timeout: 60}
repository: {url: "https://github.com/nobody/toy", branch: main}
parse:
  myst_enable_extensions: [amsmath, colon_fence, deflist, dollarmath, tasklist]
sphinx:
  extra_extensions: [sphinx_proof]
  config: {numfig: true, math_numfig: true, numfig_secnum_depth: 1}
""",
    "book/intro.md": "# Front page\n",
    "book/toy.md": CHAPTER,
    "solutions/toy.md": SHEET,
}


def write(root: Path) -> Path:
    """Write the toy book below ``root``."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def edit(path: Path, old: str, new: str) -> None:
    """Replace one place of a file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{text.count(old)} places in {path.name} have {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def snapshot(root: Path) -> dict[str, bytes]:
    """Every derived file below ``root`` with its bytes."""
    derived = [*root.rglob("*.ipynb"), *root.rglob("*.json")]
    return {str(path.relative_to(root)): path.read_bytes() for path in derived}
