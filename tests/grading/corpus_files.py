"""Files as students send them: what Colab makes of a notebook, what people do, what gets lost."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any, Literal

from corpus_entry import POINTS, Entry, code, encoded, insert, locate, markdown

__all__ = ["FILES"]

Notebook = dict[str, Any]
Make = Callable[[Notebook], bytes]
QUESTIONS = [name.partition(".")[2] for name in POINTS]
STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()"

FILES: list[Entry] = []


def entry(
    category: str,
    why: str,
    scores: dict[str, float] | Literal["full", "zero"] = "full",
    status: Literal["graded", "review"] = "graded",
) -> Callable[[Make], Make]:
    """Put a function into the corpus, under its own name."""

    def register(make: Make) -> Make:
        name = make.__name__.replace("_", "-")
        FILES.append(Entry(name, category, make, scores, status, why))
        return make

    return register


def text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def answer(notebook: Notebook, question: str) -> dict[str, Any]:
    found: dict[str, Any] = notebook["cells"][locate(notebook, question)]
    return found


def stubbed(notebook: Notebook, question: str) -> str:
    """The answer's first lines with the stub for a body."""
    head = re.match(r'def .*\n    """.*\n', text(answer(notebook, question)))
    assert head
    return head[0] + STUB


def cut(notebook: Notebook, question: str) -> bytes:
    """The file as far as the cell that answers a question, and a little of that cell."""
    data = encoded(notebook)
    return data[: data.index(f"def {question}(".encode()) + 20]


def _after(question: str) -> dict[str, float]:
    """Nothing for a question and those after it."""
    return {f"ddim.{name}": 0 for name in QUESTIONS[QUESTIONS.index(question) :]}


# --- What Colab and other tools do ---------------------------------------------------------------


@entry("colab", "Colab drops ids and metadata; the answers are the student's all the same.")
def ids_and_metadata_stripped(full: Notebook) -> bytes:
    for cell in full["cells"]:
        cell.pop("id", None)
        cell["metadata"] = {}
    full["metadata"] = {}
    return encoded(full)


@entry("colab", "Minor version 0 has no ids, and needs none.")
def minor_0(full: Notebook) -> bytes:
    for i, cell in enumerate(full["cells"]):
        cell.pop("id", None)
        cell["metadata"] = {"id": f"x{i}YzAbCdEfGh", "colab": {"base_uri": "https://localhost"}}
    full["nbformat_minor"] = 0
    full["metadata"]["colab"] = {"provenance": [], "toc_visible": True}
    full["metadata"]["accelerator"] = "GPU"
    return encoded(full)


@entry("colab", "The ids are new after a copy of the notebook; the names are not.")
def ids_rewritten(full: Notebook) -> bytes:
    for i, cell in enumerate(full["cells"]):
        cell["id"] = f"{(i * 2654435761) % 2**32:08x}"
    return encoded(full)


@entry("colab", "A cell that is there twice says the same thing twice.")
def cells_copied(full: Notebook) -> bytes:
    for question in QUESTIONS:
        cell = answer(full, question)
        full["cells"].insert(full["cells"].index(cell), dict(cell))
    return encoded(full)


@entry("colab", "The answers stand at the end; the stubs that stayed above hide nothing.")
def answers_below_and_stubs_left(full: Notebook) -> bytes:
    for question in QUESTIONS:
        full["cells"].append(code(text(answer(full, question))))
        answer(full, question)["source"] = stubbed(full, question)
    return encoded(full)


@entry("colab", "A stub that was pasted back below does not hide the answer above it.")
def stubs_below(full: Notebook) -> bytes:
    for question in QUESTIONS:
        full["cells"].append(code(stubbed(full, question)))
    return encoded(full)


@entry("colab", "One cell for everything is bad style and no mistake.")
def cells_merged(full: Notebook) -> bytes:
    parts = [text(cell) for cell in full["cells"] if cell["cell_type"] == "code"]
    full["cells"] = [code("\n\n".join(parts))]
    return encoded(full)


