"""Which objects are one, which share their numbers, and the moving average that shares none.

Every property has its planted fault below: a version of the function that gets it wrong and must be
found out by the same test.
"""

import copy
import io
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from genbook.checks import question
from genbook.checks.machinery.run import verdict
from genbook.objects import EMA, describe, same_object, shares_storage, snapshot

# Objects and storages ----------------------------------------------------------------------------


def test_same_object_is_identity_and_not_equality():
    a = [1, 2]
    b, c = a, [1, 2]
    assert same_object(a, b) and a == c and not same_object(a, c)
    x = torch.arange(3)
    assert not same_object(x[:], x) and shares_storage(x[:], x)
    assert not same_object(float("nan"), float("nan")) and same_object(None, None)


BASE = torch.arange(24.0).reshape(4, 6)
ARRAY = np.arange(24.0, dtype=np.float32).reshape(4, 6)
FROM_ARRAY = torch.from_numpy(ARRAY)
PAIRS = {
    "itself": (BASE, BASE, True),
    "a row": (BASE, BASE[2], True),
    "a transpose": (BASE, BASE.T, True),
    "a reshape that is a view": (BASE, BASE.reshape(6, 4), True),
    "a reshape that copies": (BASE, BASE.T.reshape(24), False),
    "contiguous() of contiguous": (BASE, BASE.contiguous(), True),
    "contiguous() of a transpose": (BASE, BASE.T.contiguous(), False),
    "expand": (BASE[:1], BASE[:1].expand(5, 6), True),
    "repeat": (BASE[:1], BASE[:1].repeat(5, 1), False),
    "slices that do not overlap": (BASE[:2], BASE[2:], True),
    "every other number": (BASE[:, ::2], BASE[:, 1::2], True),
    "detach": (BASE, BASE.detach(), True),
    "clone": (BASE, BASE.clone(), False),
    "a list as index": (BASE, BASE[[0, 1]], False),
    "a mask as index": (BASE, BASE[BASE > 3], False),
    "float() of float": (BASE, BASE.float(), True),
    "double() of float": (BASE, BASE.double(), False),
    "view as another type": (BASE, BASE.view(torch.int32), True),
    "numpy()": (BASE, BASE.numpy(), True),
    "a slice of numpy()": (BASE, BASE.numpy()[1:, ::-1], True),
    "a copy of numpy()": (BASE, BASE.numpy().copy(), False),
    "from_numpy": (ARRAY, FROM_ARRAY, True),
    "as_tensor": (ARRAY, torch.as_tensor(ARRAY), True),
    "torch.tensor": (ARRAY, torch.tensor(ARRAY), False),
    "from_numpy of a slice": (torch.from_numpy(ARRAY[2:]), FROM_ARRAY, True),
    "from_numpy of a slice, turned round": (FROM_ARRAY, torch.from_numpy(ARRAY[2:]), True),
    "two arrays": (ARRAY[:2], ARRAY[2:], True),
    "an array and its copy": (ARRAY, ARRAY.copy(), False),
    "an array backwards": (ARRAY, ARRAY[::-1], True),
    "meta": (torch.empty(3, device="meta"), torch.empty(3, device="meta"), False),
    "empty": (torch.empty(0), torch.empty(0), False),
    "an empty slice": (BASE[:0], BASE, False),
    "an empty slice of an array": (ARRAY[:0], ARRAY, False),
    "equal numbers": (torch.zeros(3), torch.zeros(3), False),
    "as_strided": (np.lib.stride_tricks.as_strided(ARRAY, (2,), (80,)), ARRAY[2:], True),
    "windows": (np.lib.stride_tricks.sliding_window_view(ARRAY, 3, axis=1), ARRAY, True),
    "windows of a copy": (
        np.lib.stride_tricks.sliding_window_view(ARRAY.copy(), 3, axis=1),
        ARRAY,
        False,
    ),
    "a list": ([torch.zeros(2), BASE[1]], {"x": BASE}, True),
    "a list without": ([torch.zeros(2)], (BASE,), False),
}


