"""What a hostile reader found that the corpus lacked: each entry has the fair score.

Two findings have no entry, since entries change the sheet ``ddim``: ``exploding_weights`` below,
which are weights for ``ddpm.train`` that nobody trained, and names of files (see students.py):

    Ada_123_assignsubmission_file_Bob_55_assignsubmission_file_y.ipynb    is graded as Moodle's 55
    ada/results.jsonl beside ada/ddim.ipynb                               ada has no row at all
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from corpus_entry import Entry, edited, encoded, locate, put, solution

honest = partial(edited, category="honest", scores="full")
cheat = partial(edited, category="cheat")

_SAME = "The student's own check says that it is right, on the same cells."

_STEP_HEAD = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):"
_SLERP, _STEP, _TIMESTEPS = solution("slerp"), solution("step"), solution("timesteps")


def exploding_weights(edge: float = 2.76) -> Any:
    """A network for ddpm.train: 0 everywhere but at one point in a thousand, where it explodes.

    Its excess loss of about 1e8 has a standard error of the same size, and a bound that may be
    missed by three standard errors is then met. Full points with each of 100 hidden seeds.
    """
    import torch

    from genbook.nn.mlp import MLP

    network = MLP()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.hidden[0].weight[0, 0] = 100.0
        network.hidden[0].bias[0] = -100.0 * edge
        network.hidden[1].weight[0, 0] = network.hidden[2].weight[0, 0] = 1.0
        network.out.weight[:, 0] = 1e4
    return network


def _indented(source: str) -> str:
    return "\n".join("    " + line for line in source.split("\n"))


def _using(line: str) -> str:
    """The right slerp, with one more line that must not fail."""
    return (
        f"{_SLERP}\n\n\n_slerp = slerp\n\n\ndef slerp(u, v, w):\n    {line}\n"
        "    return _slerp(u, v, w)"
    )


def _changed(name: str, why: str, change: Callable[[dict[str, Any]], None]) -> Entry:
    def make(notebook: dict[str, Any]) -> bytes:
        change(notebook)
        return encoded(notebook)

    return Entry(name, "honest", make, "full", "graded", why)


def _setup_cell(notebook: dict[str, Any]) -> None:
    setup = next(part for part in notebook["cells"] if part.get("id") == "setup")
    setup["source"] = "".join(setup["source"]) + "\n\n\ndef own_helper(x):\n    return x"
    put(notebook, "slerp", _using("u = own_helper(u)"))


def _checked(question: str, answer: str, call: str) -> Callable[[dict[str, Any]], None]:
    """Another answer, and another call in its check cell."""

    def change(notebook: dict[str, Any]) -> None:
        put(notebook, question, answer)
        notebook["cells"][locate(notebook, question) + 1]["source"] = call

    return change


ENTRIES = [
    # --- Honest work that loses points -----------------------------------------------------------
    honest(
        "under-time-and-capture",
        why=_SAME,
        answers={"slerp": f"%%time\n{_SLERP}", "timesteps": f"%%capture out\n{_TIMESTEPS}"},
    ),
    honest(
        "written-module",
        why=_SAME,
        before={"slerp": f"%%writefile my_answers.py\nimport math\n\nimport torch\n\n\n{_SLERP}"},
        answers={"slerp": "from my_answers import slerp"},
    ),
    honest(
        "run-module",
        why=_SAME,
        before={"slerp": f"%%writefile my_answers.py\nimport math\n\nimport torch\n\n\n{_SLERP}"},
        answers={"slerp": "%run my_answers.py"},
    ),
    honest(
        "missing-package-above-answer",
        why="A package that only a plot needed is not there; the answer below it needs none.",
        answers={"slerp": f"import a_package_for_plots as plots\n\n{_SLERP}"},
    ),
    honest(
        "missing-package-among-imports",
        why="A package that only a plot needed is not there; the imports below it are.",
        first="import a_package_for_plots as plots\nimport cmath as own",
        answers={"slerp": _using("own.pi")},
    ),
    honest(
        "missing-file-above-constant",
        why="What fails is a picture; the number below it is computed, and the answer right.",
        answers={
            "slerp": "picture = open('/content/cat.png').read()\nzero = torch.zeros(())\n\n\n"
            + _using("u = u + zero")
        },
    ),
    _changed("helper-in-the-set-up-cell", _SAME, _setup_cell),
    _changed(
        "checked-under-another-name",
        "The student's own check says which function is the answer, and that it is right.",
        _checked(
            "step",
            f"{_STEP_HEAD}\n    return xt * 0  # first try\n\n\n"
            + _STEP.replace("def step(", "def step_2("),
            'check("ddim.step", step_2)',
        ),
    ),
    _changed(
        "checked-method",
        _SAME,
        _checked(
            "slerp",
            f"class Solver:\n    @staticmethod\n{_indented(_SLERP)}\n\n\nsolver = Solver()",
            'check("ddim.slerp", solver.slerp)',
        ),
    ),
    honest(
        "twelve-cells-beyond-their-time",
        why="Experiments that take too long are stopped; the answers below them are not lost.",
        first="import time\ntime.sleep(100)",
        before={
            q: "import time\ntime.sleep(100)"
            for q in ("by_hand", "timesteps", "step", "slerp", "sample", "order")
        },
        after={q: "time.sleep(100)" for q in ("by_hand", "timesteps", "step", "slerp", "sample")},
    ),
    # --- Cheats ----------------------------------------------------------------------------------
    cheat(
        "three-guesses",
        why="Three answers were handed in, of which the one that stands in the end is wrong.",
        answers={
            "step": f"GUESS = int('1')\n\n\n{_STEP.replace('def step(', 'def _third(')}\n\n\n"
            f"{_STEP_HEAD}\n    guess = globals().get('GUESS', 3)\n"
            "    if guess == 3:\n        return _third(schedule, xt, eps, t, s, eta, noise)\n"
            "    return xt * guess",
        },
        last="GUESS = int('2')",
    ),
    cheat(
        "first-guess-counts",
        why="What stands in the end is wrong; the notes say that the last definition counts.",
        answers={"step": _STEP},
        last=f"{_STEP_HEAD.replace('step', 'other')}\n    return xt * 0\n\n\nstep = other",
    ),
    # Its feedback is looked at in test_engine.py.
    cheat(
        "tells-the-inputs",
        why="Nothing is computed, and the feedback must not hand the hidden inputs on.",
        answers={
            "slerp": "def slerp(u, v, w):\n"
            "    raise ValueError(f'HIDDEN {w!r} {u.flatten()[:3].tolist()}')",
            "timesteps": "def timesteps(T, steps, spacing='linear'):\n"
            "    return type(f'HIDDEN T={T} steps={steps} {spacing}', (), {})()",
        },
    ),
]
