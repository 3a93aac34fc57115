"""No claim without a check, no check without a claim, and no formula changed under its check."""

from __future__ import annotations

import json

import pytest
import toy

from coursekit import claims
from coursekit.project import Project
from coursekit.source import SourceError, read

CHECK = 'verify.identity("eq-toy-double", 2 * 3, 6)'


def test_labels_of_every_form_are_found_with_their_lines(book: Project) -> None:
    path = book.chapter("toy")
    toy.edit(
        path,
        "Words before.",
        """Words before.

```{math}
:label: eq-toy-fenced

a = b
```

::::{admonition} Nested

:::{math}
:label: def-toy-nested

c = d
:::
::::

- In a list

  $$
  e = f
  $$ (eq-toy-listed)

```{prf:observation} Headline
:label: claim-toy-speed

It is fast, with $$g = h$$ unlabelled.
```

```{prf:theorem} Name
:label: thm-toy

Not a claim by itself.
```
""",
    )
    found = {label.name: label for label in claims.labels(read(path))}
    assert set(found) == {
        "eq-toy-fenced",
        "def-toy-nested",
        "eq-toy-listed",
        "claim-toy-speed",
        "eq-toy-double",
    }
    lines = path.read_text().splitlines()
    assert lines[found["eq-toy-fenced"].line - 1] == "```{math}"
    assert lines[found["def-toy-nested"].line - 1] == ":::{math}"
    assert found["eq-toy-fenced"].latex == "a = b"


def test_a_label_of_another_form_is_refused(book: Project) -> None:
    toy.edit(book.chapter("toy"), "$$ (eq-toy-double)", "$$ (eq-other-double)")
    with pytest.raises(SourceError, match="must begin with one of def-toy-, eq-toy-, claim-toy-"):
        claims.labels(read(book.chapter("toy")))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (CHECK, "print(1)", ["'eq-toy-double' has no check"]),
        ("$$ (eq-toy-double)", "$$", ["'eq-toy-double', which is no label"]),
        ("$$ (eq-toy-double)", "$$ (def-toy-double)", ["'eq-toy-double', which is no label"]),
    ],
)
def test_claims_and_checks_must_match(
    book: Project, old: str, new: str, expected: list[str]
) -> None:
    toy.edit(book.chapter("toy"), old, new)
    problems = [str(problem) for problem in claims.unmatched(read(book.chapter("toy")))]
    assert len(problems) == len(expected)
    assert all(text in problem for text, problem in zip(expected, problems, strict=True))


def test_a_label_must_be_written_out(book: Project) -> None:
    toy.edit(book.chapter("toy"), CHECK, 'verify.identity("eq-toy-" + "double", 6, 6)')
    with pytest.raises(SourceError, match="written out as a string"):
        claims.checks(read(book.chapter("toy")))


def test_a_formula_changed_under_its_check_is_refused_until_confirmed(
    done: Project, run: toy.Run
) -> None:
    before = toy.snapshot(done.root)
    toy.edit(done.chapter("toy"), "y = 2 x", "y = 3 x")
    refused = run(done, "notebooks")
    assert refused.exit_code == 2
    assert "'eq-toy-double' changed but its check did not" in refused.stderr
    assert "toy.md:12" in refused.stderr
    assert toy.snapshot(done.root) == before
    assert run(done, "notebooks", "--check").exit_code == 1

    confirmed = run(done, "notebooks", "--confirm", "eq-toy-double")
    assert confirmed.exit_code == 0, confirmed.output
    assert run(done, "notebooks", "--check").exit_code == 0


def test_a_check_that_changed_too_and_spaces_that_changed_are_accepted(done: Project) -> None:
    path = done.chapter("toy")
    toy.edit(path, "y = 2 x", "y  =  2 x")
    claims.refuse_unconfirmed(done.root, read(path))
    toy.edit(path, "y  =  2 x", "y = 3 x")
    toy.edit(path, CHECK, CHECK + "  # a comment is no change")
    with pytest.raises(SourceError, match="changed but its check did not"):
        claims.refuse_unconfirmed(done.root, read(path))
    toy.edit(path, "2 * 3, 6", "3 * 3, 9")
    claims.refuse_unconfirmed(done.root, read(path))


def test_removed_chapters_leave_claims_json(done: Project) -> None:
    text = claims.updated(done.root, [], ["another"])
    assert json.loads(text) == {}


def test_the_ledger_says_what_was_checked_where_and_what_it_printed(done: Project) -> None:
    (entry,) = claims.ledger(done.root)
    assert entry == claims.Entry(
        label="eq-toy-double",
        method="symbolic identity",
        slug="toy",
        path="book/toy.md",
        title="Toy",
        number="1.1",
        latex="y = 2 x",
        printed=("eq-toy-double ✓ symbolic",),
        url="book/toy.html#equation-eq-toy-double",
    )
