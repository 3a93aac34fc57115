"""Questions that are answered by a trained network: every one of the registry, and the machinery.

The first part trains for real and is slow. The second has a question of its own, a line through the
origin, and files of weights of every kind.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from torch import nn

from genbook import checks
from genbook.checks import Misconception, Question, Training
from genbook.checks.ddpm import excess
from genbook.checks.machinery import trained
from genbook.checks.machinery.run import verdict
from genbook.checks.machinery.trained import export, judge_weights

REGISTRY = [q for slug in checks.slugs() for q in checks.questions(slug) if q.training]
by_id = pytest.mark.parametrize("q", REGISTRY, ids=lambda q: q.id)
# A network of images takes half a minute each time, a dozen of them too long for every run of CI;
# and twelve thousand digits a seed, of many samplers with many seeds, some minutes.
LENGTHY = ("own_digits.train", "own_sampler.own")
by_training = pytest.mark.parametrize(
    "q",
    [pytest.param(q, marks=pytest.mark.long if q.id in LENGTHY else (), id=q.id) for q in REGISTRY],
)
HIDDEN = range(1, 21)  # seeds of the data; 0 is public


def trained_with(train, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return train()


# Every training question --------------------------------------------------------------------------


def test_there_are_training_questions():
    assert {"ddpm.train", "own_digits.train", "own_sampler.own"} <= {q.id for q in REGISTRY}


@pytest.mark.slow
@pytest.mark.timeout(3600)  # fifteen minutes on a quiet machine for images
@by_training
def test_a_correct_training_has_all_points_on_hidden_data(q):
    for train in (q.reference, *q.alternatives):
        data = export(trained_with(train, 0))
        for seed in HIDDEN:
            result = judge_weights(q, data, seed, slack=0.0)
            assert result.points == q.points, f"seed {seed}, {train}:\n{result.message}"
            assert "\n" not in result.message


@pytest.mark.long
@pytest.mark.timeout(3600)  # a minute on a quiet machine, five for images
@by_id
def test_the_bound_is_reached_with_ten_seeds_of_the_training(q):
    values = []
    for seed in range(10):
        network = trained_with(q.reference, seed)
        with torch.no_grad():
            values.append(q.training.score(network.eval(), 100 + seed)[0])
    print(q.id, [round(value, 4) for value in sorted(values)])
    sign = 1 if q.training.better == "lower" else -1
    spread = np.std(values)
    assert all(sign * (value - q.training.bound) < -2 * spread for value in values), values


@pytest.mark.slow
@pytest.mark.timeout(1200)
@by_training
def test_every_wrong_training_is_rejected_and_named(q):
    for m in q.misconceptions:
        data = export(trained_with(m.function, 1))
        for seed in range(5):
            result = judge_weights(q, data, seed)
            assert result.points == 0, f"{m.name} is accepted with seed {seed}"
            assert result.misconception == m.name, f"{m.name}, seed {seed}:\n{result.message}"
            assert m.sentence in result.message


@by_id
def test_the_score_belongs_to_the_weights_and_the_seed(q):
    network = q.training.build().eval()
    before = export(network)
    torch.manual_seed(3)
    with torch.no_grad():
        one = q.training.score(network, 7)
        torch.manual_seed(4)
        assert q.training.score(network, 7) == one != q.training.score(network, 8)
    assert export(network) == before
    assert judge_weights(q, before, 7) == judge_weights(q, before, 7)


@by_id
def test_an_untrained_network_is_far_from_the_bound_and_small_enough_to_hand_in(q):
    assert len(export(q.training.build())) <= trained.LIMIT
    for seed in HIDDEN:
        network = trained_with(q.training.build, seed)
        with torch.no_grad():
            value, error = q.training.score(network, seed)
        # The error of a ratio grows with it: an untrained table is 338 of DDIM's, to 17.
        assert abs(float(value) - q.training.bound) > 15 * error


class Says(nn.Module):
    """A network that answers as a function does."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x, t):
        return self.function(x, t)