@pytest.mark.parametrize("name", PAIRS)
def test_shares_storage(name):
    a, b, expected = PAIRS[name]
    assert shares_storage(a, b) is expected
    assert shares_storage(b, a) is expected


def faults():
    """Ways of asking that are in use, and what each overlooks."""

    def numpy_of(x):
        return x.numpy() if isinstance(x, torch.Tensor) else x

    return {
        "same object": lambda a, b: a is b,
        "same first number": lambda a, b: a.data_ptr() == b.data_ptr(),
        "same storage address": lambda a, b: (
            a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
        ),
        "numpy's overlap": lambda a, b: np.shares_memory(numpy_of(a), numpy_of(b)),
        "equal values": lambda a, b: a.shape == b.shape and bool((a == b).all()),
    }


@pytest.mark.parametrize("fault", faults())
def test_the_pairs_find_the_usual_ways_of_asking_out(fault):
    def verdict(a, b):
        try:
            return faults()[fault](a, b)
        except Exception:
            return None

    assert any(verdict(a, b) is not expected for a, b, expected in PAIRS.values())


def test_windows_do_not_reach_beyond_their_array():
    """A window view has more bytes than there is memory: its size says nothing about its place."""
    both = np.zeros(2_000, dtype=np.float32)
    left, right = np.frombuffer(both.data, np.float32, 10), np.frombuffer(both.data, offset=40)
    windows = np.lib.stride_tricks.sliding_window_view(left, 5)
    assert windows.nbytes > left.nbytes
    assert shares_storage(windows, left) and not shares_storage(windows, right)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_write_that_is_seen_means_a_shared_storage(data):
    x = torch.zeros(3, 4)
    steps = {
        "row": lambda v: v[-1] if v.ndim and len(v) else v,
        "turn": lambda v: v.mT if v.ndim > 1 else v,
        "flat": lambda v: v.reshape(-1),
        "copy": lambda v: v.clone(),
        "skip": lambda v: v[::2] if v.ndim else v,
        "wide": lambda v: v.expand(2, *v.shape),
    }
    y = x
    for step in data.draw(st.lists(st.sampled_from(sorted(steps)), max_size=5)):
        y = steps[step](y)
    shared = shares_storage(x, y)
    if y.numel():
        x.fill_(1)
        assert bool((y == 1).all()) is shared


def test_networks_share_what_their_tensors_share():
    a, b = nn.Linear(2, 3), nn.Linear(2, 3)
    assert not shares_storage(a, b)
    assert shares_storage(a, a.state_dict()) and not shares_storage(a, snapshot(a.state_dict()))
    b.bias = a.bias
    assert shares_storage(a, b)
    norm = nn.BatchNorm1d(2, affine=False)
    assert shares_storage(norm, norm.running_mean)


@pytest.mark.parametrize("wrong", [3, "text", None, [1, 2]])
def test_what_has_no_storage_is_refused(wrong):
    with pytest.raises(TypeError, match="has no storage"):
        shares_storage(BASE, wrong)
    with pytest.raises(TypeError, match="several storages"):
        shares_storage(BASE.to_sparse(), BASE)


class Endless(torch.utils.data.IterableDataset):
    """Its loader has a `__len__` that raises."""

    def __iter__(self):
        return iter([torch.zeros(1)])


