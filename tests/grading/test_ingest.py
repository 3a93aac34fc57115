"""Any bytes become a submission: every shape exactly, and ten thousand damaged notebooks."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import time
import zipfile
from pathlib import Path
from typing import Any

import damage
import pytest
from corpus_entry import full
from corpus_files import FILES
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.grading.incoming import archives, formats, ingest, salvage
from coursekit.grading.incoming.files import File
from coursekit.grading.incoming.ingest import Cell, Submission, read
from coursekit.grading.incoming.students import LARGEST

WORDS = Cell("markdown", "# Title\n\nWords with α.", id="m1", grade_id="q-explain")
CODE = Cell("code", 'def f(x):\n    return "x\\n"', id="c1", grade_id="q-f", question="q.f")


def raw(cell: Cell, *, lines: bool = False) -> dict[str, Any]:
    metadata: dict[str, Any] = {"nbgrader": {"grade_id": cell.grade_id}}
    if cell.question:
        metadata["genbook"] = {"question": cell.question}
    source = cell.source.splitlines(keepends=True) if lines else cell.source
    made: dict[str, Any] = {"cell_type": cell.kind, "id": cell.id, "metadata": metadata}
    made |= {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    return made | {"source": source}


def notebook(*cells: object, **more: object) -> dict[str, Any]:
    found = list(cells) or [raw(WORDS), raw(CODE, lines=True)]
    return {"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more


def data(document: object, **options: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, **options).encode()


def sources(submission: Submission) -> list[str]:
    return [cell.source for cell in submission.cells]


WHOLE = Submission((WORDS, CODE))


def test_a_notebook_is_read_exactly() -> None:
    assert read(data(notebook())) == WHOLE
    assert read(json.dumps(notebook()).encode()) == WHOLE


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("codec", "sentence"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        *((f"utf-16{end}", ("The file is stored as UTF-16; notebooks are UTF-8.",))
          for end in ("", "-le", "-be")),
        *((f"utf-32{end}", ("The file is stored as UTF-32; notebooks are UTF-8.",))
          for end in ("", "-le", "-be")),
    ],
)  # fmt: skip
def test_encodings_and_line_ends_change_nothing(codec: str, sentence: tuple, end: str) -> None:
    text = data(notebook()).decode().replace("\n", end)
    assert read(text.encode(codec)) == Submission((WORDS, CODE), sentence)


def test_latin_1_is_guessed() -> None:
    cell = Cell("code", "x = 'café'", "a")
    found = read(data(notebook(raw(cell))).decode().encode("latin-1"))
    assert found == Submission((cell,), ("Some letters are not UTF-8, and were guessed.",), True)


def test_old_worksheets_are_cells() -> None:
    sheet = {"cells": [{"cell_type": "code", "input": ["a = 1\n", "b"], "outputs": []},
                       {"cell_type": "heading", "level": 1, "source": "Title"}]}  # fmt: skip
    found = read(data({"nbformat": 3, "metadata": {}, "worksheets": [sheet, sheet]}))
    assert found == Submission((Cell("code", "a = 1\nb"), Cell("markdown", "Title")) * 2)


def test_odd_cells_are_read_as_what_they_are() -> None:
    odd = [
        {"source": "def f():\n    pass"},
        {"cell_type": 7, "source": "# Words\n\nand more"},
        {"cell_type": "code", "source": ["a\n", 3, None, "b"], "metadata": None, "id": 3},
        {"cell_type": "CODE ", "source": "x\r\ny\rz", "metadata": [1]},
        {"cell_type": "raw", "source": None, "metadata": {"nbgrader": 1, "genbook": []}},
        {"cell_type": "code", "source": "a\ud800\0b", "metadata": {"id": "colab"}},
    ]
    found = read(json.dumps(notebook(*odd)).encode())
    assert found == Submission(
        (
            Cell("code", "def f():\n    pass"),
            Cell("markdown", "# Words\n\nand more"),
            Cell("code", "a\nb"),
            Cell("code", "x\ny\nz"),
            Cell("markdown", ""),
            Cell("code", "a\ufffd\ufffdb", id="colab"),
        )
    )


def test_what_is_no_cell_is_left_out_and_said() -> None:
    found = read(data(notebook(None, raw(CODE), [raw(WORDS) | {"cell_type": "code"}][0:0], 3)))
    sentence = "3 entries of the file are no cells and were left out."
    assert found == Submission((CODE,), (sentence,), salvaged=True)


def test_the_contents_interface_wraps_a_notebook() -> None:
    assert read(data({"type": "notebook", "content": notebook()})) == WHOLE


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"language": "R", "name": "ir"}},
        {"kernelspec": {"name": "ir"}},
        {"language_info": {"name": "R"}, "kernelspec": {"name": "python3"}},
    ],
)
def test_another_language_is_named(metadata: dict) -> None:
    found = read(data(notebook(metadata=metadata)))
    assert found.cells == (WORDS, CODE) and found.readable and not found.salvaged
    assert found.problems[0].startswith("The notebook is set to R; the exercises are in Python.")
    other = read(data(notebook(raw(Cell("code", "f <- function(x) x")), metadata=metadata)))
    assert not other.readable


@pytest.mark.parametrize("name", ["python", "Python 3", "ipython", "xpython", "conda-env-x-py"])
def test_kernels_of_python_are_no_problem(name: str) -> None:
    assert read(data(notebook(metadata={"kernelspec": {"name": name}}))) == WHOLE


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "The file is empty."),
        (b" \r\n\0\0\t", "The file is empty."),
        (b"%PDF-1.4\n...", "This is a PDF, not a notebook."),
        (b"\x89PNG\r\n\x1a\n....", "This is a picture, not a notebook."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...", "This is an old Word document, not a notebook."),
        (b'\n<!DOCTYPE HTML>\n<p>def f(): \\n"', "This is a web page (HTML), not a notebook."),
        (b"# Title\n\nwords", "This is text (Markdown), not a notebook."),
        (b"f <- function(x) {\n}", "This is a program in R, not a notebook."),
        (b"hello", "This is text, not a notebook."),
        (b'{"a": 1}', "This is JSON, and no notebook."),
        (b'{"message": "Not Found"}', "This is JSON, and no notebook."),
        (b"[1, 2]", "This is JSON, and no notebook."),
        (b'{"cells": []}', "This notebook has no cells in it."),
        (b'{"cells": [', "The file is damaged: no cell is left in it."),
        (b"\0\5\x16\7" + bytes(80),
         "This is what a Mac keeps beside a file (its name began with ._), not a notebook."),
        (b"PK\5\6" + bytes(18), "This is an empty zip file, not a notebook."),
        (b"<html><title>Sign in - Accounts</title>",
         "This is a web page (HTML) that asks you to sign in, not a notebook."),
        (b"https://colab.research.google.com/x", "This is a link, not a notebook."),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_named(content: bytes, what: str) -> None:
    assert read(content) == Submission((), (f"{what} {formats.AS_NOTEBOOK}",), readable=False)


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return packed.getvalue()


def test_archives() -> None:
    whole = data(notebook())
    assert read(gzip.compress(whole)) == WHOLE
    junk = {"__MACOSX/._a.ipynb": b"x" * 999, ".ipynb_checkpoints/a.ipynb": b"{}" * 9999}
    assert read(archive(**{"x/a.ipynb": whole, "readme.txt": b"hi", **junk})) == WHOLE
    assert read(gzip.compress(archive(a=b"", **{"a.ipynb": whole}))) == WHOLE
    several = read(archive(**{"b.ipynb": b"{}", "x/a.ipynb": whole}))
    sentence = "The zip file holds 2 files; 'a.ipynb' was read."
    assert several == Submission((WORDS, CODE), (sentence,), salvaged=True)
    word = read(archive(**{"word/document.xml": b"<w/>"}))
    assert word.problems == (f"This is a Word document, not a notebook. {formats.AS_NOTEBOOK}",)
    assert not read(archive(**{"a.txt": b""})).readable
    packed = archive(**{"a.ipynb": whole * 50})
    assert read(packed[: len(packed) // 2]).salvaged
    assert read(gzip.compress(whole)[:-60]).salvaged


def test_a_zip_in_a_zip_is_unpacked_as_deep_as_an_accident_goes() -> None:
    whole = data(notebook())
    packed, depths = whole, []
    for _ in range(4):
        packed = archive(**{"again.zip" if depths else "a.ipynb": packed})
        depths.append(read(packed))
    assert depths[:3] == [WHOLE] * 3
    assert depths[3].problems[0].startswith("This is a zip file in a zip file, too deep.")
    assert [name for name, _ in archives.inside(archive(**{"x.zip": archive(w=b"1")}))] == [
        "x.zip",
        "w",
    ]


@pytest.mark.parametrize("name", ["a.ipynb.txt", "a.txt", "a.json", "a.IPYNB", "notebook"])
def test_a_notebook_in_a_zip_may_be_called_anything(name: str) -> None:
    assert read(archive(**{"readme.txt": b"hi", name: data(notebook())})) == WHOLE


def test_what_a_mac_or_jupyter_leaves_in_a_zip_is_not_read() -> None:
    left = {"._a.ipynb": b"\0\5\x16\7" + bytes(99_999), "x/.~a.ipynb": b"{}" * 9999}
    assert read(archive(**{"a.ipynb": data(notebook()), **left})) == WHOLE


def test_what_a_zip_without_a_notebook_holds_is_named() -> None:
    (said,) = read(archive(**{"x/a.pdf": b"%PDF", "b.png": b""})).problems
    assert said.startswith("This is a zip file without a notebook in it; there is 'a.pdf', 'b.png'")
    pages = read(archive(**{"Index/Document.iwa": b"", "preview.jpg": b""})).problems
    assert pages[0].startswith("This is a Pages document, not a notebook.")
    text = read(archive(**{"mimetype": b"", "content.xml": b""})).problems
    assert text[0].startswith("This is a text document (OpenDocument), not a notebook.")


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LIMIT", 10_000)
    for bomb in (gzip.compress(b"[" * 10**7), archive(**{"a.ipynb": b"[" * 10**7})):
        plain, sentence, guessed = archives.unpack(bomb)
        assert len(plain) == 10_000 and sentence and guessed


PARTS = ["import math", "# Words\n\nof an *answer*", "def f(x):\n\n    return 1\n\n\ng = f", "x"]


def test_python_in_percent_form() -> None:
    text = (
        "# ---\n# jupyter:\n# ---\n\n# %%\nimport math\n\n# %% [markdown]\n# # Words\n#\n# of an "
    )
    text += "*answer*\n\n# %% id='f'\ndef f(x):\n\n    return 1\n\n\ng = f\n\n#%%\nx\n"
    found = read(text.encode())
    assert sources(found) == PARTS and not found.salvaged and found.readable
    assert [cell.kind for cell in found.cells] == ["code", "markdown", "code", "code"]
    assert found.problems[0].startswith("This is a Python file, not a notebook;")


def test_python_by_nbconvert() -> None:
    text = (
        "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\nimport math\n\n\n# # Words\n# \n"
    )
    text += "# of an *answer*\n\n# In[ ]:\n\n\ndef f(x):\n\n    return 1\n\n\ng = f\n\n\n"
    text += "# In[3]:\n\n\nx\n"
    found = read(text.encode())
    assert sources(found) == PARTS and not found.salvaged


def test_python_by_colab_is_cut_between_statements() -> None:
    text = '# -*- coding: utf-8 -*-\n"""a.ipynb\n\nAutomatically generated by Colab.\n"""\n\n'
    text += 'import math\n\n"""# Words\n\nof an *answer*"""\n\n'
    text += "def f(x):\n\n    return 1\n\n\ng = f\n\nx\n"
    found = read(text.encode())
    assert sources(found)[2:] == [*PARTS[:2], "def f(x):\n\n    return 1", "g = f", "x"]
    assert not found.salvaged
    assert read(b"import x\n\ndef f():\n    pass\n").salvaged  # a script: where are its cells?


