"""Ticks and folded proofs on pages made by hand, and folded cells in notebooks."""

from __future__ import annotations

import textwrap
from pathlib import Path

import nbformat
import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx.errors import SphinxError
from test_lower import HEADER, root  # noqa: F401 - a fixture

from coursekit import folding, outputs, printed, proofs, references, source
from coursekit.lower import lower
from coursekit.project import Project
from coursekit.source import SourceError


def equation(label: str | None) -> nodes.math_block:
    return nodes.math_block("", "a = b", label=label, number=None, nowrap=False)


def claim(label: str) -> nodes.Element:
    """A theorem-like block as sphinx-proof makes it."""
    return nodes.admonition("", nodes.title("", "A title"), label=label, realtype="observation")


def cell(code: str, printed: str, *more: nodes.Node, **options: str) -> nodes.container:
    """A code cell as MyST-NB makes it."""
    shown = nodes.container("", nodes.literal_block(code, code), nb_element="cell_code_source")
    output = nodes.container(
        "", nodes.literal_block(printed, printed), *more, nb_element="cell_code_output"
    )
    return nodes.container("", shown, output, nb_element="cell_code", **options)


def proof(*labels: str) -> nodes.container:
    code = "\n".join(f'verify.identity("{label}", a, b)' for label in labels)
    return cell(code, "\n".join(f"{label} ✓ symbolic" for label in labels))


def page(*content: nodes.Node) -> nodes.document:
    """A page of one section, folded."""
    document = new_document("page")
    document += nodes.section("", *content, ids=["page"])
    proofs.fold(document, "book/toy")
    return document


def boxes(document: nodes.document) -> dict[str, list[str]]:
    """Of each box the labels that the checks in it print, by the label of its equation."""
    found = {}
    for box in document.findall(proofs.details):
        (label,) = (node["label"] for node in box.parent if "label" in node)
        texts = [block.astext() for block in box.findall(nodes.literal_block)]
        found[label] = [
            line.split()[0] for text in texts for line in text.splitlines() if "✓" in line
        ]
    return found


def ticks(document: nodes.document) -> list[str]:
    """What stands beside the numbers, for the eye."""
    found = []
    for node in document.findall(nodes.Element):
        if "gb-tick" in node.get("classes", ()):
            found.append(node.astext().removesuffix(": show the check"))
    return found


def test_a_proof_folds_directly_below_its_equation() -> None:
    between = nodes.paragraph("", "Some words.")
    done = page(equation("eq-toy-a"), between, proof("eq-toy-a"), nodes.paragraph("", "The end."))
    assert boxes(done) == {"eq-toy-a": ["eq-toy-a"]}
    assert ticks(done) == ["✓ symbolic"]
    (section,) = done
    assert [type(node).__name__ for node in section] == ["container", "paragraph", "paragraph"]
    (line,) = section[0]
    assert [type(node).__name__ for node in line] == ["math_block", "details"]
    assert next(done.findall(proofs.details))[0].tagname == "summary"


def test_a_cell_of_several_labels_stands_once_and_the_other_ticks_lead_to_it() -> None:
    labels = ["eq-toy-a", "eq-toy-b", "claim-toy-c"]
    done = page(*map(equation, labels[:2]), claim(labels[2]), proof(*labels))
    assert boxes(done) == {"claim-toy-c": labels}
    assert ticks(done) == ["✓ symbolic"] * 3
    links = [node["refid"] for node in done.findall(nodes.reference)]
    assert links == ["proof-claim-toy-c"] * 2
    (body,) = (node for node in done.findall(nodes.container) if node["ids"])
    assert body["ids"] == ["proof-claim-toy-c"]
    assert isinstance(body.parent, proofs.details), "a fragment opens what is around its target"
    assert "Checks eq-toy-a, eq-toy-b, claim-toy-c." in body.astext()


def test_a_claim_has_its_tick_and_a_measured_bound_is_called_so() -> None:
    code = 'verify.claim("claim-toy-c", x, "<=", 2)'
    done = page(claim("claim-toy-c"), cell(code, "claim-toy-c ✓ upper end of the interval <= 2"))
    assert boxes(done) == {"claim-toy-c": ["claim-toy-c"]}
    assert ticks(done) == ["✓ measured"]


def test_a_proof_written_before_its_equation_moves_below_it() -> None:
    done = page(proof("eq-toy-a"), nodes.paragraph("", "Some words."), equation("eq-toy-a"))
    assert boxes(done) == {"eq-toy-a": ["eq-toy-a"]}
    assert [type(node).__name__ for node in done[0]] == ["paragraph", "container"]