WORDS = [
    (7, "int 7, immutable"),
    ("x" * 100, "str 'xxxx"),
    (None, "NoneType None, immutable"),
    ([1, 2], "list of 2, mutable"),
    ((1, (2, "a")), "tuple of 2, immutable"),
    ((1, [2]), "tuple of 2, immutable, but it holds what can change"),
    ({1: 2}, "dict of 1, mutable"),
    (torch.zeros(2, 3), "Tensor (2, 3) of float32, all 6 numbers of its storage"),
    (torch.zeros(2, 3)[1], "Tensor (3,) of float32, a view: 3 of the 6 numbers of its storage"),
    (torch.zeros(2, 3).T, "Tensor (3, 2) of float32, all 6 numbers of its storage"),
    (torch.zeros(1, dtype=torch.int64).expand(4), "a view: 1 of the 1 numbers of its storage, so"),
    (torch.zeros(2).to_sparse(), "Tensor (2,) of float32, layout sparse_coo"),
    (nn.Parameter(torch.zeros(2)), "Parameter (2,) of float32, all 2 numbers of its storage"),
    (np.zeros(3), "ndarray (3,) of float64, owns its numbers"),
    (np.zeros(3)[1:], "ndarray (2,) of float64, a view"),
    (torch.zeros(3).numpy(), "ndarray (3,) of float32, a view"),
    (nn.Linear(2, 3), "Linear, mutable, 9 parameters in 2 tensors"),
    (list, "the class list"),
    (np.float32(1), "float32 1.0, immutable"),
    (torch.device("cpu"), "device device(type='cpu'), immutable"),
    (slice(1, 3), "slice slice(1, 3, None), immutable"),
    (np.frombuffer(b"abcd", dtype=np.uint8), "ndarray (4,) of uint8, a view"),
    (
        torch.zeros(10).unfold(0, 4, 2),
        "Tensor (4, 4) of float32, a view: 10 of the 10 numbers of its storage, some seen repeat",
    ),
    (torch.zeros(10).unfold(0, 3, 4), "a view: 6 of the 10 numbers of its storage"),
    (torch.zeros(10).as_strided((2, 3), (2, 3)), "a view: 6 of the 10 numbers of its storage"),
    (torch.zeros(10).as_strided((3, 2), (2, 4)), "a view: 5 of the 10 numbers of its storage, so"),
    (torch.utils.data.DataLoader(Endless()), "DataLoader, mutable"),
]


@pytest.mark.parametrize(("value", "words"), WORDS, ids=[words for _, words in WORDS])
def test_describe(value, words):
    assert words in describe(value)
    if words.endswith("mutable"):
        assert describe(value) == words


def test_describe_counts_shared_weights_once_and_gives_no_address():
    layer = nn.Linear(2, 2)
    assert describe(nn.Sequential(*[layer] * 3)).endswith("6 parameters in 2 tensors under 6 names")
    assert describe(BASE.clone()) == describe(BASE.clone())
    assert describe(object()) == "object, mutable"


def test_a_snapshot_does_not_change():
    layer = nn.Linear(2, 2)
    state = {
        "x": BASE.clone(),
        "list": [1, [torch.zeros(2)]],
        "array": np.zeros(2),
        "parameter": layer.weight,
        "order": OrderedDict(a=torch.zeros(1)),
    }
    taken = snapshot(state)
    kept = copy.deepcopy({k: v for k, v in taken.items() if k != "parameter"})
    weight = layer.weight.detach().clone()
    state["x"].add_(1), state["list"][1][0].add_(1), state["list"].append(2)
    state["array"] += 1
    state["order"]["a"].add_(1)
    with torch.no_grad():
        layer.weight.add_(1)
    assert torch.equal(taken["x"], kept["x"]) and taken["list"][0] == 1 and len(taken["list"]) == 2
    assert torch.equal(taken["list"][1][0], torch.zeros(2)) and (taken["array"] == 0).all()
    assert torch.equal(taken["parameter"], weight) and taken["order"]["a"].item() == 0
    assert isinstance(taken["order"], OrderedDict)


SNAPSHOT_FAULTS = {
    "the thing itself": lambda v: v,
    "shallow": copy.copy,
    "detached only": lambda v: [v[0].detach(), [t.detach() for t in v[1]]],
    "cloned on top only": lambda v: [v[0].clone(), v[1]],
}


