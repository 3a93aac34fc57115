"""The shipped weights and their cards: they load and are what the card says; errors name causes."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from genbook import ddim, evaluation, weights
from genbook.data import digits
from genbook.nn import Classifier, UNet
from genbook.recipes import RECIPES
from genbook.schedules import NoiseSchedule

MEGABYTE = 2**20


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with one small network called "small"."""
    weights.write("small", UNet(1, 8, (1,), classes=2), {"licence": "none"}, tmp_path)
    return tmp_path


def test_every_recipe_has_weights_and_the_other_way_round():
    assert weights.names() == sorted(RECIPES)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_shipped_weights_load_in_evaluation_mode(name):
    model = weights.load(name)
    assert not model.training
    assert all(value.isfinite().all() for value in model.state_dict().values())


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_cards_are_complete(name):
    card = weights.card(name)
    for key in (
        *("name", "summary", "intended use", "recipe", "command", "commit", "seconds", "machine"),
        *("data", "source", "licence", "metrics", "network", "bytes", "sha256"),
    ):
        assert card[key], key
    for metric in card["metrics"].values():
        if isinstance(metric, dict):
            assert metric["low"] <= metric["value"] <= metric["high"] and metric["n"] > 0
    assert card["recipe"]["seed"] == RECIPES[name].seed
    assert card["recipe"] == {
        key: value
        for key, value in vars(RECIPES[name]).items()
        if key not in ("name", "summary", "use", "data")
    }, "the recipe was changed after the weights were trained"


def test_sizes_stay_within_the_limits():
    sizes = [path.stat().st_size for path in weights.FOLDER.glob("*.safetensors")]
    assert max(sizes) <= 4 * MEGABYTE and sum(sizes) <= 24 * MEGABYTE


def test_the_digits_model_makes_digits_of_the_class_asked_for():
    model, schedule = weights.load("digits-ddpm"), weights.schedule("digits-ddpm")
    labels = torch.arange(200) % 10
    generator = torch.Generator().manual_seed(7)
    x = ddim.sample(model, schedule, (200, 1, 8, 8), 50, cond=labels, generator=generator)
    assert evaluation.accuracy(x, labels) >= 0.95
    train, test = digits.load("train").images, digits.load("test").images
    fresh = evaluation.nearest(test, train).mean()
    assert evaluation.nearest(x, train).mean() >= 0.95 * fresh, "samples are copies"


def test_schedule_is_that_of_the_card():
    card = weights.card("digits-ddpm")
    expected = getattr(NoiseSchedule, card["schedule"]["kind"])(card["schedule"]["T"])
    torch.testing.assert_close(weights.schedule("digits-ddpm").alpha_bars, expected.alpha_bars)
    with pytest.raises(ValueError, match="without noise"):
        weights.schedule("digits-classifier")


def test_write_and_load_round_trip(tmp_path):
    model = Classifier(width=8, features=4)
    card = weights.write("judge", model, {"licence": "none"}, tmp_path)
    again = weights.load("judge", tmp_path)
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert weights.card("judge", tmp_path) == card
    assert card["network"]["parameters"] == sum(p.numel() for p in model.parameters())


def test_an_unknown_name_lists_the_known_ones(small):
    with pytest.raises(ValueError, match="no weights called 'smal'; there are: small"):
        weights.load("smal", small)
    with pytest.raises(ValueError, match=r"'\.\./digits-ddpm'"):
        weights.load("../digits-ddpm")
    with pytest.raises(ValueError, match="there are: none"):
        weights.card("small", small / "nowhere")


def test_a_changed_file_is_refused(small):
    path = small / "small.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="SHA-256"):
        weights.load("small", small)


def test_a_card_of_another_network_is_refused_by_the_first_keys(small):
    path = small / "small.json"
    card = json.loads(path.read_text())
    card["network"]["config"]["blocks"] = 2
    path.write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"missing, the first is 'down\.1"):
        weights.load("small", small)


def test_fit_names_what_is_missing_unexpected_or_misshapen():
    model = nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"1 missing, the first is 'bias'; 1 .*first is 'gain'"):
        weights.fit(model, {"weight": torch.zeros(3, 2), "gain": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"'weight' should have shape \(3, 2\), not \(2, 3\)"):
        weights.fit(model, {"weight": torch.zeros(2, 3), "bias": torch.zeros(3)})
    assert model.weight.abs().sum() > 0, "nothing is loaded when anything does not fit"


def test_only_small_and_known_networks_are_written(tmp_path):
    with pytest.raises(ValueError, match="limit"):
        weights.write("large", UNet(1, 128), {}, tmp_path)
    with pytest.raises(ValueError, match="Linear is not among"):
        weights.write("linear", nn.Linear(2, 2), {}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_weights_need_no_checkout(tmp_path):
    shutil.copytree(weights.FOLDER, tmp_path / "w", ignore=shutil.ignore_patterns("__pycache__"))
    assert weights.names(tmp_path / "w") == weights.names()
