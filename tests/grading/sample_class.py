"""A class of thirty, with everything that strangers may put into names, messages and answers."""

from __future__ import annotations

import hashlib
import random

from coursekit.grading.outgoing.overrides import Graded, Overrides, StudentOverride, apply
from coursekit.grading.verdict.results import QuestionResult, Row

QUESTIONS = {
    "ddim.by_hand": 2,
    "ddim.step": 3,
    "ddim.timesteps": 2,
    "ddim.repair": 3,
    "ddim.explain": 2,
}
TITLES = {
    "ddim.by_hand": "One step by hand",
    "ddim.step": "The three terms",
    "ddim.timesteps": "Which times to visit",
    "ddim.repair": "Repair the sampler",
    "ddim.explain": "Why fewer steps suffice",
}
SENTENCES = {
    "ddim.step": {
        "variance": "The noise has variance b_t: did you forget the square root?",
        "swapped": "a_t and a_s change places.",
    },
    "ddim.timesteps": {"ascending": "The times run from noise to data, so they descend."},
}
HOSTILE = [
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m \x07bell \x00nul",
    "\u202egnp.exe\u202c",
    "lone \ud800 surrogate",
    '=HYPERLINK("http://example.invalid";"x")',
    "../../etc/passwd",
    "'\"><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %}",
    "]]>&amp;<!--",
    "a\r\nb\tc",
]
_NAMES = ["ada", "alan", "barbara", "claude", "dorothy", "edsger", "emmy", "ernő", "frances"]
_NAMES += ["grace", "hedy", "ida", "john", "kathleen", "leslie", "mary", "niklaus", "olga"]
_NAMES += ["radia", "sophie", "tim"]
_FEEDBACK = {
    "wrong": (
        "case 2 of 4 (t = 7, s = 3):\n    step(\n      schedule=NoiseSchedule(T=20),\n"
        "      xt=tensor of shape (2, 1, 8, 8), float32, [0.1257, -0.1321, 0.6404, 0.1049, …],\n"
        "      t=7,\n      s=3,\n    )\n  the values differ, first at index (0, 0, 0, 0)\n"
        "    got       tensor of shape (2, 1, 8, 8), float32, [0.3113, -0.2154, …]\n"
        "    expected  tensor of shape (2, 1, 8, 8), float32, [0.2846, -0.2023, …]"
    ),
    "missing": "not answered yet",
    "error": "your code raised IndexError: index 21 is out of bounds\n    in line 4: bars[t + 1]",
    "timeout": "The function did not come back within 20 seconds.",
    "crashed": "The program ended while the function ran.",
}


def question(name: str, status: str, **other: object) -> QuestionResult:
    """A result of the sample assignment."""
    possible = QUESTIONS[name]
    points = {"right": possible, "manual": None}.get(status, 0)
    message = f"{name} ✓ {possible}/{possible} points, 4 cases" if status == "right" else ""
    values = {"points": points, "message": _FEEDBACK.get(status, message), **other}
    return QuestionResult(name, TITLES[name], possible=possible, status=status, **values)


def row(student: str, statuses: list[str], **other: object) -> Row:
    """A row with these statuses, in the order of the questions."""
    pairs = zip(QUESTIONS, statuses, strict=True)
    done = tuple(question(name, status) for name, status in pairs)
    values = {
        "file": f"{student}.ipynb",
        "sha256": hashlib.sha256(repr(student).encode()).hexdigest(),
        "assignment": "ddim",
        "level": "landlock",
        "seed": "5f2c9a",
        "status": "graded",
        "questions": done,
    }
    return Row(student=student, **{**values, **other})


def rows() -> list[Row]:
    """Thirty rows: mostly ordinary ones, and nine that nobody would invite."""
    rng = random.Random(4)
    made = []
    for i, name in enumerate(_NAMES):
        weights = [0.45 + 0.02 * i, 0.3, 0.12, 0.06, 0.04, 0.03]
        kinds = ["right", "wrong", "missing", "error", "timeout", "crashed"]
        statuses = rng.choices(kinds, weights, k=4)
        entry = row(name, [*statuses, "manual"])
        done = list(entry.questions)
        for place, known in ((1, ["variance", "swapped"]), (2, ["ascending"])):
            if done[place].status == "wrong" and rng.random() < 0.7:
                key = rng.choice(known)
                sentence = SENTENCES[done[place].id][key]
                message = f"{_FEEDBACK['wrong']}\n  → {sentence}"
                done[place] = question(done[place].id, "wrong", misconception=key, message=message)
        answer = (
            "Because the path is nearly straight, so that $x_s$ and $x_t$ share one $x_0$. " * 5
        )
        done[4] = question("ddim.explain", "manual", answer=answer)
        made.append(row(name, [*statuses, "manual"], questions=tuple(done)))
    for i, text in enumerate(HOSTILE[:7]):
        done = tuple(
            question(name, "wrong", message=text, misconception="variance" if i == 0 else None)
            for name in list(QUESTIONS)[:4]
        )
        answer = question("ddim.explain", "manual", answer=HOSTILE[-i - 1])
        made.append(
            row(
                text,
                ["wrong"] * 4 + ["manual"],
                file=f"{text}.ipynb",
                status="review",
                review=(f"The file is damaged: {text}",),
                notes=(text,),
                questions=(*done, answer),
            )
        )
    long = question("ddim.step", "error", message="x" * 1_000_000)
    made.append(row("vera", ["right"] * 4 + ["manual"], questions=(long,)))
    pdf = "This is a PDF, not a notebook: export is not submission."
    missing = ["missing"] * 4 + ["manual"]
    made.append(row("walter", missing, status="review", review=(pdf,), notes=(pdf,)))
    return made


def overrides() -> Overrides:
    """Half of the explanations marked, one grade changed, one question dearer."""
    marked = {
        name: StudentOverride(
            questions={"ddim.explain": [2, 1.5, 0][i % 3]},
            comments={"ddim.explain": "Good. But why does it hold for t = T?"} if i % 2 else {},
        )
        for i, name in enumerate(_NAMES[:12])
    }
    marked["tim"] = StudentOverride({"ddim.step": 1}, note="regraded after office hours")
    marked["walter"] = StudentOverride(reviewed=True)
    return Overrides({"ddim.step": 5}, marked)


def graded() -> list[Graded]:
    """The class as the exports and the report get it."""
    return apply(rows(), overrides(), QUESTIONS)