@pytest.mark.parametrize("fault", [None, *SNAPSHOT_FAULTS])
def test_snapshot_faults_are_seen(fault):
    value = [torch.zeros(3), [torch.zeros(3)]]
    taken = SNAPSHOT_FAULTS.get(fault, snapshot)(value)
    value[0].add_(1), value[1][0].add_(1)
    moved = bool(taken[0].any() or taken[1][0].any())
    assert moved is (fault is not None)


def test_a_snapshot_has_no_history_and_no_more_than_it_shows():
    w = torch.ones(3, requires_grad=True)
    y = (2 * w).sum()
    with pytest.raises(RuntimeError):
        copy.deepcopy(y)
    assert not snapshot([y])[0].requires_grad and snapshot([y])[0].item() == 6
    assert snapshot(BASE[1]).untyped_storage().nbytes() == 24 < BASE.untyped_storage().nbytes()


def test_a_snapshot_keeps_who_is_who():
    Pair = namedtuple("Pair", "a b")
    x = torch.zeros(2)
    taken = snapshot(Pair(x, [x]))
    assert type(taken) is Pair and taken.a is taken.b[0] and taken.a is not x
    generator = torch.Generator().manual_seed(0)
    saved = snapshot(generator)
    assert torch.rand(1, generator=generator) == torch.rand(1, generator=saved)


def test_a_snapshot_of_a_list_that_holds_itself():
    value = [torch.zeros(1)]
    value.append(value)
    taken = snapshot(value)
    assert taken[1] is taken and taken[0] is not value[0]


@dataclass(frozen=True)
class Batch:
    images: torch.Tensor
    labels: list


def test_a_snapshot_looks_into_dataclasses_and_default_dictionaries():
    weight = torch.ones(3, requires_grad=True)
    held = defaultdict(list, batch=Batch(BASE[1], [weight * 2]))
    taken = snapshot(held)
    batch = taken["batch"]
    assert type(taken) is defaultdict and taken.default_factory is list and type(batch) is Batch
    assert batch.images.untyped_storage().nbytes() == 24 and torch.equal(batch.images, BASE[1])
    assert not batch.labels[0].requires_grad and not shares_storage(batch.images, BASE)
    assert held["batch"].labels[0].requires_grad, "the original stays as it was"


class Versioned(nn.Module):
    """A network whose weights meant their negative before version 2."""

    _version = 2

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def _load_from_state_dict(self, state, prefix, metadata, *rest):
        if metadata.get("version", 1) < 2:
            state[prefix + "weight"] = -state[prefix + "weight"]
        super()._load_from_state_dict(state, prefix, metadata, *rest)


def test_versions_of_modules_are_kept():
    model = nn.Sequential(Versioned())
    taken = snapshot(model.state_dict())
    assert taken._metadata == model.state_dict()._metadata
    assert taken._metadata is not model.state_dict()._metadata
    model.load_state_dict(taken)
    assert (model[0].weight == 1).all()
    model.load_state_dict(dict(taken))  # without them it is taken for an old one
    assert (model[0].weight == -1).all()

    model = nn.Sequential(Versioned())
    ema = EMA(model)
    with ema.applied():
        assert (model[0].weight == 1).all()
    assert (model[0].weight == 1).all()
    model.load_state_dict(ema.state_dict()["average"])
    assert (model[0].weight == 1).all()
    assert (copy.deepcopy(ema).copy_to(nn.Sequential(Versioned()))[0].weight == 1).all()


def test_a_snapshot_of_a_network_is_frozen_and_its_own():
    tied = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    tied["b"].weight = tied["a"].weight
    tied["a"](torch.ones(1, 2)).sum().backward()
    taken = snapshot(tied.eval())
    assert not shares_storage(taken, tied) and taken["b"].weight is taken["a"].weight
    assert all(not p.requires_grad and p.grad is None for p in taken.parameters())
    assert all(p.requires_grad for p in tied.parameters()) and tied["a"].weight.grad is not None
    assert not taken.training


# The moving average ------------------------------------------------------------------------------


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def move(model: nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))


