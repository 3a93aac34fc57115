"""The shipped weights and their cards: they load and are what the card says; errors name causes."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from genbook import ddim, evaluation, weights
from genbook.data import digits
from genbook.nn import MLP, Classifier, TimeEmbedding, UNet
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
    assert weights.LIMIT == 6 * MEGABYTE and weights.TOTAL == 48 * MEGABYTE
    assert max(sizes) <= 4 * MEGABYTE and sum(sizes) <= 24 * MEGABYTE, "not yet near the limits"


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


def fingerprint(numbers: torch.Tensor) -> list[float]:
    """Four sums of a tensor's numbers with weights of its places, so that order counts."""
    flat = numbers.detach().double().flatten()
    places = torch.arange(1, len(flat) + 1, dtype=torch.float64)
    return [float((flat * (k * places).cos()).sum()) for k in range(1, 5)]


def outputs() -> dict[str, torch.Tensor]:
    """What the two shipped networks say to fixed numbers, and a picture."""
    model, judge = weights.load("digits-ddpm"), weights.load("digits-classifier")
    x = 1.3 * torch.arange(512).mul(0.7).sin().view(8, 1, 8, 8)
    labels, times = torch.arange(8), torch.tensor([1, 9, 60, 200, 400, 600, 900, 1000])
    schedule, picture = weights.schedule("digits-ddpm"), x
    with torch.no_grad():
        found = {
            "1": model(x, 1),
            "500": model(x, 500),
            "1000, labels": model(x, 1000, labels),
            "times, labels": model(x, times, labels),
            "logits": judge(x),
            "features": judge.features(x),
        }
        for t, s in zip([1000, 750, 500, 250], [750, 500, 250, 0], strict=True):
            picture = ddim.step(schedule, picture, model(picture, t, labels), t, s)
    return {**found, "picture": picture}


def starts() -> dict[str, torch.Tensor]:
    """The first weights of each recipe, in the order in which they are registered."""
    return {
        name: torch.cat([value.flatten() for value in recipe.model().state_dict().values()])
        for name, recipe in RECIPES.items()
    }


# Recorded when the weights were shipped. Another machine differs in the last digits of float32.
OUTPUTS = {
    "1": [-18.3882, -0.958455, -0.592761, 2.3713],
    "500": [-3.16635, 0.0255657, -0.0732197, 0.410992],
    "1000, labels": [-2.37544, 0.155968, 0.0957369, 0.390719],
    "times, labels": [-10.7742, -5.14782, -4.10048, 1.00614],
    "logits": [1.30745, -4.71473, -1.39683, 0.176951],
    "features": [1.32937, -0.799052, -4.23631, 2.42389],
    "picture": [7.43731, 1.50014, 2.97442, -2.18451],
}
STARTS = {
    "digits-classifier": [1.7983, 2.7277, 3.7269, 3.60294],
    "digits-ddpm": [-29.2357, 17.578, -42.3983, -2.51728],
}


def agrees(found: list[float], expected: list[float]) -> bool:
    return found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_the_shipped_networks_say_what_they_said_when_they_were_shipped():
    found = outputs()
    assert found.keys() == OUTPUTS.keys()
    for name, value in found.items():
        assert agrees(fingerprint(value), OUTPUTS[name]), name


def test_recipes_start_from_the_weights_that_the_shipped_ones_started_from():
    """A layer that is built earlier than before draws other numbers, and the card is not true."""
    found = starts()
    for name, expected in STARTS.items():
        assert agrees(fingerprint(found[name]), expected), name


@pytest.mark.parametrize("fault", ["waves", "null class", "skips", "scale", "eps"])
def test_a_change_of_the_networks_would_be_seen(fault, monkeypatch):
    """The fingerprints are sharp: each of these would slip through a test of shapes."""
    import genbook.nn.embeddings as embeddings
    import genbook.nn.unet as unet

    if fault == "waves":  # the sines first
        plain = embeddings.waves
        monkeypatch.setattr(embeddings, "waves", lambda t, f: plain(t, f).roll(len(f), 1))
    if fault == "null class":
        label = embeddings.LabelEmbedding.forward
        monkeypatch.setattr(
            embeddings.LabelEmbedding,
            "forward",
            lambda self, cond: self.weight[:1] if cond is None else label(self, cond),
        )
    if fault == "skips":
        decode = unet.UNet.decode

        def fainter(self: UNet, h, skips, told):
            return decode(self, h, [0.9 * skip for skip in skips], told)

        monkeypatch.setattr(unet.UNet, "decode", fainter)
    if fault == "scale":
        monkeypatch.setattr(TimeEmbedding, "_frequencies", lambda self, like: like.new_ones(32))
    if fault == "eps":
        plain_norm = unet.group_norm
        monkeypatch.setattr(unet, "group_norm", lambda channels: plain_norm(channels, 1e-2))
    found = outputs()
    assert not all(agrees(fingerprint(found[name]), OUTPUTS[name]) for name in OUTPUTS)


