"""Secret cases: what the kernel is sent, and what it is not."""

import base64
import pickletools
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
import torch

from coursekit.grading.jail import values
from coursekit.grading.verdict import reference
from coursekit.project import CourseError
from genbook import checks
from genbook.checks.machinery import compare
from genbook.checks.machinery.run import outcomes, trial

TRIED = [
    q
    for slug in checks.slugs()
    for q in checks.questions(slug)
    if not q.manual and not getattr(q, "training", None)
]
by_id = pytest.mark.parametrize("q", TRIED, ids=lambda q: q.id)

pytestmark = pytest.mark.slow


@cache
def by_seed(question_id, seed):
    return reference.prepare(checks.question(question_id), seed)


def by(question_id):
    return by_seed(question_id, "seed of this test")


def prepared(q):
    return by(q.id)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@by_id
def test_the_reference_and_every_other_right_answer_pass_through_json(q):
    secret = prepared(q)
    for answer in (q.reference, *q.alternatives):
        done = outcomes(q, answer, secret.cases)
        rows = values.loads(values.dumps(done))["outcomes"]
        assert secret.judge(secret.decode(rows)).points == q.points


@by_id
def test_every_misconception_is_named_through_json(q):
    secret = prepared(q)
    for known in q.misconceptions:
        done = outcomes(q, known.function, secret.cases)
        result = secret.judge(secret.decode(values.loads(values.dumps(done))["outcomes"]))
        assert (result.points, result.misconception) == (0, known.name)


def codes(function):
    """The byte code of a function, or of a class's methods; short ones are alike by chance."""
    methods = list(vars(function).values()) if isinstance(function, type) else [function]
    found = [method.__code__.co_code for method in methods if hasattr(method, "__code__")]
    return [code for code in found if len(code) > 40]


@by_id
def test_no_kernel_gets_a_reference_that_could_help_it(q):
    data = base64.b64decode(prepared(q).payload)
    sheet = [p for p in TRIED if p.id.partition(".")[0] == q.id.partition(".")[0]]
    helpful = []
    for other in sheet:
        known = [getattr(f, "function", f) for f in (other.reference, *other.alternatives)]
        if any(code in data for function in known for code in codes(function)):
            helpful.append(other.id)
    assert helpful == []


def test_the_search_for_code_finds_code():
    import cloudpickle

    module = __import__("genbook.checks.ddim.step", fromlist=["step"])
    cloudpickle.register_pickle_by_value(module)
    try:
        data = cloudpickle.dumps(module.step)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert all(code in data for code in codes(module.step))


@by_id
def test_the_kernel_needs_no_module_of_questions(q):
    data = base64.b64decode(prepared(q).payload)
    texts = {arg for _, arg, _ in pickletools.genops(data) if isinstance(arg, str)}
    wanted = {text for text in texts if text.startswith("genbook.checks.")}
    machinery = {
        f"genbook.checks.machinery.{name}"
        for name in ("registry", "compare", "run", "result", "show", "trusted")
    }
    # By value means that the module is mentioned; what counts is that it is not imported.
    chapter = f"genbook.checks.{q.id.partition('.')[0]}"
    assert {f"{text}.".startswith(f"{chapter}.") for text in wanted - machinery} <= {True}


def test_the_payloads_are_read_where_there_are_no_questions():
    """In a process that cannot import any chapter's questions, as a kernel cannot."""
    program = """
import base64, pickle, sys
import genbook.checks
class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("genbook.checks.") and not name.startswith("genbook.checks.machinery"):
            raise ImportError(f"{name} is not for kernels")
sys.meta_path.insert(0, Closed())
for payload in sys.stdin.read().split():
    question, cases = pickle.loads(base64.b64decode(payload))
    print(question.id, len(cases))
"""
    given = [prepared(q) for q in TRIED]
    payloads = "\n".join(each.payload for each in given)
    done = subprocess.run(
        [sys.executable, "-c", program], input=payloads, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{p.question.id} {len(p.cases)}" for p in given]


def test_another_seed_gives_other_cases_and_the_same_seed_the_same():
    (q,) = [q for q in TRIED if q.id == "ddim.step"]
    one, two, other = (reference.prepare(q, seed).cases for seed in ("a", "a", "b"))
    assert all(compare.same(a.args, b.args) for a, b in zip(one, two, strict=True))
    assert not any(compare.same(a.args, b.args) for a, b in zip(one, other, strict=True))


def test_a_fingerprint_tells_seeds_apart_and_does_not_hold_them():
    assert reference.fingerprint("secret") == reference.fingerprint("secret")
    assert reference.fingerprint("secret") != reference.fingerprint("secret2")
    assert "secret" not in reference.fingerprint("secret")


def test_cases_that_refuse_a_right_answer_are_not_used():
    (q,) = [q for q in TRIED if q.id == "ddim.timesteps"]
    refused = []

    def lucky(T, steps, spacing="linear"):
        right = q.reference(T, steps, spacing)
        if T % 2 and T not in (1000, 100, 8, 50):
            refused.append(T)
            return right[::-1]
        return right

    found = reference.prepare(replace(q, alternatives=(lucky,)), "some seed")
    assert all(outcome.kind == "value" for outcome in found.expected)
    assert {case.args[0] % 2 for case in found.cases} == {0} and refused


@by_id
def test_the_values_of_another_seed_earn_nothing(q):
    """A counter and a list of what was right under other seeds."""
    known = prepared(q)
    if not any(case.args or case.kwargs for case in known.cases):
        return  # by hand: the same whatever the seed
    for other in ("another seed", "and another", "a third"):
        done = by_seed(q.id, other).expected
        if len(done) == len(known.cases):
            assert known.judge(done).points == 0, other


def test_cases_that_other_draws_pass_are_not_used():
    q = checks.question("objects.storages")
    fixed = replace(q, cases=lambda seed: q.cases(5))
    with pytest.raises(CourseError, match="passed by the values of other draws"):
        reference.prepare(fixed, "some seed")


def test_a_question_that_no_cases_can_grade_is_said():
    (q,) = [q for q in TRIED if q.id == "ddim.step"]
    with pytest.raises(CourseError, match="needs repair"):
        reference.prepare(replace(q, alternatives=(lambda *a, **k: None,)), "some seed")


@by_id
def test_most_draws_of_cases_can_be_used(q):
    """Eight of the thousand numbers: where most fail, twenty attempts might not be enough."""
    good = [
        reference._tells_right_from_wrong(q, number, trial(q, number))
        for number in range(60, 1000, 120)
    ]
    assert sum(good) >= 5


@pytest.mark.parametrize("value", [float("nan"), [1.0, float("inf")], torch.tensor([1.0]) / 0])
def test_no_expected_value_is_infinite(value):
    q = replace(checks.question("ddim.by_hand"), reference=lambda: value)
    q = replace(q, alternatives=(), misconceptions=())
    with pytest.raises((AssertionError, CourseError), match=r"ddim\.by_hand"):
        reference.prepare(q, "seed of this test")