WEIGHTS = f"<!-- genbook-weights:q.f:{base64.b64encode(bytes(300)).decode()} -->"


def test_weights_are_found_in_outputs() -> None:
    page = {"text/html": ["<small>kept</small>\n", WEIGHTS], "text/plain": WEIGHTS}
    cell = raw(CODE) | {"outputs": [3, {"data": page}, {"data": None}]}
    assert [c.weights for c in read(data(notebook(cell))).cells] == [(WEIGHTS,)]
    cut = read(data(notebook(cell, raw(CODE)))[:-60])
    assert cut.salvaged and cut.cells[0].weights == (WEIGHTS,)
    in_source = raw(CODE) | {"source": WEIGHTS}
    assert read(data(notebook(in_source))).cells[0].weights == ()


def test_too_large_weights_are_left_out() -> None:
    large = WEIGHTS.replace("AAAA", "A" * 4 * 2**20, 1)
    outputs = [{"data": {"text/html": page}} for page in (large, large, WEIGHTS)]
    found = read(data(notebook(raw(CODE) | {"outputs": outputs})))
    assert found.cells[0].weights == (large, WEIGHTS)
    assert found.problems == ("The weights in cell 1 are too large and were left out.",)


# --- Damaged files -------------------------------------------------------------------------------

THREE = [
    Cell("code", f"def f{i}():\n    return {i}", f"c{i}", f"q-f{i}", f"q.f{i}") for i in range(3)
]
TEXT = data(notebook(*[raw(cell, lines=True) for cell in THREE])).decode()


