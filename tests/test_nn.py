"""The networks: shapes, conditions, errors, and that every part is connected."""

import pytest
import torch
from torch import nn

from genbook.nn import Attention, Classifier, ResidualBlock, TimeEmbedding, UNet
from genbook.nn.blocks import group_norm


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
        ((torch.zeros(2, 1, 8, 8), torch.tensor([1, 2, 3])), "3 entries for a batch of 2"),
        ((torch.zeros(2, 1, 8, 8), 1, torch.tensor([1])), r"shape \(2,\)"),
        ((torch.zeros(2, 1, 8, 8), 1, torch.tensor([1, 5])), "0..4 .* not 1..5"),
        ((torch.zeros(2, 1, 8, 8), 1, torch.tensor([-1, 0])), "not -1..0"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNet(1, 8, (1, 1), classes=4)(*arguments)


@pytest.mark.parametrize(
    "config", [{"base": 6}, {"multipliers": ()}, {"blocks": 0}, {"patch": 0}, {"classes": -1}]
)
def test_wrong_configurations_are_refused(config):
    with pytest.raises(ValueError):
        UNet(**config)


def test_labels_to_a_network_without_classes_are_refused():
    with pytest.raises(ValueError, match="no classes"):
        UNet(1, 8)(torch.zeros(1, 1, 8, 8), 1, torch.tensor([0]))


def test_the_config_builds_the_same_network():
    model = UNet(2, 12, (1, 3), 2, classes=5, patch=2, out_channels=4, attention=True)
    again = UNet(**model.config)
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in again.state_dict().items()
    }
    classifier = Classifier(width=8, features=5)
    assert Classifier(**classifier.config).config == classifier.config


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
    layer = awake(Attention(8, heads=2))
    x = torch.randn(2, 8, 3, 2, dtype=torch.float64)
    q, k, v = layer.qkv(layer.norm(x)).flatten(2).view(2, 3, 2, 4, 6).unbind(1)  # (B, heads, d, N)
    weights = (torch.einsum("bhdi,bhdj->bhij", q, k) / 2).softmax(-1)
    mixed = torch.einsum("bhij,bhdj->bhdi", weights, v).reshape(2, 8, 3, 2)
    torch.testing.assert_close(layer(x), x + layer.out(mixed))
    with pytest.raises(ValueError, match="heads=3"):
        Attention(8, heads=3)


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
