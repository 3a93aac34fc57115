"""The registry of questions, entry by entry, and the machinery on answers of every kind.

The first half is generic: a new question is tested by being in the registry. The second half uses a
small registry of its own, so that the machinery is tested even where a chapter does not use it.
"""

import importlib
import inspect
import itertools
import math
import random
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

import mutation
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genbook import checks
from genbook.checks import Case, Misconception, Question, answers
from genbook.checks.machinery import compare, show
from genbook.checks.machinery.misconception import Answer, Equivalent, changed
from genbook.checks.machinery.run import judge, outcomes, trial, verdict

# A registry for the tests -------------------------------------------------------------------------


def noisy(x0, eps, a):
    if not 0 <= a <= 1:
        raise ValueError(f"a must lie in [0, 1], not {a}")
    b = math.sqrt(1 - a**2)
    return a * x0 + b * eps


def noisy_loop(x0, eps, a):
    if a < 0 or a > 1:
        raise ValueError("out of range")
    out = torch.empty_like(x0)
    for i in range(len(x0)):
        out[i] = a * x0[i] + (1 - a * a) ** 0.5 * eps[i]
    return out


def noisy_numpy(x0, eps, a):
    if a < 0 or a > 1:
        raise ValueError
    return a * x0.double().numpy() + np.sqrt(1 - a**2) * eps.double().numpy()


def noisy_cases(seed):
    g = torch.Generator().manual_seed(seed)

    def batch(*shape):
        return torch.randn(*shape, generator=g), torch.randn(*shape, generator=g)

    return [
        Case((*batch(2, 1, 2, 2), 0.8), label="a batch of two"),
        Case(batch(3, 1, 4, 4), {"a": 0.3}, "larger images"),
        Case((*batch(1, 1, 1, 1), 1.0), label="no noise"),
        Case((*batch(1, 1, 1, 1), 0.0), label="no signal"),
        Case((*batch(1, 1, 1, 1), 1.5), label="a too large"),
        Case((*batch(1, 1, 1, 1), -0.1), label="a negative"),
    ]


def no_root(x0, eps, a):
    noisy(x0, eps, a)
    return a * x0 + (1 - a**2) * eps


def in_place(x0, eps, a):
    noisy(x0, eps, a)
    x0 *= a
    return x0 + math.sqrt(1 - a**2) * eps


NOISY = Question(
    id="sample.noisy",
    points=2,
    name="noisy",
    reference=noisy,
    cases=noisy_cases,
    misconceptions=(
        Misconception("variance", no_root, "b is a standard deviation: where is the square root?"),
        Misconception("in place", in_place, "`*=` writes into the caller's tensor."),
    ),
    alternatives=(noisy_loop, noisy_numpy),
    equivalent_mutants={
        "if not 0 <= a <= 1: → if not 0 <= a <= 2:": "math.sqrt raises a ValueError too, for a > 1",
    },
)


def times(T, steps):
    return [round(T * i / steps) for i in range(steps, -1, -1)]


def times_without_zero(T, steps):
    return times(T, steps)[:-1]


TIMES = Question(
    id="sample.times",
    points=1,
    name="times",
    reference=times,
    cases=lambda seed: [Case((1000, 10)), Case((20, 3)), Case((7 + seed, 1))],
    misconceptions=(Misconception("short", times_without_zero, "The last time is 0."),),
    alternatives=(
        lambda T, steps: torch.linspace(T, 0, steps + 1, dtype=torch.double).round().long(),
        lambda T, steps: (round(T * (steps - i) / steps) for i in range(steps + 1)),
        lambda T, steps: tuple(times(T, steps)),
    ),
)


class Average:
    def __init__(self, decay):
        self.decay, self.value = decay, None

    def update(self, x):
        if self.value is None:
            self.value = x.clone()
        else:
            self.value = self.decay * self.value + (1 - self.decay) * x


class Swapped(Average):
    def update(self, x):
        first = self.value is None
        self.value = x.clone() if first else (1 - self.decay) * self.value + self.decay * x


def feed(average, decay, xs):
    a = average(decay)
    for x in xs:
        a.update(x)
    return a.value


AVERAGE = Question(
    id="sample.average",
    points=1,
    name="Average",
    reference=Average,
    use=feed,
    cases=lambda seed: [
        Case((0.9, list(torch.randn(3, 2, generator=torch.Generator().manual_seed(seed)))))
    ],
    misconceptions=(Misconception("swapped", Swapped, "decay is the weight of the past."),),
    alternatives=(type("A", (Average,), {}), type("B", (Average,), {})),
)
SAMPLES = [NOISY, TIMES, AVERAGE]

REGISTRY = [q for slug in checks.slugs() for q in checks.questions(slug)]
TRIED = [q for q in [*REGISTRY, *SAMPLES] if not q.manual]
by_id = pytest.mark.parametrize("q", TRIED, ids=lambda q: q.id)
# What is trained has a score instead of cases: tests/test_trained.py.
WITH_CASES = [q for q in TRIED if q.training is None]
by_cases = pytest.mark.parametrize("q", WITH_CASES, ids=lambda q: q.id)