@entry("colab", "An answer may be spread over cells: each is run in the order of the notebook.")
def cells_split(full: Notebook) -> bytes:
    for question in QUESTIONS:
        place = locate(full, question)
        insert(full, place, code("import math\nimport torch  # again"))
        insert(full, place + 2, code(f"{question}  # look at it"))
    return encoded(full)


@entry("colab", "The questions do not build on each other, so their order is free.")
def cells_reordered(full: Notebook) -> bytes:
    places = [locate(full, question) for question in QUESTIONS]
    for place, cell in zip(places, [full["cells"][i] for i in reversed(places)], strict=True):
        full["cells"][place] = cell
    return encoded(full)


@entry("colab", "The checks are the student's tool; without them the answers are as good.")
def checks_deleted(full: Notebook) -> bytes:
    full["cells"] = [cell for cell in full["cells"] if not text(cell).startswith("check(")]
    return encoded(full)


@entry("colab", "All but the answers was thrown away; the sheet brings its own imports.")
def only_answers_left(full: Notebook) -> bytes:
    full["cells"] = [answer(full, question) for question in QUESTIONS]
    return encoded(full)


@entry("colab", "What is not there gets nothing; the rest is unharmed.", {"ddim.step": 0})
def answer_deleted(full: Notebook) -> bytes:
    del full["cells"][locate(full, "step")]
    return encoded(full)


@entry("colab", "The function works where the student put it, with its helper in another cell.")
def moved_into_helpers(full: Notebook) -> bytes:
    cell = answer(full, "step")
    insert(full, 3, code(text(cell).replace("def step(", "def _one_jump(")))
    arguments = "schedule, xt, eps, t, s, eta=0.0, noise=None"
    call = "schedule, xt, eps, t, s, eta=eta, noise=noise"
    cell["source"] = f"def step({arguments}):\n    return _one_jump({call})"
    return encoded(full)


@entry("colab", "An own name counts where the student's own check calls it.")
def own_name(full: Notebook) -> bytes:
    cell = answer(full, "slerp")
    cell["source"] = text(cell).replace("def slerp(", "def slerp_final(")
    for other in full["cells"]:
        if text(other).startswith('check("ddim.slerp"'):
            other["source"] = 'check("ddim.slerp", slerp_final)'
    return encoded(full)


@entry("colab", "The last attempt is the one that counts.")
def attempts_above(full: Notebook) -> bytes:
    for question in QUESTIONS:
        wrong = f"def {question}(*args, **kwargs):\n    return 0.0"
        insert(full, locate(full, question), code(wrong))
    return encoded(full)


@entry("colab", "Magics are part of a notebook, and do no harm.")
def magics(full: Notebook) -> bytes:
    first = (
        "%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\n%load_ext autoreload"
    )
    insert(full, 2, code(first))
    insert(full, 3, code("%autoreload 2"))
    cell = answer(full, "order")
    cell["source"] = "%%time\n" + text(cell)
    return encoded(full)


@entry("colab", "Nothing is installed during grading, and nothing needs to be.")
def pip_install(full: Notebook) -> bytes:
    lines = "!pip install -q torch genbook\n%pip install einops\n!nvidia-smi\nfiles = !ls"
    insert(full, 1, code(lines))
    return encoded(full)