@pytest.mark.parametrize("warmup", [True, False])
def test_update_follows_the_formula(model, warmup):
    ema = EMA(model, 0.9, warmup=warmup)
    expected = model[0].weight.detach().clone()
    for n in range(1, 200):
        move(model)
        ema.update()
        d = min(0.9, (1 + n) / (10 + n)) if warmup else 0.9
        expected = d * expected + (1 - d) * model[0].weight.detach()
    torch.testing.assert_close(ema.average["0.weight"], expected)


def test_the_average_shares_no_storage_with_the_model(model):
    ema = EMA(model)
    before = ema.average["0.weight"].clone()
    move(model)
    torch.testing.assert_close(ema.average["0.weight"], before)
    ema.update()
    own = {value.untyped_storage().data_ptr() for value in model.state_dict().values()}
    assert own.isdisjoint(value.untyped_storage().data_ptr() for value in ema.average.values())


def test_buffers_are_copied(model):
    ema = EMA(model)
    model(torch.randn(8, 3))
    ema.update()
    torch.testing.assert_close(ema.average["1.running_mean"], model[1].running_mean)
    assert ema.average["1.num_batches_tracked"] == 1


def test_applied_swaps_in_and_out_even_after_an_error(model):
    ema = EMA(model, 0.5)
    move(model)
    own = model[0].weight.detach().clone()
    with pytest.raises(RuntimeError, match="in the body"), ema.applied() as averaged:
        torch.testing.assert_close(averaged[0].weight.detach(), ema.average["0.weight"])
        assert not torch.equal(averaged[0].weight, own)
        raise RuntimeError("in the body")
    assert torch.equal(model[0].weight, own)


def test_what_happens_inside_applied_does_not_reach_the_average(model):
    ema = EMA(model)
    before = ema.average["0.weight"].clone()
    with ema.applied() as averaged:
        move(averaged)
    assert torch.equal(ema.average["0.weight"], before)


def test_state_dict_round_trip_goes_on_exactly(model):
    ema = EMA(model, 0.9)
    for _ in range(5):
        move(model)
        ema.update()
    state = ema.state_dict()
    other = EMA(model, 0.5)
    other.load_state_dict(state)
    move(model)
    ema.update()
    other.update()
    assert all(torch.equal(ema.average[key], other.average[key]) for key in ema.average)
    assert not torch.equal(state["average"]["0.weight"], ema.average["0.weight"])


def test_copy_to_fills_another_network(model):
    ema = EMA(model)
    other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    assert ema.copy_to(other) is other
    assert torch.equal(other[0].weight, ema.average["0.weight"])


def test_errors(model):
    for decay in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="decay"):
            EMA(model, decay)
    with pytest.raises(ValueError, match=r"'0\.bias'"):
        EMA(model).load_state_dict(EMA(nn.Linear(3, 4)).state_dict())


def test_the_average_is_a_weighted_sum_of_the_past(model):
    """The closed form of the chapter: w_k = (1 - d_k) d_(k+1) … d_n."""
    ema = EMA(model.double(), 0.8)
    past = [model[0].weight.detach().clone()]
    for _ in range(30):
        move(model)
        ema.update()
        past.append(model[0].weight.detach().clone())
    decays = torch.tensor([0.0] + [ema.decay_at(n) for n in range(1, 31)], dtype=torch.float64)
    later = torch.cat([decays[1:].flip(0).cumprod(0).flip(0), torch.ones(1, dtype=torch.float64)])
    weights = (1 - decays) * later
    assert weights.sum().item() == pytest.approx(1)
    expected = sum(w * value for w, value in zip(weights, past, strict=True))
    torch.testing.assert_close(ema.average["0.weight"], expected, rtol=1e-12, atol=1e-12)