@pytest.mark.parametrize(
    ("broken", "left"),
    [
        (TEXT + "\n-- \nbye", "012"),
        (TEXT.rstrip()[:-1], "012"),
        (TEXT.replace("},", "},,", 3), "012"),
        (TEXT.replace("]", ",]"), "012"),
        (TEXT[: TEXT.index("return 2")], "01"),
        (TEXT[TEXT.index("return 0") :], "12"),
        (TEXT.replace('"source": [', '"sour\0e": ['), "012"),
        (TEXT.replace('"source": [\n', ""), "012"),
        (TEXT.replace('"cell_type": "code",', ",", 2), "012"),
        (TEXT.replace('"cell_type": "code"', '"cell_type "code"'), "012"),
        (TEXT.replace('"id": "c1",', '"id: "c1",'), "012"),
        (TEXT.replace("def f1", 'def" f1'), "02"),
        (TEXT.replace('"metadata": {', '"metadata": ' + "[" * 100_000 + "{", 1), "012"),
        (TEXT.replace("f0():\\n\",", "f0():\\n\""), "012"),  # a comma in the list
        (TEXT.replace(' "cells": [', ' "cells": [], "cells": ['), "012"),
        (TEXT.replace("null", "nulll"), "012"),
    ],
)  # fmt: skip
def test_whole_answers_of_a_broken_file_are_recovered_in_order(broken: str, left: str) -> None:
    found = read(broken.encode())
    wanted = [THREE[int(i)].source for i in left]
    assert [source for source in sources(found) if source in wanted] == wanted
    assert found.salvaged and found.readable
    assert any("could be recovered" in problem for problem in found.problems)