def test_ddpm_cannot_be_passed_by_zero_or_without_the_time_and_the_best_is_perfect():
    for seed in HIDDEN:
        best, _ = excess.score(Says(excess.expected_eps), seed)
        assert best == 0
        for is_said, function in (
            (0.64, lambda x, t: 0 * x),
            (0.14, lambda x, t: excess.without_time(x)),
        ):
            value, error = excess.score(Says(function), seed)
            # What the sheet says, and far from enough.
            assert abs(value - is_said) < 4 * error + 0.005
            assert value - 10 * error > 1.5 * excess.BOUND


def test_ddpm_without_time_is_the_best_of_all_that_cannot_see_it():
    """Its error is orthogonal to everything that is a function of x alone."""
    g = torch.Generator().manual_seed(0)
    _, _, eps, x = excess.batch(40_000, g)
    left = eps - excess.without_time(x)
    for probe in (torch.ones_like(x), x, x.sin(), x.norm(dim=1, keepdim=True) * x, x.flip(1)):
        products = (left * probe).sum(1)
        assert abs(products.mean()) < 4 * products.std() / len(x) ** 0.5


# The machinery, on a line -------------------------------------------------------------------------


class Line(nn.Module):
    def __init__(self, inner: int = 1) -> None:
        super().__init__()
        self.slope = nn.Linear(inner, 1, bias=False)
        self.offset = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.slope(x) + self.offset


def line(slope: float, offset: float = 0.0) -> Line:
    network = Line()
    with torch.no_grad():
        network.slope.weight.fill_(slope)
        network.offset.fill_(offset)
    return network


def score(network: nn.Module, seed: int) -> tuple[float, float]:
    x = torch.randn(1000, 1, generator=torch.Generator().manual_seed(seed))
    errors = (network(x) - 2 * x).square()
    return float(errors.mean()), float(errors.std()) / 1000**0.5


def slope_upside_down(network: nn.Module, seed: int) -> tuple[str, str]:
    slope = float(network(torch.ones(1, 1)))
    return f"slope {slope:.2g}", "upside down" if abs(slope - 0.5) < 0.1 else ""


LINE = Question(
    id="sample.line",
    points=2,
    name="fit_line",
    reference=lambda: line(2.0),
    training=Training(Line, score, 0.01, "squared error", diagnose=slope_upside_down),
    misconceptions=(
        Misconception("upside down", lambda: line(0.5), "That is the slope of x over y."),
    ),
)
RIGHT = export(line(2.0))


def file_of(tensors: dict[str, np.ndarray], **changes) -> bytes:
    """A safetensors file, written by hand so that it can be wrong."""
    header, body = {}, b""
    for key, value in tensors.items():
        kind = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64"}[
            str(value.dtype)
        ]
        ends = [len(body), len(body) + value.nbytes]
        header[key] = {"dtype": kind, "shape": list(value.shape), "data_offsets": ends}
        body += value.tobytes()
    header.update(changes)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


WEIGHTS = {"slope.weight": np.full((1, 1), 2.0, "f4"), "offset": np.zeros(1, "f4")}


def test_a_right_network_passes_as_itself_and_as_the_function_that_trains_it():
    for answer in (line(2.0), lambda: line(2.0), line(2.0).double(), line(2.0).bfloat16()):
        result = verdict(LINE, answer)
        assert result.points == 2
        assert (
            result.message
            == "sample.line ✓ 2/2 points, squared error 0 ± 0 (at most 0.01 is asked for)"
        )


def test_a_wrong_one_hears_its_value_the_bound_and_the_misconception():
    result = verdict(LINE, lambda: line(0.5))
    assert result.misconception == "upside down"
    assert result.message.splitlines() == [
        "sample.line ✗ 0/2 points · squared error 2.38 ± 0.1, but at most 0.01 is asked for",
        "  slope 0.5",
        "  → That is the slope of x over y.",
    ]
    other = verdict(LINE, line(1.0))
    assert other.misconception is None and other.message.endswith("  slope 1")