def test_warm_up_rises_to_the_decay_and_can_be_left_out(model):
    ema = EMA(model, 0.99)
    decays = [ema.decay_at(n) for n in range(1, 2000)]
    assert decays[0] == 2 / 11 and all(a <= b for a, b in pairwise(decays))
    # (1 + n) / (10 + n) = 0.99 at n = 890
    assert decays[888] < 0.99 and decays[889] == decays[-1] == 0.99
    assert EMA(model, 0.99, warmup=False).decay_at(1) == 0.99
    assert EMA(model, 0.0).decay_at(1000) == 0.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_averaged_with_full_digits(dtype):
    model = nn.Linear(1, 1, bias=False).to(dtype)
    with torch.no_grad():
        model.weight.fill_(1.0)
    ema = EMA(model, 0.999, warmup=False)
    naive = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.fill_(1.5)
        for _ in range(2000):
            ema.update()
            naive.lerp_(model.weight, 1 - 0.999)
    expected = 1.5 - 0.5 * 0.999**2000
    assert ema.average["weight"].dtype == torch.float32
    assert ema.average["weight"].item() == pytest.approx(expected, abs=1e-4)
    assert abs(naive.item() - expected) > 0.1, "half precision would do, so nothing is tested"
    with ema.applied():
        assert model.weight.dtype == dtype
        assert model.weight.item() == pytest.approx(expected, abs=0.01)
    assert model.weight.item() == 1.5


def test_double_and_complex_are_averaged_in_their_own_type():
    for dtype in (torch.float64, torch.complex64):
        model = nn.ParameterDict({"w": nn.Parameter(torch.ones(2, dtype=dtype))})
        ema = EMA(model, 0.5, warmup=False)
        with torch.no_grad():
            model["w"].fill_(3)
        ema.update()
        assert ema.average["w"].dtype == dtype and (ema.average["w"] == 2).all()


def test_tied_weights_stay_tied(model):
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    ema = EMA(tied, 0.5, warmup=False)
    start = tied[0].weight.detach().clone()
    with torch.no_grad():
        tied[0].weight.add_(1)
    ema.update()
    torch.testing.assert_close(ema.average["0.weight"], start + 0.5)
    assert ema.average["1.weight"] is ema.average["0.weight"]
    with ema.applied():
        torch.testing.assert_close(tied[1].weight.detach(), start + 0.5)
    again = EMA(tied, 0.5)
    again.load_state_dict(ema.state_dict())
    assert again.average["1.weight"] is again.average["0.weight"]
    torch.testing.assert_close(again.average["1.weight"], start + 0.5)


def test_parameters_that_were_replaced_are_followed(model):
    ema = EMA(model, 0.5, warmup=False)
    before = model[0].weight.detach().clone()
    state = {name: value + 1 for name, value in model.state_dict().items()}
    model.load_state_dict(state, assign=True)  # new objects; the old ones live on unused
    model[1].weight = nn.Parameter(torch.full((4,), 7.0))
    ema.update()
    torch.testing.assert_close(ema.average["0.weight"], before + 0.5)
    torch.testing.assert_close(ema.average["1.weight"], torch.full((4,), 4.0))


def test_a_layer_that_was_exchanged_is_followed(model):
    """Exhibit 10, for the average: the old layer lives on, and nobody trains it."""
    ema = EMA(model, 0.5, warmup=False)
    before = model[0].weight.detach().clone()
    abandoned = model[0]
    model[0] = nn.Linear(3, 4)
    with torch.no_grad():
        model[0].weight.fill_(2.0)
        abandoned.weight.fill_(100.0)
    model[1] = nn.Sequential(nn.BatchNorm1d(4))[0]
    model[1].num_batches_tracked.fill_(7)
    ema.update()
    torch.testing.assert_close(ema.average["0.weight"], (before + 2) / 2)
    assert ema.average["1.num_batches_tracked"] == 7
    with ema.applied():
        torch.testing.assert_close(model[0].weight.detach(), (before + 2) / 2)