@pytest.mark.parametrize("lost", ['"source":"y = 2', '"grade_id":"q-', '"oops":"', '"'])
def test_a_string_that_lost_its_end_does_not_take_the_next_ones_quote(lost: str) -> None:
    """A block of zeros ends right before an answer, on one line."""
    answer = json.dumps(THREE[1].source)
    broken = f'{{"cells":[{{"cell_type":"code",{lost}{chr(0) * 9}{answer},"id":"c1"}}]}}'
    assert THREE[1].source in sources(read(broken.encode()))


def test_a_lost_colon_makes_the_next_key_no_part_of_the_answer() -> None:
    answer = json.dumps(THREE[1].source)
    broken = f'{{"cells":[{{"cell_type":"code","source":{answer},"metadata" {{}},"id":"c1"}}]}}'
    assert sources(read(broken.encode())) == [THREE[1].source]


@pytest.mark.parametrize("cut", [0, 9])
def test_a_cell_within_a_cell_is_recovered_too(cut: int) -> None:
    other_order = dict(reversed(raw(THREE[1]).items()))
    inner = raw(THREE[0]) | {"outputs": [other_order]}
    text = json.dumps(notebook(inner, raw(THREE[2])))
    found = read(text[: len(text) - cut].encode())
    assert set(sources(found)) == {cell.source for cell in THREE} and found.salvaged


def test_a_recovered_cell_keeps_what_is_known_of_it() -> None:
    broken = TEXT.replace('"id": "c1"', '"id": "c1", oops').replace('"outputs": []', "")
    assert read(broken.encode()).cells == tuple(THREE)