@entry("colab", "The state of progress bars is kept in the metadata; nobody has to read it.")
def widgets_metadata(full: Notebook) -> bytes:
    state = {
        f"{i:032x}": {
            "model_module": "@jupyter-widgets/controls",
            "model_name": "HTMLModel",
            "state": {"value": f" {i}/400 [00:0{i % 9}<00:00]\n", "source": "def step(): pass\n"},
        }
        for i in range(400)
    }
    full["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    return encoded(full)


@entry("colab", "There is no Drive here; only the cell that mounts it fails.")
def drive_mount(full: Notebook) -> bytes:
    mount = "from google.colab import drive\n\ndrive.mount('/content/drive')\n%cd /content/drive"
    insert(full, 1, code(mount))
    full["cells"].append(code("from google.colab import files\n\nfiles.download('ddim.ipynb')"))
    return encoded(full)


@entry("colab", "The mount fails in the cell of the imports, which the sheet has of its own.")
def drive_mount_among_imports(full: Notebook) -> bytes:
    cell = full["cells"][locate(full, "ddim-02")]
    cell["source"] = "from google.colab import drive\ndrive.mount('/gdrive')\n" + text(cell)
    return encoded(full)


@entry("colab", "A form is a comment.")
def forms(full: Notebook) -> bytes:
    for question in QUESTIONS:
        cell = answer(full, question)
        title = f'#@title {question} {{ display-mode: "form", run: "auto" }}\n'
        cell["source"] = title + text(cell)
        cell["metadata"]["cellView"] = "form"
    insert(full, 2, code('steps = 10 #@param {type:"slider", min:0, max:100, step:1}'))
    return encoded(full)


@entry("colab", "Errors that the student saw on the way are only outputs.")
def tracebacks_in_outputs(full: Notebook) -> bytes:
    for question in QUESTIONS:
        answer(full, question)["outputs"] = [
            {
                "output_type": "error",
                "ename": "NameError",
                "evalue": "name 'torch' is not defined",
                "traceback": ["\u001b[0;31mNameError\u001b[0m\n", "def step():\n    pass\n"],
            }
        ]
    return encoded(full)


@entry(
    "colab", "Code in a text cell never ran, and its cell says that it is text.", {"ddim.slerp": 0}
)
def answer_in_a_text_cell(full: Notebook) -> bytes:
    cell = answer(full, "slerp")
    cell.clear()
    cell.update(markdown("slerp:\n\nreturn the arc, as in the book"))
    return encoded(full)


@entry("colab", "A stub is no answer.", "zero")
def untouched(full: Notebook) -> bytes:
    for question in QUESTIONS:
        answer(full, question)["source"] = stubbed(full, question)
    return encoded(full)


@entry("colab", "Half of the sheet is half of the sheet.", _after("slerp"))
def half_done(full: Notebook) -> bytes:
    for question in QUESTIONS[3:]:
        answer(full, question)["source"] = stubbed(full, question)
    return encoded(full)


# --- Formats -------------------------------------------------------------------------------------


@entry("file", "Sources may be strings or lists of lines, and files may be on one line.")
def compact(full: Notebook) -> bytes:
    for cell in full["cells"]:
        cell["source"] = text(cell)
    return json.dumps(full, separators=(",", ":")).encode()


@entry("file", "The old format holds the same cells, in worksheets and under other keys.")
def nbformat_3(full: Notebook) -> bytes:
    for cell in full["cells"]:
        cell.pop("id", None)
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
            cell |= {"prompt_number": cell.pop("execution_count", None), "language": "python"}
    sheets = [{"cells": full["cells"], "metadata": {}}]
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}
    return encoded(old)


@entry("file", "The notebook's own metadata say nothing about the answers.")
def metadata_null(full: Notebook) -> bytes:
    full["metadata"] = None
    for i, cell in enumerate(full["cells"]):
        cell["metadata"] = (None, [], "x", 3)[i % 4]
    del full["nbformat"]
    return encoded(full)


@entry("file", "Entries that are no cells are left out, and a person looks.", "full", "review")
def cells_that_are_none(full: Notebook) -> bytes:
    full["cells"][3:3] = [None, 7, "cell", ["cell"]]
    return encoded(full)


@entry("file", "A byte order mark changes nothing.")
def byte_order_mark(full: Notebook) -> bytes:
    return b"\xef\xbb\xbf" + encoded(full)


@entry("file", "UTF-16, as an editor on Windows writes it, holds the same letters.")
def utf_16(full: Notebook) -> bytes:
    return encoded(full).decode().encode("utf-16")


@entry("file", "UTF-16 shows itself without a mark, too.")
def utf_16_without_mark(full: Notebook) -> bytes:
    return encoded(full).decode().encode("utf-16-be")


@entry("file", "A few letters had to be guessed, and a person looks.", "full", "review")
def latin_1(full: Notebook) -> bytes:
    insert(full, 3, markdown("Réponses de Zoé, à corriger"))
    return encoded(full).decode().encode("latin-1", "replace")