def test_another_order_of_the_layers_would_be_seen():
    name = "digits-ddpm"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RECIPES[name].seed)
        torch.nn.Linear(2, 2)  # something is built first
        model = UNet(weights.load(name).config)
    other = torch.cat([value.flatten() for value in model.state_dict().values()])
    assert not agrees(fingerprint(other), STARTS[name])


def test_loading_leaves_the_global_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    weights.load("digits-classifier")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("network", [MLP, Classifier, UNet], ids=lambda kind: kind.__name__)
def test_every_network_is_written_and_read_by_its_name(network, tmp_path):
    model = network()
    card = weights.write("one", model, {}, tmp_path)
    assert card["network"]["class"] == network.__name__
    again = weights.load("one", tmp_path)
    assert type(again) is network and again.config == model.config
    assert card == weights.card("one", tmp_path)
    assert weights.NETWORKS[network.__name__] is network


def test_a_card_of_an_unknown_class_or_with_an_unknown_key_is_refused(small):
    path = small / "small.json"
    card = json.loads(path.read_text())
    card["network"]["config"]["widht"] = 3
    path.write_text(json.dumps(card))
    with pytest.raises(ValueError, match="UNetConfig has no 'widht'; it has: channels, base"):
        weights.load("small", small)
    card["network"]["class"] = "VNet"
    path.write_text(json.dumps(card))
    with pytest.raises(ValueError, match="VNet is not among the known networks: Classifier"):
        weights.load("small", small)


def test_a_card_from_before_a_setting_existed_builds_what_it_built(small):
    path = small / "small.json"
    card = json.loads(path.read_text())
    for key in ("time_scale", "context", "heads", "attention_levels"):
        del card["network"]["config"][key]
    path.write_text(json.dumps(card))
    assert weights.load("small", small).config == UNet(1, 8, (1,), classes=2).config


def test_half_precision_takes_half_the_space_and_is_loaded_in_float32(tmp_path):
    model = weights.load("digits-ddpm")
    card = weights.write("half", model, {}, tmp_path, half=True)
    full = weights.card("digits-ddpm")
    assert card["bytes"] == (tmp_path / "half.safetensors").stat().st_size < 0.51 * full["bytes"]
    again = weights.load("half", tmp_path)
    for key, value in again.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, model.state_dict()[key].half().float())
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert 0 < (again(x, 500) - model(x, 500)).abs().max() < 1e-2


def test_what_half_precision_cannot_hold_is_refused(tmp_path):
    model = Classifier(width=8, features=4)
    with torch.no_grad():
        model.out.bias[1] = 1e5
    with pytest.raises(ValueError, match=r"half precision cannot hold 'out\.bias'"):
        weights.write("judge", model, {}, tmp_path, half=True)
    weights.write("judge", model, {}, tmp_path)


def test_all_files_together_have_a_limit(small, monkeypatch):
    size = (small / "small.safetensors").stat().st_size
    monkeypatch.setattr(weights, "TOTAL", 2 * size)
    model = weights.load("small", small)
    weights.write("small", model, {}, small)  # in its own place
    weights.write("second", model, {}, small)
    with pytest.raises(
        ValueError, match=f"with third .* {3 * size} bytes; .* together is {2 * size}"
    ):
        weights.write("third", model, {}, small)
    assert weights.names(small) == ["second", "small"]


def test_fit_refuses_integers_for_floats():
    with pytest.raises(ValueError, match=r"'weight' should be of type torch.float32, not .*int64"):
        weights.fit(nn.Linear(2, 3, bias=False), {"weight": torch.ones(3, 2, dtype=torch.int64)})
    double = weights.fit(nn.Linear(2, 3, bias=False), {"weight": torch.ones(3, 2).double()})
    assert double.weight.dtype == torch.float32
