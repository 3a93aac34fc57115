"""The networks: shapes, conditions, errors, and that every part is connected."""

from __future__ import annotations

import copy
import dataclasses
import json

import pytest
import torch
from torch import nn

from genbook import nn as book
from genbook.nn import (
    MLP,
    Classifier,
    ClassifierConfig,
    MLPConfig,
    PixelAttention,
    ResidualBlock,
    TimeEmbedding,
    UNet,
    UNetConfig,
    UNetEncoder,
)
from genbook.nn.layers import group_norm


def awake(model: nn.Module) -> nn.Module:
    """Give the convolutions that start at zero some weight, so that something comes out."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    return model.double().eval()


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("multipliers", [(1,), (1, 2), (1, 1, 2)])
@pytest.mark.parametrize("blocks", [1, 2])
def test_unet_keeps_the_shape(patch, multipliers, blocks):
    model = UNet(3, 8, multipliers, blocks, classes=4, patch=patch, out_channels=6)
    side = patch * 2 ** (len(multipliers) - 1)
    x = torch.randn(2, 3, 2 * side, 3 * side)
    assert model(x, torch.tensor([1, 1000]), torch.tensor([0, 4])).shape == (2, 6, *x.shape[2:])


def test_every_parameter_receives_a_gradient():
    model = awake(UNet(1, 8, (1, 2), 2, classes=3, patch=2, attention=True)).train()
    x = torch.randn(6, 1, 8, 8, dtype=torch.float64)
    model(x, torch.arange(6), torch.arange(6) % 4).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_conditions_matter_and_none_is_the_null_class():
    model = awake(UNet(1, 8, (1, 1), classes=10))
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    seven, null = torch.tensor([7, 7]), torch.tensor([10, 10])
    assert not torch.allclose(model(x, 5, seven), model(x, 6, seven))
    assert not torch.allclose(model(x, 5, seven), model(x, 5, null))
    torch.testing.assert_close(model(x, 5), model(x, 5, null))


def test_one_time_for_all_is_a_number_or_a_tensor():
    model = awake(UNet(1, 8, (1,)))
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    expected = model(x, torch.tensor([40, 40, 40]))
    for t in (40, 40.0, torch.tensor(40), torch.tensor([40])):
        torch.testing.assert_close(model(x, t), expected)


def test_images_of_a_batch_do_not_see_each_other():
    model = awake(UNet(1, 8, (1, 2), classes=2, attention=True))
    x, t = torch.randn(4, 1, 8, 8).double(), torch.tensor([1, 9, 90, 900])
    c = torch.tensor([0, 1, 2, 0])
    together = model(x, t, c)
    apart = torch.cat([model(x[i : i + 1], t[i : i + 1], c[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, apart)


def test_an_untrained_unet_predicts_zero():
    assert UNet()(torch.randn(2, 1, 8, 8), 3).eq(0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(2, 1, 7, 8), 1), "multiples of 2"),
        ((torch.zeros(2, 3, 8, 8), 1), r"\(B, 1, H, W\)"),
        ((torch.zeros(2, 1, 8, 8), torch.tensor([1, 2, 3])), r"shape \(2,\), .* not \(3,\)"),
        ((torch.zeros(2, 1, 8, 8), 1, torch.tensor([1])), r"shape \(2,\)"),
        ((torch.zeros(2, 1, 8, 8), 1, torch.tensor([1, 5])), "0..4 .* not 1..5"),
        ((torch.zeros(2, 1, 8, 8), 1, torch.tensor([-1, 0])), "not -1..0"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNet(1, 8, (1, 1), classes=4)(*arguments)


@pytest.mark.parametrize(
    "config",
    [
        *({"base": 6}, {"multipliers": ()}, {"blocks": 0}, {"patch": 0}, {"classes": -1}),
        *({"attention_levels": (2,)}, {"attention_levels": (-1,)}, {"context": 6}),
        {"context": 6, "classes": 2, "attention": True},
        *({"attention": True, "heads": 3}, {"time_scale": 0}),
    ],
)
def test_wrong_configurations_are_refused(config):
    with pytest.raises(ValueError):
        UNet(**config)


def test_labels_to_a_network_without_classes_are_refused():
    with pytest.raises(ValueError, match="no classes"):
        UNet(1, 8)(torch.zeros(1, 1, 8, 8), 1, torch.tensor([0]))


def test_the_config_builds_the_same_network():
    model = UNet(2, 12, (1, 3), 2, classes=5, patch=2, out_channels=4, attention=True)
    again = UNet(**dataclasses.asdict(model.config))
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in again.state_dict().items()
    }
    classifier = Classifier(width=8, features=5)
    assert Classifier(**dataclasses.asdict(classifier.config)).config == classifier.config


def test_time_embedding_tells_steps_apart_and_matches_the_formula():
    embedding = TimeEmbedding(8, 16)
    t = torch.tensor([3.0])
    angles = 3.0 * 10_000.0 ** (-torch.arange(4) / 4)
    waves = torch.cat([angles.cos(), angles.sin()])
    expected = embedding.outer(nn.functional.silu(embedding.inner(waves)))
    torch.testing.assert_close(embedding(t)[0], expected)
    assert torch.pdist(embedding(torch.arange(50))).min() > 0


def test_a_fresh_residual_block_is_its_skip_connection():
    block = ResidualBlock(8, 8, 4)
    x = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(block(x, torch.randn(2, 4)), x)


def test_attention_matches_the_formula():
    layer = awake(PixelAttention(8, heads=2))
    x = torch.randn(2, 8, 3, 2, dtype=torch.float64)
    h = layer.norm(x).flatten(2)  # (B, C, N)
    q, k, v = (
        (torch.einsum("ij,bjn->bin", part.weight, h) + part.bias[:, None]).view(2, 2, 4, 6)
        for part in (layer.attend.to_q, layer.attend.to_k, layer.attend.to_v)
    )  # (B, heads, d, N)
    weights = (torch.einsum("bhdi,bhdj->bhij", q, k) / 2).softmax(-1)
    mixed = torch.einsum("bhij,bhdj->bhdi", weights, v).flatten(1, 2)
    out = torch.einsum("ij,bjn->bin", layer.attend.to_out.weight, mixed)
    out = out + layer.attend.to_out.bias[:, None]
    torch.testing.assert_close(layer(x), x + out.view(x.shape), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="heads=3"):
        PixelAttention(8, heads=3)


@pytest.mark.parametrize("channels", [1, 4, 6, 32, 48, 256])
def test_group_norm_divides_the_channels(channels):
    norm = group_norm(channels)
    assert channels % norm.num_groups == 0 and norm.num_groups <= 32


def test_classifier_shapes_and_errors():
    model = Classifier(width=8, features=5, classes=3)
    x = torch.randn(4, 1, 8, 8)
    assert model(x).shape == (4, 3) and model.features(x).shape == (4, 5)
    torch.testing.assert_close(model(x), model.out(model.features(x)))
    with pytest.raises(ValueError, match="1, 8, 8"):
        model(torch.randn(4, 1, 16, 16))
    with pytest.raises(ValueError, match="multiple of 4"):
        Classifier(size=10)


# Configurations -----------------------------------------------------------------------------------

KINDS = [(UNet, UNetConfig), (UNetEncoder, UNetConfig), (MLP, MLPConfig)]
KINDS += [(Classifier, ClassifierConfig)]
kinds = pytest.mark.parametrize(("network", "config"), KINDS)


@kinds
def test_a_network_takes_a_configuration_or_its_fields(network, config):
    first = dataclasses.fields(config)[0].name
    asked = config(**{first: 3})
    for built in (network(asked), network(**{first: 3}), network(3)):
        assert built.config == asked != config()
    assert network().config == network(config()).config == config()
    with pytest.raises(ValueError, match=r"not both; .*dataclasses\.replace"):
        network(asked, **{first: 3})
    with pytest.raises(ValueError, match="not both"):
        network(asked, 3)


@kinds
def test_wrong_keys_are_named_with_those_that_there_are(network, config):
    names = [field.name for field in dataclasses.fields(config)]
    with pytest.raises(ValueError) as error:
        network(widht=8)
    assert str(error.value) == f"{config.__name__} has no 'widht'; it has: {', '.join(names)}"
    with pytest.raises(ValueError, match=f"has {len(names)} fields, not {len(names) + 1}"):
        network(*[1] * (len(names) + 1))
    other = next(kind for _, kind in KINDS if kind is not config)
    with pytest.raises(TypeError, match=f"must be a {config.__name__}, not a {other.__name__}"):
        network(other())


@kinds
def test_configurations_are_frozen_and_survive_json(network, config):
    settings = {"multipliers": [1, 3], "attention_levels": [1]} if config is UNetConfig else {}
    original = config(**settings)
    read = json.loads(json.dumps(dataclasses.asdict(original)))
    assert network(**read).config == original == config(**read)
    assert hash(original) == hash(config(**read))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(original, dataclasses.fields(config)[0].name, 5)


def test_a_configuration_does_not_share_its_lists():
    multipliers = [1, 1]
    config = UNetConfig(multipliers=multipliers)
    multipliers[1] = 3
    assert config.multipliers == (1, 1)
    wider = dataclasses.replace(config, channels=3)
    assert UNet(wider).leave.out_channels == 3, "out_channels follows channels"


# The two halves of the U-Net ----------------------------------------------------------------------


def test_forward_is_encode_and_decode():
    model = awake(UNet(1, 8, (1, 2), 2, classes=3, patch=2, attention_levels=(1,)))
    x, t = torch.randn(3, 1, 8, 8).double(), torch.tensor([1, 40, 900])
    told = model.tell(x, t, torch.tensor([0, 3, 1]))
    h, skips = model.encode(x, told)
    assert [tuple(skip.shape[1:]) for skip in skips] == [(8, 4, 4)] * 2 + [(16, 2, 2)] * 2
    assert h.shape == (3, 16, 2, 2)
    given = list(skips)
    assert torch.equal(model.decode(h, skips, told), model(x, t, torch.tensor([0, 3, 1])))
    assert skips == [], "they are taken off, so that their memory is free"
    with pytest.raises(ValueError, match="needs 4 skips, got 3"):
        model.decode(h, given[1:], told)
    moved = model.decode(h, [given[0] + 1, *given[1:]], told)
    assert not torch.allclose(moved, model.decode(h, given, told))


def test_the_encoder_is_the_first_half():
    """So the trainable copy of ControlNet takes its weights from a U-Net by name."""
    config = UNetConfig(1, 8, (1, 2), classes=3, attention=True)
    model, half = awake(UNet(config)), UNetEncoder(config).double()
    own = {key: value for key, value in model.state_dict().items() if key in half.state_dict()}
    half.load_state_dict(own, strict=True)
    x, t = torch.randn(2, 1, 8, 8).double(), torch.tensor([1, 40])
    h, skips = half.encode(x, half.tell(x, t))
    expected, others = model.encode(x, model.tell(x, t))
    assert torch.equal(h, expected)
    assert all(torch.equal(*pair) for pair in zip(skips, others, strict=True))
    rest = {key.split(".")[0] for key in model.state_dict().keys() - own.keys()}
    assert rest == {"up", "grow", "norm", "leave"}


@pytest.mark.parametrize("multipliers", [(1,), (1, 2)])
@pytest.mark.parametrize("blocks", [1, 2])
def test_the_unet_is_what_a_reader_would_write(multipliers, blocks):
    """Ronneberger's picture, level by level, with the blocks of the network."""
    model = awake(UNet(1, 8, multipliers, blocks, classes=3, patch=2, attention=True))
    x, t, c = torch.randn(2, 1, 8, 8).double(), torch.tensor([1, 40]), torch.tensor([0, 3])
    e = nn.functional.silu(model.time(t) + model.label.weight[c])
    down, up = iter(model.down), iter(model.up)
    shrink, grow = iter(model.shrink), iter(model.grow)
    h = model.enter(nn.functional.pixel_unshuffle(x, 2))
    seen = []
    for level in range(len(multipliers)):
        if level:
            h = next(shrink)(h)
        for _ in range(blocks):
            h = ResidualBlock.forward(next(down), h, e)
            seen.append(h)
    h = model.middle1.attend(ResidualBlock.forward(model.middle1, h, e), None)
    h = ResidualBlock.forward(model.middle2, h, e)
    for level in range(len(multipliers)):
        if level:
            h = next(grow)(h.repeat_interleave(2, 2).repeat_interleave(2, 3))
        for _ in range(blocks):
            h = ResidualBlock.forward(next(up), torch.cat([h, seen.pop()], 1), e)
    h = model.leave(nn.functional.silu(model.norm(h)))
    expected = nn.functional.pixel_shuffle(h, 2)
    torch.testing.assert_close(model(x, t, c), expected, rtol=0, atol=1e-12)
    assert not seen


