"""Values of students as JSON: everything a check can return survives, and nothing else is read."""

import contextlib
import itertools
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.grading.jail import values
from genbook.checks.machinery import compare
from genbook.checks.machinery.run import Outcome

PLAIN = [
    None,
    True,
    0,
    -7,
    2**53,
    -(10**30),
    0.1,
    -0.0,
    math.nan,
    math.inf,
    -math.inf,
    1 + 2j,
    "",
    "ᾱ ✓ \x00",
    [],
    [1, [2.0, None]],
    {"a": 1, 2: [3.0], 0.5: "x"},
    compare.plain(torch.tensor(3.5)),
    compare.plain(torch.zeros(0, 3)),
    compare.plain(torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))),
    compare.plain(torch.tensor([True, False])),
    compare.plain(torch.tensor([1, 2**62])),
    compare.plain(torch.tensor([1 + 1j])),
    compare.plain(torch.ones(2).bfloat16()),
    compare.plain(np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::-1]),
    compare.plain(np.float32(2.5)),
]


def alike(one, other):
    """Equal in value, type, shape and the words that describe the type; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, compare.Array):
        same = np.array_equal(one.values, other.values, equal_nan=one.values.dtype.kind in "fc")
        return same and (one.dtype, one.device) == (other.dtype, other.device)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    return one == other or (one != one and other != other)


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: str(value)[:30])
def test_what_an_answer_returns_comes_back(value):
    sent = values.loads(values.dumps([Outcome("value", value)], nonce="n"))
    assert sent["nonce"] == "n"
    back = values.outcome(sent["outcomes"][0])
    assert back.kind == "value" and alike(back.value, value)


def test_alike_can_tell():
    assert not any(alike(a, b) for a, b in itertools.combinations(PLAIN, 2))


class Unlucky(ValueError):
    pass


class Exit(SystemExit):
    pass


@pytest.mark.parametrize(
    ("raised", "back"),
    [
        (ValueError, ValueError),
        (KeyboardInterrupt, KeyboardInterrupt),
        (ZeroDivisionError, ZeroDivisionError),
        (Unlucky, None),
        (Exit, None),
    ],
)
def test_errors_keep_their_family(raised, back):
    text = values.dumps([Outcome("error", problem="boom", error=raised)])
    found = values.outcome(values.loads(text)["outcomes"][0])
    assert found.problem == "boom"
    assert found.error is back if back else issubclass(found.error, raised.__mro__[1])


def test_a_class_that_lies_about_its_family_is_an_exception_at_least():
    row = {"kind": "error", "error": ["int", "object"], "problem": ""}
    with pytest.raises(ValueError, match="no exception"):
        values.outcome(row)


def test_what_is_too_large_is_said_and_not_sent():
    text = values.dumps([Outcome("value", compare.Array(np.zeros(2_000_000), "float64"))] * 2)
    assert len(text) < 1000
    rows = values.loads(text)["outcomes"]
    assert [values.outcome(row).kind for row in rows] == ["unreadable"] * 2


BAD = [
    None,
    [],
    {},
    {"kind": "value", "value": {"p": "cos\nsystem"}},
    {"kind": "value", "value": [1]},
    {"kind": "value", "value": {"l": 3}},
    {"kind": "value", "value": {"f": "1e400"}},
    {"kind": "value", "value": {"i": "12 34"}},
    {"kind": "value", "value": {"i": "f" * 200_000}},
    {"kind": "value", "value": {"m": [[[], 1]]}},
    {"kind": "value", "value": {"m": [[{"l": []}, 1]]}},
    {"kind": "value", "value": {"c": [1, 2]}},
    {"kind": "value", "value": {"a": "", "t": "O8", "s": [0], "d": "x", "v": "cpu"}},
    {"kind": "value", "value": {"a": "", "t": "<f3", "s": [0], "d": "x", "v": "cpu"}},
    {"kind": "value", "value": {"a": "", "t": "<f4", "s": [-1], "d": "x", "v": "cpu"}},
    {"kind": "value", "value": {"a": "", "t": "<f4", "s": [2**50], "d": "x", "v": "cpu"}},
    {"kind": "value", "value": {"a": "AAAA", "t": "<f4", "s": [1], "d": "x", "v": "cpu"}},
    {"kind": "value", "value": {"a": "~~~~", "t": "<f4", "s": [0], "d": "x", "v": "cpu"}},
    {"kind": "value", "value": {"a": "", "t": "<f4", "s": [0], "d": "<script>", "v": "cpu"}},
    {"kind": "error"},
    {"kind": "error", "error": []},
    {"kind": "error", "error": [1]},
    {"kind": "missing"},
    {"kind": "right", "points": 3},
    {"kind": "unreadable", "problem": 3},
]


@pytest.mark.parametrize("row", BAD, ids=lambda row: json.dumps(row)[:60])
def test_what_no_check_sends_is_refused(row):
    with pytest.raises(ValueError):
        values.outcome(row)


@pytest.mark.parametrize(
    "text", [None, 3, "", "[]", "{}", '{"outcomes": 3}', "[" * 100_000, "x" * (values.LIMIT + 2000)]
)
def test_a_text_that_is_no_message_is_refused(text):
    with pytest.raises(ValueError):
        values.loads(text)


def test_lists_in_lists_without_end_are_refused():
    value = 1
    for _ in range(100):
        value = {"l": [value]}
    with pytest.raises(ValueError, match="without end"):
        values.decode(value)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("alicmftsdv"), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(json_like)
def test_any_json_is_read_or_refused(found):
    with contextlib.suppress(ValueError):
        values.outcome({"kind": "value", "value": found})


def test_text_with_half_characters_can_be_written_anywhere():
    found = values.outcome(values.loads(values.dumps([Outcome("value", "\ud800")]))["outcomes"][0])
    assert found.value.encode() == b"?"