# Every question of every chapter ------------------------------------------------------------------


def test_ids_are_unique_and_belong_to_their_chapter():
    ids = [q.id for q in REGISTRY]
    assert len(set(ids)) == len(ids)
    for slug in checks.slugs():
        for q in checks.questions(slug):
            assert q.id.startswith(slug + ".")
            assert checks.question(q.id) is q


@pytest.mark.parametrize("q", [q for q in REGISTRY if not q.manual], ids=lambda q: q.id)
def test_a_question_has_a_file_of_its_own(q):
    module = importlib.import_module(f"genbook.checks.{q.id}")
    assert module.QUESTION is q
    # What its cases need travels with it to a kernel; what is trained has none, and a pencil's one.
    assert q.training or q.cases.__module__ in (module.__name__, checks.pencil.__module__)


@by_id
def test_an_entry_is_complete(q):
    assert q.points <= 10 and q.name.isidentifier()
    assert q.misconceptions, "a question needs at least one known way of being wrong"
    assert len(q.alternatives) >= 2, "two other correct answers, written differently"
    # There may be several ways of making one mistake, and one thing to say about it.
    named = {(m.name, m.sentence) for m in q.misconceptions}
    assert len({name for name, _ in named}) == len(named)
    for m in q.misconceptions:
        assert m.sentence[-1] in ".?!)" and len(m.sentence) >= 15


@by_cases
def test_the_reference_is_finite_and_the_same_seed_gives_the_same_cases(q):
    one, two = (outcomes(q, q.reference, q.cases(3)) for _ in range(2))
    assert one and any(o.kind == "value" for o in one)
    for first, second in zip(one, two, strict=True):
        assert first.kind == second.kind and first.kind in ("value", "error")
        if first.kind == "value":
            # NaN is not equal to itself, so this also finds a reference that is not finite.
            assert compare.mismatch(first.value, second.value, 0, 0) == ""
    assert all(compare.same(a.args, b.args) for a, b in zip(q.cases(3), q.cases(3), strict=True))


# Twenty seeds in all. The cases of one, and what is known to be done in them, are made once.
by_seeds = pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(3), id="first"),
        pytest.param(range(3, 20), id="others", marks=pytest.mark.slow),
    ],
)
BY_ID = {q.id: q for q in WITH_CASES}


@cache
def known(question_id, seed):
    return trial(BY_ID[question_id], seed)


@by_seeds
@by_cases
def test_correct_answers_have_all_points_on_twenty_seeds(q, seeds):
    for seed in seeds:
        for answer in (q.reference, *q.alternatives):
            result = verdict(q, answer, seed, known(q.id, seed))
            assert result.points == q.points, f"seed {seed}, {answer}:\n{result.message}"
            assert "\n" not in result.message


@by_seeds
@by_cases
def test_every_misconception_is_rejected_and_named_on_twenty_seeds(q, seeds):
    for seed in seeds:
        for m in q.misconceptions:
            result = verdict(q, m.function, seed, known(q.id, seed))
            assert result.points == 0, f"{m.name} is accepted with seed {seed}"
            assert result.misconception == m.name, f"{m.name}, seed {seed}:\n{result.message}"
            assert m.sentence in result.message


@by_id
def test_the_stub_scores_zero(q):
    def stub(*args, **kwargs):
        raise NotImplementedError()

    result = verdict(q, stub)
    assert (result.points, result.misconception) == (0, None)
    assert result.message.endswith("· not answered yet")


# What the sheets show as solutions is mutated in tests/grading/test_solutions.py, where also the
# equivalent mutants of those are accounted for.
@by_cases
def test_mutants_of_the_reference_are_killed(q):
    all_of_them = [m.description for m in mutation.mutants(q.reference)]
    assert all_of_them, "no mutants: write the reference itself out"
    listed = q.equivalent_mutants
    assert all(len(reason) > 10 for reason in listed.values())
    alive = mutation.survivors(q, seeds=(0,))  # the student's own: it refuses what any seed does
    weak = [text for text in alive if not mutation.covered(text, listed)]
    assert not weak, "no case tells these from the reference:\n" + "\n".join(weak)
    killed = [t for t in all_of_them if t not in alive and mutation.covered(t, listed)]
    assert not killed, f"not equivalent at all: {killed}"


ODD = {
    "None": lambda *a, **k: None,
    "text": lambda *a, **k: "42",
    "class": lambda *a, **k: int,
    "itself": lambda *a, **k: print,
    "nan": lambda *a, **k: float("nan"),
    "inf tensor": lambda *a, **k: torch.full((2, 1, 2, 2), math.inf),
    "huge number": lambda *a, **k: 10**6000,
    "huge numbers": lambda *a, **k: [10**6000, 1],
    "empty": lambda *a, **k: torch.zeros(0),
    "ragged": lambda *a, **k: [[1, 2], [3]],
    "endless": lambda *a, **k: itertools.count(),
    "endless tensors": lambda *a, **k: itertools.repeat(torch.zeros(1)),
    "objects": lambda *a, **k: np.array([object()]),
    "meta": lambda *a, **k: torch.zeros(2, 1, 2, 2, device="meta"),
    "sparse": lambda *a, **k: torch.zeros(2, 2).to_sparse(),
    "set": lambda *a, **k: {1, 2},
    "dict": lambda *a, **k: {(1, 2): 3},
    "exit": lambda *a, **k: exit(),
    "deep": lambda *a, **k: deep(*a, **k),
    "no arguments": lambda: 1,
    "type": dict,
}