@pytest.mark.parametrize(
    ("settings", "places"),
    [
        ({}, []),
        ({"attention": True}, ["middle1"]),
        ({"attention_levels": (1,)}, ["down.1", "middle1", "up.0"]),
        ({"attention_levels": (0,), "blocks": 2}, ["down.0", "down.1", "middle1", "up.2", "up.3"]),
    ],
)
def test_attention_is_where_it_was_asked_for(settings, places):
    model = UNet(1, 8, (1, 2), **settings)
    found = [name for name, part in model.named_modules() if isinstance(part, PixelAttention)]
    assert found == [f"{place}.attend" for place in places]


# A network that is told a text --------------------------------------------------------------------


@pytest.fixture
def reader() -> UNet:
    return awake(UNet(1, 8, (1, 2), attention_levels=(1,), heads=2, context=6))


def test_the_text_matters_token_by_token_but_not_their_order(reader):
    x, text = torch.randn(2, 1, 8, 8).double(), torch.randn(2, 5, 6).double()
    out = reader(x, 3, text)
    assert out.shape == x.shape
    for token in range(5):
        other = text.clone()
        other[:, token] += 1
        assert not torch.allclose(reader(x, 3, other), out)
    torch.testing.assert_close(reader(x, 3, text.flip(1)), out)
    apart = torch.cat([reader(x[i : i + 1], 3, text[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(apart, out)
    # A longer text is as good as a short one.
    assert reader(x, 3, torch.cat([text, text], 1)).shape == x.shape


def test_every_parameter_of_a_reader_receives_a_gradient(reader):
    x, text = torch.randn(3, 1, 8, 8).double(), torch.randn(3, 5, 6).double()
    reader(x, torch.arange(3), text).square().sum().backward()
    for name, parameter in reader.named_parameters():
        if name.endswith("to_k.bias"):
            continue  # adds the same to all logits of a query
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("cond", "message"),
    [
        (None, r"told a text: cond must have shape \(2, L, 6\)"),
        (torch.tensor([1, 2]), r"shape \(2, L, 6\), not \(2,\)"),
        (torch.zeros(2, 5, 4), r"shape \(2, L, 6\), not \(2, 5, 4\)"),
        (torch.zeros(1, 5, 6), r"shape \(2, L, 6\), not \(1, 5, 6\)"),
    ],
)
def test_texts_that_do_not_fit_are_refused(cond, message):
    with pytest.raises(ValueError, match=message):
        UNet(1, 8, (1,), attention=True, context=6)(torch.zeros(2, 1, 8, 8), 1, cond)


def test_untrained_attention_changes_nothing():
    """It starts as the identity, so that a network can be given it later."""
    torch.manual_seed(0)
    plain = UNet(1, 8, (1, 2))
    more = UNet(1, 8, (1, 2), attention=True, attention_levels=(0, 1))
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(0.1)  # so that something comes out
    missing = more.load_state_dict(plain.state_dict(), strict=False)
    assert not missing.unexpected_keys and all("attend" in key for key in missing.missing_keys)
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(plain(x, 3), more(x, 3))


# Times and types ----------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [UNet, MLP])
def test_networks_see_times_on_the_scale_that_they_are_told(build):
    plain = awake(build())
    scaled = build(time_scale=1000.0).double()
    scaled.load_state_dict(plain.state_dict())
    x = torch.randn((4, 2) if build is MLP else (4, 1, 8, 8)).double()
    steps = torch.tensor([0, 1, 500, 1000])
    torch.testing.assert_close(scaled(x, steps / 1000), plain(x, steps), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scaled(x, 0.5), plain(x, 500))
    # What a network in steps sees of neighbouring fractions, and what this one does.
    blind = (plain(x, 0.50) - plain(x, 0.52)).abs().max()
    assert (scaled(x, 0.50) - scaled(x, 0.52)).abs().max() > 10 * blind


def test_the_mlp_is_what_a_reader_would_write():
    model = awake(MLP(dim=3, width=8, depth=2, waves=4))
    x, t = torch.randn(5, 3).double(), torch.arange(5)
    h = x
    for layer in model.hidden:
        h = nn.functional.silu(h @ layer.weight.T + layer.bias + model.time(t))
    expected = h @ model.out.weight.T + model.out.bias
    torch.testing.assert_close(model(x, t), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(model(x, 3), model(x, torch.full((5,), 3)))
    assert torch.equal(model(x, t, torch.zeros(5)), model(x, t))
    with pytest.raises(ValueError, match=r"shape \(5,\), .* not \(2,\)"):
        model(x, torch.tensor([1, 2]))
    with pytest.raises(ValueError, match="depth must be at least 1, not 0"):
        MLP(depth=0)


def test_copies_are_independent():
    model = awake(UNet(1, 8, (1,), classes=2))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.time.outer.bias.add_(1)
    x = torch.randn(1, 1, 8, 8).double()
    assert not torch.equal(twin(x, 3), model(x, 3))
    assert twin.config == model.config


def test_what_is_exported_exists_and_is_documented():
    assert book.__all__ == sorted(book.__all__, key=lambda name: (not name.isupper(), name))
    for name in book.__all__:
        assert getattr(book, name).__doc__.strip(), name