def test_checks_in_two_places_are_all_found_from_the_equation() -> None:
    numeric = cell('verify.close("eq-toy-a", x, y)', "eq-toy-a ✓ numeric, rtol 1e-06")
    both = proof("eq-toy-a", "eq-toy-b")
    done = page(equation("eq-toy-a"), numeric, equation("eq-toy-b"), both)
    assert ticks(done) == ["✓ numeric, symbolic", "✓ symbolic"]
    assert boxes(done) == {"eq-toy-a": ["eq-toy-a"], "eq-toy-b": ["eq-toy-a", "eq-toy-b"]}
    (link,) = done.findall(nodes.reference)
    assert link["refid"] == "proof-eq-toy-b" and link.astext() == "Another check"


def test_what_verifies_nothing_stays_as_it_is() -> None:
    plain = [equation("def-toy-a"), equation(None), cell("verify = 1", "eq-toy-a ✓ symbolic")]
    done = page(*plain)
    assert list(done[0]) == plain
    assert ticks(done) == []


def test_a_fold_within_a_fold_is_opened() -> None:
    hidden = cell('verify.close("eq-toy-a", x, y)', "eq-toy-a ✓ numeric", hide_mode="input")
    page(equation("eq-toy-a"), hidden)
    assert "hide_mode" not in hidden


def test_a_check_that_printed_nothing_is_refused_by_name() -> None:
    for line in ("", "eq-toy-ab ✓ symbolic", "words of eq-toy-a ✓ symbolic"):
        with pytest.raises(SphinxError, match="'eq-toy-a' printed no line, so it never ran"):
            page(equation("eq-toy-a"), cell('verify.close("eq-toy-a", x, y)', line))


def test_a_figure_in_a_proof_cell_is_refused_by_name() -> None:
    drawn = cell('verify.close("eq-toy-a", x, y)', "eq-toy-a ✓ numeric", nodes.figure())
    with pytest.raises(SphinxError, match="'eq-toy-a' draws a figure"):
        page(equation("eq-toy-a"), drawn)


def test_a_check_of_no_label_is_refused_by_name() -> None:
    with pytest.raises(SphinxError, match="a check of 'eq-toy-b', which is no label here"):
        page(equation("eq-toy-a"), proof("eq-toy-b"))


@pytest.mark.parametrize(
    ("line", "method"),
    [
        ("eq-a ✓ symbolic", "symbolic"),
        ("eq-a ✓ numeric, rtol 1e-06", "numeric"),
        ("eq-a ✓ statistic, 4000 samples, z < 4", "statistic"),
        ("eq-a ✓ symbolic; refuses: numeric slip", "symbolic"),
        ("claim-a ✓ measured >= 2", "measured"),
        ("claim-a ✓ lower end of the interval > 3", "measured"),
    ],
)
def test_the_method_is_read_from_the_printed_line(line: str, method: str) -> None:
    assert printed.method_of(line) == method


PROOF = """
$$
a
$$ (eq-beta-a)

:::{prf:observation}
:label: claim-beta-c
Words.
:::

```{code-cell}
verify.close("eq-beta-a", x, y)
verify.claim("claim-beta-c", x, "<", 2)
```

```{code-cell}
x = 1
```
"""


def notebook(root: Path, text: str) -> list[nbformat.NotebookNode]:  # noqa: F811
    path = root / "book" / "beta.md"
    path.write_text(HEADER + textwrap.dedent(text), encoding="utf-8")
    cells = lower(source.read(path), references.load(root))
    return [item.cell for item in cells if item.cell.cell_type == "code"]


def test_a_notebook_folds_its_proofs_and_nothing_else(root: Path) -> None:  # noqa: F811
    folded, open_code = notebook(root, PROOF)
    first, second, _ = folded.source.split("\n")
    assert first == "# @title Check of (2.1), Observation 2.1"
    assert second == 'verify.close("eq-beta-a", x, y)'
    assert folded.metadata == {"jupyter": {"source_hidden": True}, "cellView": "form"}
    assert folding.code(folded).startswith(second)
    assert open_code.source == folding.code(open_code) == "x = 1"
    assert open_code.metadata == {}


def test_a_notebook_refuses_a_figure_in_a_proof_cell(root: Path) -> None:  # noqa: F811
    drawn = PROOF.replace(
        "{code-cell}\nverify", "{code-cell}\n---\nmystnb: {figure: {name: fig-x}}\n---\nverify"
    )
    with pytest.raises(SourceError, match=r"verifies \(2.1\), Observation 2.1 draws a figure"):
        notebook(root, drawn)


def test_titles_of_folded_cells_change_no_outputs(done: Project) -> None:
    """Outputs stored before there was a title, or under another one, still belong to the code."""
    path = done.notebook("book", "toy")
    old, new = (nbformat.read(path, as_version=4) for _ in range(2))
    (proof_cell,) = (cell for cell in old.cells if folding.is_folded(cell))
    proof_cell.source = "# @title Another\n" + folding.code(proof_cell)
    assert outputs.carry(old, new)
    proof_cell.source = folding.code(proof_cell)
    assert outputs.carry(old, new)
    proof_cell.source += " + 0"
    assert not outputs.carry(old, new)