CHANGES = {
    "normalised": (
        lambda m: nn.utils.parametrizations.weight_norm(m[0]),
        r"no tensor '0\.weight' any more",
    ),
    "gone": (lambda m: m.pop(1), "any more"),
    "no bias": (lambda m: m[0].register_parameter("bias", None), r"'0\.bias' any more"),
    "wider": (lambda m: m.__setitem__(0, nn.Linear(3, 5)), r"\(4, 3\) in the average and \(5, 3"),
    "a wider last layer": (
        lambda m: m.__setitem__(1, nn.BatchNorm1d(5)),
        r"'1\.weight' has shape \(4,\)",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_network_that_no_longer_fits_is_refused_and_nothing_changed(model, change):
    ema = EMA(model, 0.5)
    before = snapshot(ema.average)
    move(model)
    model[1].num_batches_tracked.add_(3)
    CHANGES[change][0](model)
    with pytest.raises(RuntimeError, match=CHANGES[change][1]):
        ema.update()
    assert ema.updates == 0
    assert all(torch.equal(before[k], v) for k, v in ema.average.items())


def test_a_state_that_is_no_tensor_is_refused():
    class Counted(nn.Linear):
        def get_extra_state(self):
            return {"seen": 3}

        def set_extra_state(self, state):
            pass

    with pytest.raises(TypeError, match=r"'0\._extra_state' is neither"):
        EMA(nn.Sequential(Counted(1, 1)))


def test_whole_numbers_and_frozen_parameters():
    model = nn.ParameterDict(
        {
            "n": nn.Parameter(torch.tensor([3]), requires_grad=False),
            "w": nn.Parameter(torch.tensor([0.1]), requires_grad=False),
        }
    )
    ema = EMA(model, 0.9)
    with torch.no_grad():
        model["n"].fill_(5)
    ema.update()
    assert ema.average["n"].item() == 5 and ema.average["w"].item() == model["w"].item()


def test_buffers_come_with_the_average_and_go_with_it(model):
    ema = EMA(model, 0.5)
    model(torch.randn(8, 3))
    ema.update()
    model(torch.randn(8, 3))
    with ema.applied():
        assert model[1].num_batches_tracked == 1
        model(torch.randn(8, 3))  # in training mode: the counter moves on inside
        assert model[1].num_batches_tracked == 2
    assert model[1].num_batches_tracked == 2  # the network's own count, from before
    assert ema.average["1.num_batches_tracked"] == 1
    assert ema.average["1.num_batches_tracked"].dtype == torch.int64


def test_buffers_that_are_not_saved_are_left_alone():
    model = nn.Linear(1, 1)
    model.register_buffer("scratch", torch.zeros(1), persistent=False)
    ema = EMA(model)
    model.scratch.fill_(3)
    ema.update()
    assert "scratch" not in ema.average
    with ema.applied():
        assert model.scratch.item() == 3


def test_applied_can_be_nested_and_swaps_back_after_every_error(model):
    ema = EMA(model, 0.5)
    move(model)
    own = snapshot(model.state_dict())
    for error in (ValueError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(error), ema.applied(), ema.applied():
            move(model)
            raise error
        assert all(torch.equal(own[k], v) for k, v in model.state_dict().items())
    assert all(p.requires_grad for p in model.parameters())


def test_a_network_that_changed_its_shape_is_given_back(model):
    ema = EMA(model)
    model[0] = nn.Linear(3, 5)
    with pytest.raises(ValueError, match=r"'0\.weight' has shape \(4, 3\)"), ema.applied():
        pass
    model[0] = nn.Linear(3, 4)
    ema.update()  # no longer "inside"


def test_an_update_inside_applied_is_refused(model):
    ema = EMA(model)
    with ema.applied(), pytest.raises(RuntimeError, match="inside applied"):
        ema.update()
    ema.update()
    assert ema.updates == 1


def test_another_device_is_refused():
    ema = EMA(nn.Linear(2, 2))
    ema.model.to("meta")
    with pytest.raises(RuntimeError, match=r"average is on cpu, the network on meta"):
        ema.update()
    assert ema.updates == 0


def test_state_goes_through_a_file_and_brings_its_settings(model):
    ema = EMA(model, 0.7, warmup=False)
    move(model)
    ema.update()
    file = io.BytesIO()
    torch.save(ema.state_dict(), file)
    file.seek(0)
    other = EMA(copy.deepcopy(model), 0.1)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert (other.decay, other.warmup, other.updates) == (0.7, False, 1)
    assert all(torch.equal(v, other.average[k]) for k, v in ema.average.items())
    assert not shares_storage(ema.average, other.average)
    old = {k: v for k, v in ema.state_dict().items() if k != "warmup"}
    other.load_state_dict(old)  # a checkpoint from before warmup was saved
    assert other.warmup is False


def test_a_state_that_does_not_fit_changes_nothing(model):
    ema = EMA(model, 0.9)
    before = snapshot(ema.average)
    state = ema.state_dict()
    state["average"] = {k: v + 1 for k, v in state["average"].items()}
    state["average"]["1.weight"] = torch.ones(1)  # copy_ would broadcast it
    with pytest.raises(ValueError, match=r"'1\.weight' has shape \(1,\) in it and \(4,\)"):
        ema.load_state_dict(state)
    with pytest.raises(ValueError, match="no 'average'"):
        ema.load_state_dict({"decay": 0.9, "updates": 3})
    assert all(torch.equal(v, ema.average[k]) for k, v in before.items())


def test_a_copy_of_an_average_follows_the_copy_of_its_network(model):
    ema = EMA(model, 0.5)
    twin = copy.deepcopy(ema)
    before = ema.average["0.weight"].clone()
    move(twin.model)
    twin.update()
    assert not shares_storage(twin.model, model)
    assert not torch.equal(twin.average["0.weight"], before)
    assert torch.equal(ema.average["0.weight"], before)


class ByReference(EMA):
    """The bug that the chapter shows: the average is made of the network's own tensors."""

    def __init__(self, model, decay):
        super().__init__(model, decay)
        self.average = dict(model.state_dict())
        self._places = [
            (self.average[n], *place[1:])
            for n, place in zip(self.average, self._places, strict=True)
        ]


@pytest.mark.parametrize(("kind", "tracks"), [(EMA, False), (ByReference, True)])
def test_an_average_by_reference_tracks_the_network(model, kind, tracks):
    ema = kind(model, 0.9)
    move(model)
    ema.update()
    assert torch.equal(ema.average["0.weight"], model[0].weight) is tracks
    assert shares_storage(ema.average, model) is tracks


def test_wrong_arguments_are_refused(model):
    with pytest.raises(TypeError, match="must be a network"):
        EMA(model.state_dict())
    for decay in ("0.9", True, None):
        with pytest.raises(TypeError, match="decay must be a number"):
            EMA(model, decay)
    with pytest.raises(ValueError, match=r"'0\.bias' is in one only"):
        EMA(model).copy_to(nn.Linear(3, 4))


# The exercises -----------------------------------------------------------------------------------


def buffer_frames(x0, rates, noise):
    x = torch.empty_like(x0)
    for a, b in rates:
        x.copy_(a * x0 + b * noise)
        yield x


def three_axes(shape, offset, stride):
    found = torch.empty(shape, dtype=torch.int64)
    for i, j, k in np.ndindex(shape):
        found[i, j, k] = offset + i * stride[0] + j * stride[1] + k * stride[2]
    return found


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("film", buffer_frames, "make a new tensor for each frame"),
        ("predict", lambda: [[1, 2, 3], [1, 2, 3, 4], [1, 2, 5]], "a dictionary with the keys"),
        ("views", lambda: torch.tensor([[7.0, 1, 2], [7, 14, 100]]), "The −1 is missing"),
        ("places", three_axes, "your code raised"),
    ],
)
def test_answers_that_once_got_by_or_got_the_wrong_words(name, answer, words):
    result = verdict(question(f"objects.{name}"), answer)
    assert result.points == 0 and words in result.message
