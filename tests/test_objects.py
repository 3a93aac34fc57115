"""The moving average of weights: formula, storage of its own, swapping in and out."""

import pytest
import torch
from torch import nn

from genbook.objects import EMA


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