def test_where_more_is_better():
    training = replace(
        LINE.training, better="higher", bound=-0.01, score=lambda n, s: (-score(n, s)[0], 0.0)
    )
    upwards = replace(LINE, training=training)
    assert verdict(upwards, line(2.0)).points == 2
    assert "but at least -0.01 is asked for" in verdict(upwards, line(1.0)).message


def test_the_grader_allows_for_other_data_and_the_check_does_not():
    def at(value, error):
        return replace(LINE, training=replace(LINE.training, score=lambda n, s: (value, error)))

    # Three errors, but no more than a tenth of the bound.
    for value, error, strict, kind in (
        (0.01, 2e-4, 2, 2),
        (0.0105, 2e-4, 0, 2),
        (0.0107, 2e-4, 0, 0),
        (0.0109, 1e-3, 0, 2),
        (0.0111, 1e-3, 0, 0),
    ):
        entry = at(value, error)
        assert verdict(entry, line(2.0)).points == strict
        result = judge_weights(entry, RIGHT, 1)
        assert result.points == kind
        assert ("within the error" in result.message) == (strict < kind)
    for value, error in ((math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (0.5, math.inf)):
        assert "is not a number" in judge_weights(at(value, error), RIGHT, 1).message


WRONG = {
    "not answered yet": lambda: unanswered(),
    "this is an object of type Tensor; give the network, or the function": torch.zeros(1),
    "this is the class Line; give the network": Line,
    "returned None: is a `return` missing?": lambda: None,
    "returned an object of type OrderedDict; give the network": lambda: OrderedDict(),
    "your code raised ZeroDivisionError": lambda: 1 / 0,
    "your code raised SystemExit": lambda: exit(),
    "your code raised TypeError": lambda x: x,
    "2 missing, the first is 'offset'; 2 unexpected, the first is 'bias'": nn.Linear(1, 1),
    "'slope.weight' should have shape (1, 1), not (1, 2)": Line(2),
    "1 of the 2 tensors of your network hold NaN or infinite numbers, the first is 'offset'": line(
        2.0, math.nan
    ),
    "first is 'slope.weight': the training diverged": line(-math.inf),
    "bytes of weights, and 300000 can be handed in": nn.Linear(400, 400),
    "the weights hold NaN or infinite numbers, in 'offset'": line(2.0)
    .double()
    .apply(lambda m: [p.data.fill_(1e300) for p in m.parameters()]),
    "squared error of your network is not a number": line(3e38),
    "is of type I64, not of a float type": nn.BatchNorm1d(1),
}


def unanswered():
    raise NotImplementedError


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_with_a_network_is_said(message):
    result = verdict(LINE, WRONG[message])
    assert result.points == 0 and message in result.message
    assert result.message.startswith("sample.line ✗ 0/2 points · ")


class Liar(nn.Module):
    def state_dict(self, *args, **kwargs):
        raise RuntimeError("no")


class Teller(nn.Module):
    def state_dict(self, *args, **kwargs):
        return {"offset": "zero"}


def test_liars():
    assert "cannot be read: RuntimeError: no" in verdict(LINE, Liar()).message
    assert "cannot be read: AttributeError" in verdict(LINE, Teller()).message

    class Mine(Line):
        def forward(self, x):  # the weights count, not what the student's class makes of them
            return 2 * x

    assert verdict(LINE, Mine()).points == 0


def test_tied_weights_and_views_can_be_handed_in():
    network = line(2.0)
    network.slope.weight.data = torch.full((3, 1), 2.0).T[:, 1:2]
    assert export(network) == RIGHT
    network.other = network.slope
    assert len(safetensors.torch.load(export(network))) == 3


def test_float16_and_float64_files_count():
    for kind in ("f2", "f4", "f8"):
        data = file_of({key: value.astype(kind) for key, value in WEIGHTS.items()})
        assert judge_weights(LINE, data, 1).points == 2
    assert judge_weights(LINE, file_of(WEIGHTS, __metadata__={"a": "b"}), 1).points == 2


HUGE = {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}
FILES = {
    "empty": b"",
    "short": b"1234",
    "pickle": b"\x80\x04\x95" + bytes(100),
    "zip": b"PK\x03\x04" + bytes(100),
    "header beyond the end": struct.pack("<Q", 2**63) + b"{}",
    "no JSON": struct.pack("<Q", 2) + b"{[",
    "no text": struct.pack("<Q", 2) + b"\xff\xfe",
    "a list": struct.pack("<Q", 2) + b"[]",
    "deep": struct.pack("<Q", 60_000) + b"[" * 60_000,
    "long digits": struct.pack("<Q", 60_000) + b"1" * 60_000,
    "cut": RIGHT[:-1],
    "more": RIGHT + b"x",
    "large": RIGHT + bytes(10**6),
    "missing": file_of({"offset": WEIGHTS["offset"]}),
    "extra": file_of({**WEIGHTS, "x" * 1000: WEIGHTS["offset"]}),
    "whole numbers": file_of({**WEIGHTS, "offset": np.zeros(1, "i8")}),
    "nan": file_of({**WEIGHTS, "offset": np.full(1, np.nan, "f4")}),
    "infinite": file_of({**WEIGHTS, "offset": np.full(1, np.inf, "f8")}),
    "too large for float32": file_of({**WEIGHTS, "offset": np.full(1, 1e200, "f8")}),
    "huge shape": file_of(WEIGHTS, offset=HUGE),
    "many axes": file_of(WEIGHTS, offset={**HUGE, "shape": [1] * 1000, "data_offsets": [4, 8]}),
    "negative": file_of(WEIGHTS, offset={**HUGE, "shape": [-1], "data_offsets": [4, 8]}),
    "fraction": file_of(WEIGHTS, offset={**HUGE, "shape": [1.0], "data_offsets": [4, 8]}),
    "overlapping": file_of(WEIGHTS, offset={**HUGE, "shape": [1], "data_offsets": [0, 4]}),
    "outside": file_of(WEIGHTS, offset={**HUGE, "shape": [1], "data_offsets": [8, 12]}),
    "backwards": file_of(WEIGHTS, offset={**HUGE, "shape": [1], "data_offsets": [8, 4]}),
    "three ends": file_of(WEIGHTS, offset={**HUGE, "shape": [1], "data_offsets": [4, 8, 8]}),
    "other words": file_of(WEIGHTS, offset={"dtype": "F32", "shape": [1]}),
    "no entry": file_of(WEIGHTS, offset=None),
    "unknown type": file_of(WEIGHTS, offset={**HUGE, "dtype": "F8_E5M2"}),
    "type of no type": file_of(WEIGHTS, offset={**HUGE, "dtype": ["F32"]}),
}


@pytest.mark.parametrize("kind", FILES)
def test_bad_files_have_no_points_and_a_reason(kind):
    result = judge_weights(LINE, FILES[kind], 1)
    assert result.points == 0 and result.misconception is None
    assert "weights" in result.message or "of a float type" in result.message
    assert len(result.message) < 300


def test_nothing_is_unpickled(monkeypatch):
    import pickle

    def never(*args, **kwargs):
        raise AssertionError("a file of weights was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, never)
    monkeypatch.setattr(torch, "load", never)
    for data in (RIGHT, FILES["pickle"], FILES["zip"]):
        judge_weights(LINE, data, 1)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(RIGHT) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_never_raises(at, byte, cut):
    data = RIGHT[:at] if cut else RIGHT[:at] + bytes([byte]) + RIGHT[at + 1 :]
    assert judge_weights(LINE, data, 1).message


# Handing in ---------------------------------------------------------------------------------------


@pytest.fixture
def in_ipython(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("genbook.checks.machinery.run.question", lambda _: LINE)
    shell = InteractiveShell.instance()
    yield tmp_path
    InteractiveShell.clear_instance()
    del shell


def shown(answer) -> tuple[str, list[str]]:
    with capture_output() as captured:
        checks.check("sample.line", answer)
    return captured.stdout, [out.data.get("text/html", "") for out in captured.outputs]


def test_the_check_leaves_the_weights_in_the_output_and_in_a_file(in_ipython):
    printed, pages = shown(lambda: line(2.0))
    assert printed.startswith("sample.line ✓ 2/2 points")
    assert (in_ipython / "sample.line.safetensors").read_bytes() == RIGHT
    assert len(pages) == 1
    assert f"<!-- genbook-weights:sample.line:{base64.b64encode(RIGHT).decode()} -->" in pages[0]
    assert trained.embedded(pages, "sample.line") == [RIGHT]
    assert shown(lambda: line(2.0)) == (printed, pages)  # the same weights, the same output


def test_a_network_that_misses_the_bound_is_handed_in_and_nothing_is_where_there_is_none(
    in_ipython,
):
    assert trained.embedded(shown(line(1.0))[1], "sample.line") == [export(line(1.0))]
    for answer in (unanswered, Line(2), line(math.nan), 3):
        assert shown(answer)[1] == []
    assert (in_ipython / "sample.line.safetensors").read_bytes() == export(line(1.0))


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(in_ipython):
    (in_ipython / "sample.line.safetensors").mkdir()
    _, pages = shown(line(2.0))
    assert "are kept in this notebook." in pages[0]
    assert trained.embedded(pages, "sample.line") == [RIGHT]


def test_without_a_notebook_only_the_line_is_printed(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("genbook.checks.machinery.run.question", lambda _: LINE)
    assert checks.check("sample.line", line(2.0)).points == 2
    assert capsys.readouterr().out.count("\n") == 1
    assert (tmp_path / "sample.line.safetensors").read_bytes() == RIGHT


def comment(data: bytes, question_id: str = "sample.line") -> str:
    return f"<p>x</p><!-- genbook-weights:{question_id}:{base64.b64encode(data).decode()} -->"


def test_weights_are_found_last_first_and_only_sound_ones():
    one, two, three, four = (bytes([i]) * 30 for i in range(4))
    pages = [comment(one), comment(two) + comment(three), comment(two), comment(four, "sample.x")]
    assert trained.embedded(pages, "sample.line") == [two, three, one]
    assert trained.embedded(pages, "sample.line", most=2) == [two, three]
    assert trained.embedded(pages, "sample.other") == []
    bad = ["<!-- genbook-weights:sample.line:abc -->", "<!-- genbook-weights:sample.line: -->"]
    assert trained.embedded([*bad, comment(bytes(10**6))], "sample.line") == []


def test_an_entry_has_a_score_or_cases():
    with pytest.raises(ValueError, match="not by cases"):
        replace(LINE, cases=lambda seed: [])
    with pytest.raises(ValueError, match="not by cases"):
        replace(LINE, use=lambda answer: answer)


def test_a_network_cannot_buy_slack_with_an_enormous_error():
    """0 nearly everywhere and enormous at a few points: the error is as large as the value."""
    q = checks.question("ddpm.train")
    network = q.training.build()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.hidden[0].weight[0, 0] = 100.0
        network.hidden[0].bias[0] = -276.0
        network.hidden[1].weight[0, 0] = network.hidden[2].weight[0, 0] = 1.0
        network.out.weight[:, 0] = 1e4
        values = [q.training.score(network, seed) for seed in range(1, 21)]
    assert any(value <= 0.05 + 3 * error for value, error in values), "the attack is none"
    data = trained.export(network)
    assert [judge_weights(q, data, seed).points for seed in range(1, 21)] == [0] * 20
