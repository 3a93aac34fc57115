"""No claim without a check, no check without a claim, and no formula changed under its check."""

from __future__ import annotations

import json

import nbformat
import pytest
import toy

from coursekit import claims, printed
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


TWO = """
```{code-cell} ipython3
import sympy as sp
a, b, c = sp.symbols("a b c", positive=True)
left = (a + b) ** 2
right = a**2 + 2 * a * b + b**2
verify.identity("eq-toy-square", left, right)
verify.identity("eq-toy-other", sp.Derivative(c**2, c), 2 * c)
```

$$
(a + b)^2 = a^2 + 2ab + b^2
$$ (eq-toy-square)

$$
\\partial c^2 = 2 c
$$ (eq-toy-other)
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ('"a b c"', '"a b gamma"', {"eq-toy-other"}),
        ("2 * c)", "2 * c * 1)", {"eq-toy-other"}),
        ("import sympy as sp", "import sympy as sp\nunused = 3", set()),
        ("left = (a + b) ** 2", "left = (b + a) ** 2", {"eq-toy-square"}),
        ("2 * a * b + b**2", "2 * a * b + a**2", {"eq-toy-square"}),
        (
            'verify.identity("eq-toy-sq',
            'left = left + a\nverify.identity("eq-toy-sq',
            {"eq-toy-square"},
        ),
        ("positive=True", "real=True", {"eq-toy-square", "eq-toy-other"}),
    ],
)
def test_the_lock_of_a_claim_hangs_on_its_own_check_and_what_that_uses(
    book: Project, old: str, new: str, changed: set[str]
) -> None:
    path = book.chapter("toy")
    path.write_text(path.read_text() + TWO)
    before = claims.hashes(read(path))
    toy.edit(path, old, new)
    after = claims.hashes(read(path))
    assert {name for name in before if before[name]["check"] != after[name]["check"]} == changed


def test_names_between_are_no_part_of_a_check(book: Project) -> None:
    path = book.chapter("toy")
    path.write_text(path.read_text() + TWO)
    before = claims.hashes(read(path))
    toy.edit(path, "left = ", "side = ")
    toy.edit(path, ", left, right)", ", side, right)")
    assert claims.hashes(read(path)) == before


@pytest.mark.parametrize("new", ["$$ (def-toy-double)", "$$ (def-toy-twice)", "$$"])
def test_a_claim_does_not_silently_become_a_definition(
    done: Project, run: toy.Run, new: str
) -> None:
    toy.edit(done.chapter("toy"), "$$ (eq-toy-double)", new)
    toy.edit(done.chapter("toy"), CHECK, "print(1)")
    refused = run(done, "notebooks")
    assert refused.exit_code == 2
    assert "the claim 'eq-toy-double' has become" in refused.stderr
    assert run(done, "notebooks", "--check").exit_code == 1
    claims.refuse_unconfirmed(done.root, read(done.chapter("toy")), ["eq-toy-double"])


def test_a_claim_that_left_the_page_is_forgotten(done: Project) -> None:
    toy.edit(done.chapter("toy"), "$$\ny = 2 x\n$$ (eq-toy-double)", "Nothing.")
    toy.edit(done.chapter("toy"), CHECK, "print(1)")
    claims.refuse_unconfirmed(done.root, read(done.chapter("toy")))


def test_a_check_that_is_empty_by_how_it_is_written_is_an_error(book: Project) -> None:
    toy.edit(
        book.chapter("toy"), CHECK, 'six = 2 * 3\nverify.identity("eq-toy-double", six, 2 * 3)'
    )
    (problem,) = claims.unmatched(read(book.chapter("toy")))
    assert "the check of 'eq-toy-double' is empty: both sides are the same computation" in str(
        problem
    )


# What was printed ---------------------------------------------------------------------------------

CLOSE = 'verify.close("eq-toy-x", computed, expected)'
LINE = "eq-toy-x ✓ numeric, rtol 1e-06; refuses: t − 1\n"


@pytest.mark.parametrize(
    ("code", "text", "count"),
    [
        (CLOSE, LINE, 0),
        (CLOSE, "words\n" + LINE + "more words\n", 0),
        (f"{CLOSE}\n{CLOSE}", LINE + LINE, 0),
        (f"for _ in range(3): {CLOSE}", 3 * LINE, 0),
        (f"if False: {CLOSE}", "", 1),
        (f"def never():\n    {CLOSE}", "", 1),
        (f"try: {CLOSE}\nexcept AssertionError: pass", "", 1),
        (f"{CLOSE}\nif False: {CLOSE}", LINE, 1),
        (CLOSE, "eq-toy-other ✓ numeric, rtol 1e-06\n", 1),
        (CLOSE, "eq-toy-x ✓ symbolic\n", 1),
        (CLOSE, "eq-toy-x ✗ numeric\n", 1),
        (f'print("eq-toy-x ✓ numeric, rtol 1e-06")\nif False: {CLOSE}', LINE, 1),
        ('verify.claim("claim-toy-x", 1.2, "<", 2)', "claim-toy-x ✓ measured < 2\n", 0),
    ],
)
def test_a_check_counts_when_its_line_was_printed(code: str, text: str, count: int) -> None:
    cell = nbformat.v4.new_code_cell(code)
    cell.outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
    other = nbformat.v4.new_code_cell("print()")
    other.outputs = [nbformat.v4.new_output("stream", text=LINE)]  # another cell's does not count
    found = printed.missing(nbformat.v4.new_notebook(cells=[other, cell]))
    assert [at.cell for at in found] == [1] * count


def test_the_ledger_lists_what_is_refused(done: Project) -> None:
    more = CHECK.replace("6)", '6, rejects={"sum for product": 5, "half": 3})')
    toy.edit(done.chapter("toy"), CHECK, more)
    (entry,) = claims.ledger(done.root)
    assert entry.rejects == ("sum for product", "half")


def test_a_check_that_never_ran_fails_the_derivation(book: Project, run: toy.Run) -> None:
    toy.edit(book.chapter("toy"), CHECK, f"if False:\n    {CHECK}")
    for arguments, code in ((["notebooks"], 2), (["notebooks", "--check"], 1)):
        refused = run(book, *arguments)
        assert refused.exit_code == code
        assert "'eq-toy-double' has a check that printed no line" in refused.output + refused.stderr


def test_a_broken_line_is_joined(book: Project) -> None:
    text = (
        "eq-toy-x ✓ numeric, rtol 1e-06; refuses: t − 1,\n  missing root, two,\n  three\n  \nend\n"
    )
    joined = "eq-toy-x ✓ numeric, rtol 1e-06; refuses: t − 1, missing root, two, three"
    assert list(printed.lines(text)) == [("eq-toy-x", joined)]


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
