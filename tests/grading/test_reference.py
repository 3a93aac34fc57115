"""Secret cases: what the kernel is sent, and what it is not."""

import base64
import pickletools
from dataclasses import replace

import pytest
import torch

from coursekit.grading import reference, values
from coursekit.project import CourseError
from genbook import checks
from genbook.checks import compare
from genbook.checks.run import outcomes

TRIED = [
    q
    for slug in checks.slugs()
    for q in checks.questions(slug)
    if not q.manual and not getattr(q, "training", None)
]
by_id = pytest.mark.parametrize("q", TRIED, ids=lambda q: q.id)

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@by_id
def test_the_reference_and_every_other_right_answer_pass_through_json(q):
    prepared = reference.prepare(q, "seed of this test")
    for answer in (q.reference, *q.alternatives):
        done = outcomes(q, answer, prepared.cases)
        rows = values.loads(values.dumps(done))["outcomes"]
        assert prepared.judge(prepared.decode(rows)).points == q.points


@by_id
def test_every_misconception_is_named_through_json(q):
    prepared = reference.prepare(q, "seed of this test")
    for known in q.misconceptions:
        done = outcomes(q, known.function, prepared.cases)
        result = prepared.judge(prepared.decode(values.loads(values.dumps(done))["outcomes"]))
        assert (result.points, result.misconception) == (0, known.name)


def codes(function):
    """The byte code of a function, or of a class's methods; short ones are alike by chance."""
    methods = list(vars(function).values()) if isinstance(function, type) else [function]
    found = [method.__code__.co_code for method in methods if hasattr(method, "__code__")]
    return [code for code in found if len(code) > 40]


@by_id
def test_no_kernel_gets_a_reference_that_could_help_it(q):
    data = base64.b64decode(reference.prepare(q, "seed of this test").payload)
    sheet = [p for p in TRIED if p.id.partition(".")[0] == q.id.partition(".")[0]]
    helpful = []
    for other in sheet:
        known = [other.reference, *other.alternatives]
        if any(code in data for function in known for code in codes(function)):
            helpful.append(other.id)
    assert helpful == []


def test_the_search_for_code_finds_code():
    import cloudpickle

    module = __import__("genbook.checks.ddim", fromlist=["step"])
    cloudpickle.register_pickle_by_value(module)
    try:
        data = cloudpickle.dumps(module.step)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert all(code in data for code in codes(module.step))


@by_id
def test_the_kernel_needs_no_module_of_questions(q):
    data = base64.b64decode(reference.prepare(q, "seed of this test").payload)
    texts = {arg for _, arg, _ in pickletools.genops(data) if isinstance(arg, str)}
    wanted = {text for text in texts if text.startswith("genbook.checks.")}
    machinery = {
        f"genbook.checks.{name}" for name in ("registry", "compare", "run", "result", "show")
    }
    # By value means that the module is mentioned; what counts is that it is not imported.
    assert wanted - machinery <= {q.cases.__module__}


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


def test_a_question_that_no_cases_can_grade_is_said():
    (q,) = [q for q in TRIED if q.id == "ddim.step"]
    with pytest.raises(CourseError, match="needs repair"):
        reference.prepare(replace(q, alternatives=(lambda *a, **k: None,)), "some seed")


@by_id
def test_most_draws_of_cases_can_be_used(q):
    """Eight of the thousand numbers: where most fail, twenty attempts might not be enough."""
    good = [reference._tells_right_from_wrong(q, number) for number in range(60, 1000, 120)]
    assert sum(good) >= 5


@pytest.mark.parametrize("value", [float("nan"), [1.0, float("inf")], torch.tensor([1.0]) / 0])
def test_no_expected_value_is_infinite(value):
    q = replace(checks.question("ddim.by_hand"), reference=lambda: value)
    q = replace(q, alternatives=(), misconceptions=())
    with pytest.raises((AssertionError, CourseError), match=r"ddim\.by_hand"):
        reference.prepare(q, "seed of this test")