def deep(*args, **kwargs):
    return deep(*args, **kwargs)


# Reading ten thousand tensors in every case is a third of this file's time; nothing of it depends
# on the question.
ODD_ANSWERS = [
    pytest.param(q, odd, id=f"{odd}-{q.id}", marks=[pytest.mark.slow] if slow else [])
    for q in TRIED
    for odd in ODD
    for slow in [odd == "endless tensors" and q not in SAMPLES]
]


@pytest.mark.parametrize(("q", "odd"), ODD_ANSWERS)
def test_odd_answers_score_zero_without_an_exception(q, odd):
    result = verdict(q, ODD[odd])
    assert result.points == 0 and result.message


HUGE = 10**5000  # Python refuses to write it in digits


@pytest.mark.parametrize(
    "value",
    [
        HUGE,
        {HUGE: 1},
        {1: 2, "a": HUGE},
        [HUGE, 1.0],
        [complex(1, 2), HUGE],
        [[HUGE, 1], [2]],
        {float("nan"): 1},
        float("inf"),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array([1], dtype=np.longdouble),
        np.zeros((1,) * 20),
        "\ud800",
        [None, {}, []],
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "q", [*SAMPLES, *map(checks.question, ("ddim.by_hand", "objects.predict"))], ids=lambda q: q.id
)
def test_no_value_breaks_the_verdict(q, value):
    expected = compare.plain(q.reference(*q.cases(0)[0].args)) if not q.use else None
    shapes = [value]
    if isinstance(expected, dict):
        shapes.append(dict.fromkeys(expected, value))
    if isinstance(expected, list):
        shapes.append([value] * len(expected))
    for shape in shapes:
        result = verdict(q, lambda *args, shape=shape, **kwargs: shape)
        assert result.points == 0 and result.message


# The machinery ------------------------------------------------------------------------------------


def test_the_line_of_a_right_answer(monkeypatch, capsys):
    monkeypatch.setattr("genbook.checks.machinery.run.question", lambda _: NOISY)
    result = checks.check("sample.noisy", noisy)
    assert capsys.readouterr().out == "sample.noisy ✓ 2/2 points, 6 cases\n"
    assert (result.points, result.possible, result.misconception) == (2, 2, None)
    assert verdict(TIMES, times).message == "sample.times ✓ 1/1 point, 3 cases"


def test_a_wrong_answer_raises_where_nbgrader_would_give_points_for_silence(monkeypatch, capsys):
    monkeypatch.setattr("genbook.checks.machinery.run.question", lambda _: NOISY)
    assert checks.check("sample.noisy", no_root).points == 0
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert checks.check("sample.noisy", noisy).points == 2
    with pytest.raises(AssertionError, match=r"sample\.noisy has no points"):
        checks.check("sample.noisy", no_root)
    assert "where is the square root?" in capsys.readouterr().out


def test_the_message_of_a_misconception():
    lines = verdict(NOISY, no_root).message.splitlines()
    assert lines[0] == "sample.noisy ✗ 0/2 points · case 1 of 6 (a batch of two):"
    assert lines[1].strip() == "noisy(" and lines[4].strip() == "a=0.8,"
    assert "x0=tensor([[[[1.541, -0.2934]" in lines[2]
    assert lines[6].startswith("  8 of 8 values differ, most at [")
    assert lines[-1] == "  → b is a standard deviation: where is the square root?"


MESSAGES = {
    "None: is a `return` missing": lambda x0, eps, a: None,
    "keep noisy(x0, eps, a)": lambda x0: x0,
    "the shape is (2, 1, 2), expected (2, 1, 2, 2)": lambda x0, eps, a: noisy(x0, eps, a)[..., 0],
    "8 of 8 values are NaN": lambda x0, eps, a: noisy(x0, eps, a) * math.nan,
    "values are infinite": lambda x0, eps, a: noisy(x0, eps, a) / 0,
    "on device meta": lambda x0, eps, a: noisy(x0, eps, a).to("meta"),
    "the result is complex": lambda x0, eps, a: noisy(x0, eps, a) + 0j,
    "the dtype is bool": lambda x0, eps, a: noisy(x0, eps, a) > 0,
    "half precision": lambda x0, eps, a: noisy(x0.half(), eps.half(), a),
    "got the text 'x'": lambda x0, eps, a: "x",
    "the class int instead of a value": lambda x0, eps, a: int,
    "were its parentheses forgotten": lambda x0, eps, a: noisy,
    "an object of type object": lambda x0, eps, a: object(),
    "got a dictionary": lambda x0, eps, a: {"x": noisy(x0, eps, a)},
    "changed its argument eps in place": lambda x0, eps, a: noisy(x0, eps.mul_(2), a),
    "your code raised NameError: name 'undefined'": lambda x0, eps, a: undefined,  # noqa: F821
    "your code raised SystemExit": lambda x0, eps, a: exit(),
    "your code raised RecursionError": lambda x0, eps, a: deep(),
    "two different results": lambda x0, eps, a: a * x0 + torch.randn_like(eps),
    "give the function itself": 3.5,
    "more than 10000 items": lambda x0, eps, a: itertools.count(),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_what_went_wrong_is_said(message):
    result = verdict(NOISY, MESSAGES[message])
    assert result.points == 0 and message in result.message


def test_a_missing_error_and_another_error_are_said():
    lenient = verdict(NOISY, lambda x0, eps, a: a * x0 + max(0, 1 - a**2) ** 0.5 * eps).message
    assert "(a too large)" in lenient and "must raise a ValueError, but it returned" in lenient

    def other(x0, eps, a):
        assert 0 <= a <= 1
        return noisy(x0, eps, a)

    assert "must raise a ValueError: AssertionError" in verdict(NOISY, other).message


def test_an_exception_is_shown_with_its_line():
    def broken(x0, eps, a):
        b = math.sqrt(1 - a**2)
        return x0.matmul(b)

    message = verdict(NOISY, broken).message
    assert "in line" in message and message.rstrip().endswith("return x0.matmul(b)")


@pytest.mark.parametrize(
    "draw", [torch.rand, lambda n: np.random.rand(n)[0], lambda n: random.random()]
)
def test_the_global_random_numbers_are_left_as_they_were(draw):
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    expected = float(draw(1))
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    verdict(NOISY, lambda x0, eps, a: x0 * torch.rand(1) * np.random.rand() * random.random())
    assert float(draw(1)) == expected


class Liar(torch.Tensor):
    """A tensor that says yes to everything."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True

    shape = dtype = device = layout = property(lambda self: 1 / 0)


class Equal:
    __class__ = torch.Tensor

    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        raise KeyError("no")

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("no")


class Worse(Exception):
    def __str__(self):
        raise RuntimeError("no")


def test_liars():
    assert verdict(NOISY, lambda x0, eps, a: x0.as_subclass(Liar)).points == 0
    result = verdict(NOISY, lambda x0, eps, a: noisy(x0, eps, a).as_subclass(Liar))
    assert result.points == NOISY.points  # the numbers below are right
    assert "an object of type Equal" in verdict(NOISY, lambda x0, eps, a: Equal()).message
    assert verdict(NOISY, Equal()).points == 0

    class Array(np.ndarray):
        def __eq__(self, other):
            return True

        __sub__ = __array_ufunc__ = lambda *args, **kwargs: 0

    assert verdict(NOISY, lambda x0, eps, a: x0.numpy().view(Array)).points == 0

    def fails(x0, eps, a):
        raise Worse

    assert "your code raised Worse" in verdict(NOISY, fails).message


def test_arguments_belong_to_the_call():
    cases = noisy_cases(0)
    before = compare.clone(cases[0].args)
    result = judge(NOISY, cases, outcomes(NOISY, in_place, cases))
    assert compare.same(before, cases[0].args)
    assert result.misconception == "in place"

    class Schedule:
        def __init__(self):
            self.betas = torch.ones(3)

    def use(schedule, generator):
        return schedule.betas * torch.rand(3, generator=generator)

    def spoil(schedule, generator):
        value = use(schedule, generator)
        schedule.betas[0] = 0
        return value

    q = Question(
        "sample.use",
        1,
        use,
        lambda seed: [Case((Schedule(), torch.Generator().manual_seed(seed)))] * 2,
    )
    assert verdict(q, use).points == 1
    assert "changed its argument schedule" in verdict(q, spoil).message


VALUES = [
    (1.0, 1.0 + 1e-7, True),
    (1, 1.0, True),
    (Fraction(1, 3), 1 / 3, True),
    (torch.tensor(0.5), 0.5, True),
    (np.float32(0.5), 0.5, True),
    ([0.5, 0.25], torch.tensor([0.5, 0.25]), True),
    (np.array([[1.0, 2.0]]), [[1.0, 2.0]], True),
    ((torch.zeros(2), 1.0), [torch.zeros(2), 1.0], True),
    (torch.zeros(3, 2), [torch.zeros(2)] * 3, True),
    ([torch.tensor(1), torch.tensor(2)], [1, 2], True),
    (range(3), [0, 1, 2], True),
    (np.int32(3), 3, True),
    (3.0, 3, True),
    (10**40, 10**40, True),
    (True, True, True),
    (torch.tensor(True), True, True),
    ("abc", "abc", True),
    (None, None, True),
    ({"a": 1.0}, {"a": 1.0}, True),
    (torch.tensor([1.0], requires_grad=True), [1.0], True),
    (torch.nn.Parameter(torch.ones(2)), torch.ones(2), True),
    (torch.ones(2).to_sparse(), torch.ones(2), True),
    (torch.ones(2, dtype=torch.bfloat16), torch.ones(2), True),
    (torch.tensor([1 + 2j]).conj(), np.array([1 - 2j]), True),
    (1.0, 1.1, False),
    (1, True, False),
    (0.0, False, False),
    ([3.0, 2.0], [3, 2], False),
    (torch.tensor([0.5]), 0.5, False),
    ((1.0, 2.0), [torch.zeros(2), 1.0], False),
    ([1.0, 2.0, 3.0], [1.0, 2.0], False),
    ([], [1.0], False),
    ({"a": 1.0}, {"b": 1.0}, False),
    ({"a": 1.0}, {"a": 2.0}, False),
    ([1.0], {"a": 1.0}, False),
    (0, None, False),
    ("abc", "abd", False),
    (math.nan, 1.0, False),
    (math.nan, math.nan, False),
    (10**40, 10**40 + 1e39, False),
    ([[1, 2], [3]], [[1, 2], [3]], True),
    ([[1, 2], [3]], [[1, 2], [4]], False),
    ([[1, 2], [3]], [[1, 2], [3, 4]], False),
    ([[1, 2], [3]], [[1, 2], [3, 4], [5]], False),
    ([[1, 2], [3]], torch.ones(2, 2), False),
    ([10**400, 1], [10**400, 1], True),
    (10**400, 10**400 + 1, False),
]


@pytest.mark.parametrize(("got", "expected", "agree"), VALUES)
def test_values_agree_by_what_they_are(got, expected, agree):
    reason = compare.mismatch(compare.plain(got), compare.plain(expected), 1e-4, 1e-6)
    assert (reason == "") == agree, reason


def test_answers_are_compared_with_one_another_by_their_values():
    """A student's float tensor and a misconception's list of whole numbers are one mistake."""
    got, other = (compare.plain(v) for v in (torch.tensor([3.0, math.nan]), [3, math.nan]))
    assert compare.mismatch(got, other, 0, 0, loose=True) == ""
    floats, whole = compare.plain([3.0, 2.0]), compare.plain([3, 2])
    assert compare.mismatch(floats, whole, 0, 0, loose=True) == ""
    assert compare.mismatch(compare.plain([3.0, 2.5]), whole, 0, 0, loose=True)
    assert compare.mismatch(compare.plain([True, True]), compare.plain([1, 1]), 0, 0, loose=True)


HAND = Question(
    id="sample.hand",
    points=1,
    name="hand",
    reference=lambda: {"a": [1, 2, 3], "b": [4, 5]},
    cases=lambda seed: [Case()],
    misconceptions=(
        Misconception("late", lambda: {"a": [1, 2, 4], "b": [4, 5]}, "The last one is too large."),
    ),
)


def test_an_answer_by_hand_is_not_given_away():
    for answer in ({"a": [1, 2, 4], "b": [4, 5]}, {"a": torch.tensor([1.0, 2, 4]), "b": (4, 5)}):
        result = verdict(HAND, lambda answer=answer: answer)
        assert result.misconception == "late" and "5" not in result.message
    late = verdict(HAND, HAND.misconceptions[0].function)
    assert "\n  'a' is wrong\n" in late.message and "3" not in late.message
    assert late.reason == "'a' is wrong"
    short = verdict(HAND, lambda: {"a": [1, 2, 3], "b": [4]}).message
    assert "'b' is wrong" in short and "5" not in short
    ragged = verdict(HAND, lambda: [[1, 2, 3], [4, 5]]).message
    assert "a dictionary with the keys a, b is asked for" in ragged
    assert "is a `return` missing?" in verdict(HAND, lambda: None).message


THREE = Question(
    "sample.three",
    1,
    lambda: (0.25, 7.5, 31.0),
    checks.pencil("the three numbers"),
    misconceptions=(
        Misconception("upside down", lambda: (4.0, 7.5, 31.0), "It is upside down."),
        Misconception("doubled", lambda: (0.5, 15.0, 62.0), "Each is twice too large."),
        Misconception("sign", lambda: (0.25, 7.5, -31.0), "The sign is wrong."),
    ),
)
PARTLY = {
    "number 2 is wrong": ((0.25, 15.0, 31.0), ["doubled"]),
    "number 1 and number 3 are wrong": (torch.tensor([0.5, 7.5, 62.0]), ["doubled"]),
    "number 1, number 2 and number 3 are wrong": ([4, 15, -31], ["upside down", "doubled", "sign"]),
    "number 3 is wrong": ([0.25, 7.5, 9.0], []),
    # "upside down" and "sign" leave 7.5 as it is: they are not what is wrong with 7.504.
    "number 2 is rounded too much": ((0.25, 7.504, 31.0), []),
    "number 3 is wrong; number 2 is rounded too much": ((0.25, 7.504, -31.0), ["sign"]),
    "3 numbers are asked for": ([0.25, 7.5], []),
}


@pytest.mark.parametrize("reason", PARTLY)
def test_each_number_of_an_answer_by_hand_is_told_by_itself(reason):
    answer, names = PARTLY[reason]
    result = verdict(THREE, lambda: answer)
    assert reason in result.message and "expected" not in result.message
    assert not any(number in result.message for number in ("0.25", "7.5", "31"))
    told = {m.name for m in THREE.misconceptions if m.sentence in result.message}
    assert told == set(names) and result.misconception == (names or [None])[0]


PLACE = r"((row \d, )?number \d|'\w+')"
PENCILS = [q for q in WITH_CASES if q.cases.__module__ == checks.pencil.__module__]


@pytest.mark.parametrize("q", PENCILS, ids=lambda q: q.id)
def test_a_pencils_message_tells_the_place_and_nothing_else(q):
    for m in q.misconceptions:
        _, call, reason, *_ = verdict(q, m.function).message.splitlines()
        assert call.endswith(f"{q.name}()")
        assert re.fullmatch(rf"  {PLACE}((, {PLACE})* and {PLACE})? (is|are) wrong", reason), reason


def test_the_entry_that_differs_is_shown_although_the_value_is_long():
    q = replace(TIMES, cases=lambda seed: [Case((1000, 40))])
    message = verdict(q, lambda T, steps: [*times(T, steps)[:-3], 51, 25, 0]).message
    assert "got       […, 100, 75, 51, 25, 0] from [36], 41 in all" in message
    assert "expected  […, 100, 75, 50, 25, 0] from [36], 41 in all" in message

    def spotted(x0, eps, a):
        out = noisy(x0, eps, a)
        out[-1, 0, -1, -1] += 1
        return out

    large = replace(NOISY, cases=lambda seed: noisy_cases(seed)[1:2])
    lines = verdict(large, spotted).message.splitlines()
    got, expected = (
        line for line in lines if " of shape (3, 1, 4, 4), float32, at [2, 0, 3, " in line
    )
    assert got.partition("at [")[2] != expected.partition("at [")[2]

    both = replace(HAND, reference=lambda n: {"same": 1, "other": n}, cases=lambda s: [Case((2,))])
    message = verdict(both, lambda n: {"same": 1, "other": [n]}).message
    assert "entry 'other'" in message and "same" not in message


def test_the_failing_case_can_be_tried_again(monkeypatch, capsys):
    monkeypatch.setattr("genbook.checks.machinery.run.question", lambda _: NOISY)
    checks.check("sample.noisy", no_root)
    assert "check.last.failing.args" in capsys.readouterr().out
    case = checks.check.last.failing
    assert case.label == "a batch of two" and not torch.equal(
        no_root(*case.args), noisy(*case.args)
    )
    checks.check("sample.noisy", noisy)
    assert checks.check.last.failing is None and "failing" not in capsys.readouterr().out


def test_a_story_stands_where_the_call_would():
    told = replace(
        AVERAGE, cases=lambda seed: [replace(AVERAGE.cases(seed)[0], story="two tensors come in")]
    )
    assert "\n    two tensors come in\n" in verdict(told, Swapped).message
    assert show.call("f", lambda shape: 0, Case(((4,),))) == "f(shape=(4,))"


IN_PLACE = {
    "the caller's x0 is destroyed": lambda x0, rates, noise: [x0.mul_(a) for a, b in rates],
    "what you multiply is still the caller's x0": (
        lambda x0, rates, noise: [x0.mul_(a).add_(b * noise).clone() for a, b in rates]
    ),
    "the caller's noise": lambda x0, rates, noise: [a * x0 + noise.mul_(b) for a, b in rates],
}


def test_what_is_written_in_place_is_told_by_what_it_does():
    """Each of these changes an argument; x0 is not to blame for the noise, and wrong is wrong."""
    q = checks.question("objects.film")
    for part in list(IN_PLACE)[1:]:
        assert part in verdict(q, IN_PLACE[part]).message
    other = verdict(q, IN_PLACE["the caller's x0 is destroyed"])
    assert "changed its argument x0 in place" in other.message and other.misconception is None


def test_an_argument_may_keep_what_it_was_asked_and_nothing_else():
    """A schedule keeps its rates in the type that was asked for; its β must stay."""
    q = checks.question("ddpm.q_sample")

    def by_rates(schedule, x0, t, eps):
        a, b = schedule.rates(t, x0)
        return a * x0 + b * eps

    def destroying(schedule, x0, t, eps):
        a, b = schedule.rates(t, x0)
        schedule.betas[1:] *= 2
        return a * x0 + b * eps

    assert verdict(q, by_rates).points == q.points
    assert "changed its argument schedule in place" in verdict(q, destroying).message


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.sampled_from(
        [torch.zeros(2, 0), torch.ones(1, dtype=torch.int8), np.array("a"), object()]
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(got=ANYTHING, expected=ANYTHING)
def test_no_value_breaks_the_comparison(got, expected):
    try:
        one, two = compare.plain(got), compare.plain(expected)
    except compare.Unreadable as reason:
        assert str(reason)
        return
    assert isinstance(compare.mismatch(one, two, 1e-4, 1e-6), str)
    assert isinstance(show.value(got), str) and "\n" not in show.value(got)
    assert compare.same(got, compare.clone(got))


def test_a_manual_question_waits_for_a_reader():
    q = Question("sample.explain", 3, manual=True)
    assert verdict(q, None).message == "sample.explain · read by your instructor (3 points)"
    with pytest.raises(ValueError, match="manual"):
        Question("sample.explain", 3)
    with pytest.raises(ValueError, match="points"):
        Question("sample.explain", 0, manual=True)
    with pytest.raises(ValueError, match="slug"):
        Question("explain", 1, manual=True)


def test_a_cell_that_uses_an_answer_says_that_there_is_none_and_nothing_else_is_hidden(capsys):
    def noisy():
        raise NotImplementedError()

    with checks.once_answered("sample.noisy"):
        noisy()
    sentence = "This cell uses your answer to sample.noisy, which is still to be written. "
    assert capsys.readouterr().out.startswith(sentence)
    with checks.once_answered("sample.times", "sample.noisy"):
        noisy()
    assert capsys.readouterr().out.startswith(sentence)  # the one that it met

    def times(answered):
        answered()

    with checks.once_answered("sample.times", "sample.noisy"):
        times(noisy)  # is written, and calls what is not
    assert capsys.readouterr().out.startswith(sentence)
    with checks.once_answered("sample.one", "sample.two"):
        raise NotImplementedError
    assert "sample.one and sample.two" in capsys.readouterr().out
    with checks.once_answered("sample.noisy"):
        print("a result")
    assert capsys.readouterr().out == "a result\n"
    for error in (NotImplementedError("for 'Half'"), ValueError(), KeyboardInterrupt()):
        with pytest.raises(type(error)), checks.once_answered("sample.noisy"):
            raise error
    assert capsys.readouterr().out == ""


def test_unknown_ids_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"no question 'nowhere\.step'"):
        checks.check("nowhere.step", noisy)
    with pytest.raises(ValueError, match="no question None"):
        checks.check(None, noisy)
    with pytest.raises(ValueError, match="no questions for 'nowhere'"):
        checks.questions("nowhere")


# The mutation tool --------------------------------------------------------------------------------


def test_weak_cases_leave_mutants_alive():
    weak = replace(NOISY, cases=lambda seed: [Case((torch.ones(1), torch.zeros(1), 1.0))])
    alive = mutation.survivors(weak)
    assert "b = math.sqrt(1 - a ** 2) → b = 1 - a ** 2" in alive
    assert "return a * x0 + b * eps → return a * x0 - b * eps" in alive
    assert mutation.survivors(NOISY) == list(NOISY.equivalent_mutants)


def test_an_equivalent_mutant_may_be_listed_by_what_changes_in_its_line():
    line = "errors = [(f(n) - x).mean() for n in steps]"
    listed = ["mean() → sum()", "f(n) - x → x - f(n)", "for n in steps →"]
    assert mutation.covered(f"{line} → {line.replace('mean', 'sum')}", listed) == listed[:1]
    assert mutation.covered(f"{line} → {line.replace('mean', 'sum')} (2)", listed) == listed[:1]
    assert mutation.covered(f"{line} → {line.replace('f(n) - x', 'x - f(n)')}", listed) == [
        listed[1]
    ]
    assert mutation.covered(f"{line} → {line.replace('mean', 'sum')}", [line, "mean → max"]) == []
    assert mutation.covered("return x → (removed)", ["x → y", "return x → (removed)"]) == [
        "return x → (removed)"
    ]


def test_an_endless_mutant_is_stopped(monkeypatch):
    def count_down(n):
        steps = 0
        while n > 0:
            n = n - 1
            steps += 1
        return steps

    monkeypatch.setattr(mutation, "SECONDS", 0.2)
    q = Question("sample.count", 1, count_down, lambda seed: [Case((3,)), Case((5,))])
    assert mutation.survivors(q) == []
    assert any("n + 1" in m.description for m in mutation.mutants(count_down))


# Misconceptions as changes ------------------------------------------------------------------------


def scaled(x, factor=2):
    """Twice x."""
    y = factor * x
    return y + 1


class Counter:
    def __init__(self):
        self.count = 0

    def add(self, steps: "Unknown" = 1):  # noqa: F821
        self.count += steps
        return self.count


def sign_of(x):
    return 1 if x > 0 else -sign_of(-x)


def test_a_change_is_made_to_the_source_of_the_reference():
    assert changed(scaled, "y + 1 → y - 1")(3) == 5
    assert changed(scaled, "factor * x → factor + x", "+ 1 →")(3, factor=4) == 7
    assert changed(scaled, "factor * x → y", "y = → y = x =")  # made, whatever calling it does
    assert changed(scaled, "→ factor - x")(3) == -1
    assert changed(scaled, "→ -scaled(x, factor)")(3) == -7 and scaled(3) == 7
    assert inspect.signature(changed(scaled, "→ 0")) == inspect.signature(scaled)
    counter = changed(Counter, "+= steps → = steps")()
    assert [counter.add(2), counter.add()] == [2, 1]
    assert changed(sign_of, "x > 0 → x >= 0")(0) == 1
    assert changed(scaled, "y + 1 → math.pi")(0) == math.pi  # in the globals of the reference
    assert changed(scaled, "y + 1 → y").__code__.co_filename == __file__


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["z → y"], "'z' stands 0 times in\ndef scaled"),
        (["y → z"], "'y' stands 2 times"),
        (["y + 1 → y", "+ 1 → + 2"], "overlap"),
        (["y + 1"], "a change is written"),
        (["→ 1", "y + 1 → y"], "a change is written"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        changed(scaled, *changes)


def test_a_reference_that_cannot_be_changed_is_refused():
    def inner(x):
        return scaled(x) + offset

    offset, double = 1, lambda x: 2 * x
    with pytest.raises(ValueError, match="it uses names of the function around it"):
        changed(inner, "→ 1")
    with pytest.raises(ValueError, match="write it with def or class"):
        changed(double, "2 * x → 3 * x")
    with pytest.raises(ValueError, match="only a function can return 1"):
        changed(Counter, "→ 1")
    with pytest.raises(ValueError, match="only a function can return 1"):
        changed(Counter, body="return 1")
    with pytest.raises(ValueError, match="there is none"):
        _ = Misconception("late", ("a → b",), "A sentence.").function
    with pytest.raises(ValueError, match="there is none"):
        Answer("late", ("a → b",))()


def test_answers_are_read_from_a_table():
    found = answers("""
        as a sum: factor * x → sum([x] * factor)
        in a body:
            for _ in range(1):
                y = factor * x
            return 1 + y
        less: y + 1 → y - 1
            You subtract,
            with a {} in "braces".

        both: factor * x → x;  + 1 →
            Two changes.
        below:
            factor * x → x
            + 1 →
            Two lines: of changes.
        whole: → {"a": x}
            A sentence.
        it is added: y + 1 ≡ 1 + y
        ways: + 1 →
            or: factor * x → x; y + 1 → y + 2
            y = → z = y =
            or: + 1 → - 1
            One sentence for three.
    """)
    assert [(a.name, a.how) for a in found if isinstance(a, Answer)] == [
        ("as a sum", ("factor * x → sum([x] * factor)",)),
        ("in a body", "for _ in range(1):\n    y = factor * x\nreturn 1 + y"),
    ]
    wrong = [a for a in found if isinstance(a, Misconception)]
    assert [(m.name, m.how) for m in wrong] == [
        ("less", ("y + 1 → y - 1",)),
        ("both", ("factor * x → x", "+ 1 →")),
        ("below", ("factor * x → x", "+ 1 →")),
        ("whole", ('→ {"a": x}',)),
        ("ways", ("+ 1 →",)),
        ("ways", ("factor * x → x", "y + 1 → y + 2", "y = → z = y =")),
        ("ways", ("+ 1 → - 1",)),
    ]
    assert wrong[0].sentence == 'You subtract, with a {} in "braces".'
    assert wrong[2].sentence == "Two lines: of changes."
    assert {m.sentence for m in wrong[4:]} == {"One sentence for three."}
    assert Equivalent("it is added", "y + 1 → 1 + y") in found
    q = Question("sample.scaled", 1, scaled, lambda seed: [Case((3,))], found)
    assert [m.function(3) for m in q.misconceptions] == [5, 3, 3, {"a": 3}, 6, 5, 5]
    assert [answer(3) for answer in q.alternatives] == [7, 7]
    assert [verdict(q, answer).points for answer in q.alternatives] == [1, 1]
    assert q.equivalent_mutants == {"y + 1 → 1 + y": "it is added"}
    again = replace(q, reference=sign_of)  # a change belongs to the reference it was written for
    assert again.misconceptions[0].function(3) == 5 and again.alternatives[0](3) == 7
    for text in (
        "name → x",
        "name: y\n  A sentence.",
        "name:\n  A sentence.",
        "name: → 1\n or: → 2",
    ):
        with pytest.raises(ValueError, match="write 'name: old → new' and a sentence"):
            answers(text)


def test_a_change_is_made_when_it_is_first_asked_for():
    late = answers("late: nowhere → x\n  A sentence.")
    q = Question("sample.scaled", 1, scaled, lambda seed: [Case((3,))], late)
    assert verdict(q, scaled).points == 1
    with pytest.raises(ValueError, match="'nowhere' stands 0 times"):
        verdict(q, lambda x: x)


def test_a_name_is_the_ids_unless_another_is_given():
    assert Question("sample.explain", 3, manual=True).name == "explain"
    assert AVERAGE.name == "Average" and replace(AVERAGE).name == "Average"
    assert Question("sample.add", 1, Counter).name == "Counter"