def test_both_sides_of_a_conflict_are_kept_and_the_own_side_is_last() -> None:
    lines = TEXT.split("\n")
    k = next(i for i, line in enumerate(lines) if "def f1" in line)
    theirs = [line.replace("f1", "g1") for line in lines[k : k + 2]]
    block = ["<<<<<<< HEAD", *lines[k : k + 2], "=======", *theirs, ">>>>>>> x"]
    found = read("\n".join(lines[:k] + block + lines[k + 2 :]).encode())
    assert sources(found) == ["def g1():\n    return 1", *(cell.source for cell in THREE)]
    assert found.salvaged


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.name)
def test_the_corpus_is_read_as_it_is_to_be_graded(entry: Any) -> None:
    found = read(entry.make(full()))
    flagged = found.salvaged or not found.readable
    assert flagged == (entry.status == "review")
    code = "\n".join(cell.source for cell in found.cells if cell.kind == "code")
    for question, points in entry.points().items():
        assert not points or f"def {question.partition('.')[2]}" in code


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 10**6,
        b'{"cell_type":[' * 10**5,
        b'{"cell_type":' * 10**5,
        b'"' * 10**6,
        b'"source":"' + b"\\" * 10**6,
        b'"source":' + b'\\"' * 10**6,
        b'"source":[' + b'"a\\n",' * 10**5,
        b'"source": ' * 10**5,
        b'"source"' + b" " * 10**6,
        b"<<<<<<< a\n" * 10**5 + b'"source": "x"',
        b"# %%\n" * 10**5,
        b"import x\n" + b'"""\n' * 10**5,
        b"import x\n" + b"\n" * 10**6,
        b"import x\n" + b" \n" * 10**6 + b"#",
        b"PK\x03\x04" * 10**5,
        b"\xff" * 10**6,
        b"<!-- genbook-weights:a.b:" * 10**5 + b'"source": "x"',
        b'{"cells":[' + b",".join([b'{"cell_type":"code","source":"x"}'] * 10**5) + b"]}",
    ],
    ids=lambda content: content[:14].decode("latin-1"),
)
@pytest.mark.timeout(60)
def test_hostile_files_take_no_time(hostile: bytes) -> None:
    """Quadratic time would be hours for these, and a fraction of a second is usual."""
    start = time.process_time()
    found = read(hostile)
    assert time.process_time() - start < 10
    assert len(found.cells) <= salvage.MOST_CELLS


def test_limits_are_said() -> None:
    long = data(notebook(raw(Cell("code", "x" * 2**21)), raw(CODE)))
    sentence = "Cell 1 has 2.1 million letters and was left out."
    assert read(long) == Submission((CODE,), (sentence,), salvaged=True)
    many = data(notebook(*[{"cell_type": "code", "source": ""}] * 5001))
    assert read(many).problems == ("Only the first 5000 cells were read.",)


def test_whatever_goes_wrong_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise MemoryError

    monkeypatch.setattr(ingest, "_cells", fail)
    found = read(data(notebook()))
    assert not found.readable and "(MemoryError)" in found.problems[0]


@given(st.binary() | st.text().map(lambda text: f'{{"cells": [{text}, "source": "'.encode()))
@settings(max_examples=300, deadline=None)
def test_any_bytes_become_a_submission(content: bytes) -> None:
    found = read(content)
    assert found.readable or found.problems
    for cell in found.cells:
        cell.source.encode()
        assert cell.kind in ("code", "markdown")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["cells", "cell_type", "source", "metadata", "outputs", "data", "id",
                         "worksheets", "content", "nbgrader", "kernelspec", "text/html"]), inner),
)  # fmt: skip


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_becomes_a_submission(document: object) -> None:
    read(json.dumps(notebook(document, metadata=document)).encode())
    read(json.dumps(document).encode())


def fuzz(count: int, seed: int) -> tuple[float, float, str]:
    """The share of intact answers recovered, time in units of ``json.loads``, and the losses."""
    intact = lost = 0
    spent = parsing = 0.0
    losses = []
    for i in range(count):
        content, left, whole, story = damage.damage(random.Random(f"{seed}-{i}"))
        start = time.process_time()
        found = read(content)
        spent += time.process_time() - start
        start = time.process_time()
        json.loads(whole)
        parsing += time.process_time() - start
        gone = left - set(sources(found))
        intact, lost = intact + len(left), lost + len(gone)
        losses += [f"{seed}-{i} {story}"] * bool(gone)
    assert intact > 3 * count  # else the fuzz damages more than it tests
    print(f"{intact - lost} of {intact} answers; {1e3 * spent / count:.2f} ms of CPU each")
    return 1 - lost / intact, spent / parsing, "\n".join(losses)


def test_damaged_notebooks_quickly() -> None:
    share, ratio, losses = fuzz(500, seed=1)
    assert share >= 0.999, losses
    assert ratio < 60


@pytest.mark.slow
def test_ten_thousand_damaged_notebooks() -> None:
    share, ratio, losses = fuzz(10_000, seed=0)
    assert share >= 0.999, losses
    assert ratio < 60


def test_a_file_that_is_too_large_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = [{"cell_type": "code", "source": "x = 1", "outputs": []}]
    text = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    path.write_bytes(text.encode() + b" " * (64 * 2**20))
    found = ingest.read(File("a.ipynb", path).read(LARGEST))
    assert "more than 64 MB" in found.problems[0] and found.salvaged