@entry("file", "Line ends of Windows.")
def line_ends_windows(full: Notebook) -> bytes:
    return encoded(full).replace(b"\n", b"\r\n")


@entry("file", "Line ends of old Macs.")
def line_ends_mac(full: Notebook) -> bytes:
    return encoded(full).replace(b"\n", b"\r")


@entry("file", "The kernel's name was set to R by mistake; the answers are Python and run.")
def other_kernel_python_answers(full: Notebook) -> bytes:
    full["metadata"]["kernelspec"] = {"display_name": "R", "language": "R", "name": "ir"}
    full["metadata"].pop("language_info", None)
    return encoded(full)


@entry(
    "file", "Answers in R are no answers here, and a person tells the student.", "zero", "review"
)
def other_language(full: Notebook) -> bytes:
    full["metadata"] = {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}}
    answers = [code(f"{name} <- function(x) {{\n  x\n}}") for name in QUESTIONS]
    return encoded(full | {"cells": [markdown("# Exercises"), *answers]})


@entry("file", "The file is what the server's interface answers, with the notebook in it.")
def contents_of_the_server(full: Notebook) -> bytes:
    return encoded({"name": "ddim.ipynb", "type": "notebook", "format": "json", "content": full})


@entry("file", "A zip file with one notebook in it is that notebook.")
def zipped(full: Notebook) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("homework/ddim.ipynb", encoded(full))
        archive.writestr("__MACOSX/homework/._ddim.ipynb", b"\0\5\x16\7")
        archive.writestr("homework/.ipynb_checkpoints/ddim-checkpoint.ipynb", b"{}")
    return packed.getvalue()


@entry("file", "A gzip file with a notebook in it is that notebook.")
def gzipped(full: Notebook) -> bytes:
    return gzip.compress(encoded(full), mtime=0)


@entry("file", "A Python file by Colab has all the code, and that is what is graded.")
def python_by_colab(full: Notebook) -> bytes:
    head = "Automatically generated by Colab.\n\nOriginal file is located at\n    https://colab"
    parts = ["# -*- coding: utf-8 -*-", f'"""ddim.ipynb\n\n{head}\n"""']
    for cell in full["cells"]:
        source = text(cell)
        parts.append(source if cell["cell_type"] == "code" else f'"""{source}\n"""')
    return "\n\n".join(parts).encode()


@entry("file", "A Python file in the percent form keeps even the cells.")
def python_in_percent_form(full: Notebook) -> bytes:
    lines = ["# ---", "# jupyter:", "#   kernelspec:", "#     name: python3", "# ---", ""]
    for cell in full["cells"]:
        markup = cell["cell_type"] == "markdown"
        lines.append("# %% [markdown]" if markup else "# %%")
        for line in text(cell).split("\n"):
            lines.append(f"# {line}".rstrip() if markup else line)
        lines.append("")
    return "\n".join(lines).encode()


@entry("file", "A Python file by nbconvert says where its cells begin.")
def python_by_nbconvert(full: Notebook) -> bytes:
    parts = ["#!/usr/bin/env python\n# coding: utf-8"]
    for i, cell in enumerate(full["cells"]):
        if cell["cell_type"] == "code":
            parts.append(f"# In[{i}]:\n\n\n{text(cell)}\n")
        else:
            parts.append("\n".join(f"# {line}" for line in text(cell).split("\n")))
    return "\n\n".join(parts).encode()


@entry("file", "Size is in the outputs, which nobody grades.")
def fifty_megabytes(full: Notebook) -> bytes:
    output = {"output_type": "stream", "name": "stdout", "text": ["loss 0.123456789\n" * 1000]}
    answer(full, "by_hand")["outputs"] = [output]
    page, part = encoded(full), b'"loss 0.123456789'
    line = b'"' + b"loss 0.123456789\\n" * 60 + b'",\n'
    return page.replace(part, line * (50_000_000 // len(line)) + part, 1)


@entry("file", "Too deep to be parsed: the cells are found all the same, and a person looks.",
       "full", "review")  # fmt: skip
def deep_json(full: Notebook) -> bytes:
    deep = b'"metadata": {"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return encoded(full).replace(b'"metadata": {}', deep, 1)


@entry("file", "Numbers that are none do no harm outside the answers.")
def strange_numbers(full: Notebook) -> bytes:
    data = encoded(full).replace(b'"execution_count": null', b'"execution_count": 1e999', 1)
    data = data.replace(b'"execution_count": null', b'"execution_count": NaN', 1)
    return data.replace(b'"execution_count": null', b'"execution_count": ' + b"9" * 6000, 1)


# --- Damages -------------------------------------------------------------------------------------


@entry("file", "What came before the cut is whole and counts.", _after("sample"), "review")
def truncated(full: Notebook) -> bytes:
    return cut(full, "sample")


@entry("file", "Only the last bracket is missing.", "full", "review")
def last_bracket_missing(full: Notebook) -> bytes:
    return encoded(full).rstrip()[:-1]


@entry("file", "Edited by hand; a comma too many is no reason for a zero.", "full", "review")
def trailing_commas(full: Notebook) -> bytes:
    return encoded(full).replace(b'"metadata": {}', b'"metadata": {},', 3).replace(b"}]", b"},]")


@entry("file", "Something stands behind the notebook; the notebook is whole.", "full", "review")
def trailing_garbage(full: Notebook) -> bytes:
    return encoded(full) + b"\n\n-- \nSent from my phone" + b"\0" * 512


@entry("file", "A block of zeros took one answer with it.", {"ddim.slerp": 0}, "review")
def zeroed_block(full: Notebook) -> bytes:
    data = encoded(full)
    start = data.index(b"def slerp(") - 3
    end = data.index(b"check(", start)
    return data[:start] + bytes(end - start) + data[end:]


@entry("file", "The middle is missing, and with it two answers.",
       {"ddim.timesteps": 0, "ddim.step": 0}, "review")  # fmt: skip
def middle_missing(full: Notebook) -> bytes:
    data = encoded(full)
    return data[: data.index(b"def timesteps(") + 9] + data[data.index(b"## Question 4") :]


@entry("file", "Both sides of the conflict have right answers.", "full", "review")
def conflict_markers(full: Notebook) -> bytes:
    lines = encoded(full).split(b"\n")
    place = next(i for i, line in enumerate(lines) if b'"execution_count"' in line)
    lines[place : place + 1] = [b"<<<<<<< HEAD", b'   "execution_count": 3,', b"=======",
                                b'   "execution_count": 5,', b">>>>>>> origin/main"]  # fmt: skip
    return b"\n".join(lines)


@entry("file", "A blank notebook and the solved one in one file: stubs hide nothing.",
       "full", "review")  # fmt: skip
def two_notebooks_in_one_file(full: Notebook) -> bytes:
    solved = encoded(full)
    return solved + untouched(full)


# --- No notebooks --------------------------------------------------------------------------------


def _foreign(name: str, content: bytes, what: str) -> None:
    why = f"{what} has no answers that could be run; a person asks for the notebook."
    FILES.append(Entry(name, "file", lambda full: content, "zero", "review", why))


def _word() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document>def step(): pass</w:document>")
    return packed.getvalue()


_foreign("empty-file", b"", "An empty file")
_foreign("only-zeros", bytes(4096), "A file of zeros")
_foreign("pdf", b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\n(def step)\n%%EOF", "A PDF")
_foreign("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64), "A picture")
_foreign("word-document", _word(), "A Word document")
_foreign("html-renamed", b"<!DOCTYPE html>\n<html><body><pre>def step(x):\n  pass", "A web page")
_foreign("login-page", b"<html><title>Sign in</title></html>", "A page to log in")
_foreign("shortcut", b"[InternetShortcut]\nURL=https://colab\n", "A link")
_foreign("json-of-something-else", b'{"grades": [1, 2, 3], "name": "ada"}', "Other JSON")
_foreign("no-cells", b'{"cells": [], "metadata": {}, "nbformat": 4}', "A notebook without cells")
_foreign("markdown", b"# Exercises\n\nMy answer is that $a_t = 0.6$.\n", "A text")
