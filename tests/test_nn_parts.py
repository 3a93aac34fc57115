"""The parts of the networks, in float64, against plain formulas and against public implementations.

Classic mistakes hide below 1e-5, so equality here means 1e-12. Every comparison is also made with
near mistakes (another eps, another GELU, halves swapped), which must fail: `differs` is the other
half of each test. Every tensor is random, norms included: ones and zeros hide swapped weights.
"""

from __future__ import annotations

import math
from typing import TypeVar

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention import FeedForward as TheirFeedForward
from diffusers.models.attention_processor import Attention as TheirAttention
from diffusers.models.attention_processor import JointAttnProcessor2_0
from diffusers.models.embeddings import TimestepEmbedding, get_timestep_embedding
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from genbook.nn import (
    MLP,
    AdaptiveBlock,
    Attention,
    FeedForward,
    JointAttention,
    LabelEmbedding,
    PixelAttention,
    ResidualBlock,
    TimeEmbedding,
    TransformerBlock,
    UNet,
)
from genbook.nn.attention import attend
from genbook.nn.embeddings import frequencies, per_image, waves
from genbook.nn.layers import group_norm
from genbook.nn.transformer import modulate

M = TypeVar("M", bound=nn.Module)
TOLERANCE = 1e-12  # of the largest number: a few hundred roundings of float64


def far(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    assert one.shape == other.shape
    one, other = one.detach(), other.detach()
    return float((one - other).abs().max() / other.abs().max())


def same(one: Tensor, other: Tensor) -> None:
    assert one.dtype == other.dtype == torch.float64
    assert far(one, other) <= TOLERANCE


def differs(one: Tensor, other: Tensor) -> None:
    """By more than a hundred times what counts as the same."""
    assert far(one, other) > 100 * TOLERANCE


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def awake(module: M, seed: int = 1) -> M:
    """In float64, with random numbers in every parameter."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.double().parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return module.eval()


def copy(ours: nn.Module, theirs: nn.Module, names: dict[str, str]) -> None:
    """Give their weights to ours; `names` says what part of a name becomes what. All must fit."""
    state = {}
    for key, value in theirs.state_dict().items():
        for old, new in names.items():
            key = key.replace(old, new)
        state[key] = value
    ours.double().load_state_dict(state, strict=True)


# Embeddings ---------------------------------------------------------------------------------------


def test_waves_are_the_formula():
    t = torch.tensor([0.0, 3.0, 0.37, 999.0], dtype=torch.float64)
    expected = torch.empty(4, 10, dtype=torch.float64)
    for i, time in enumerate(t.tolist()):
        for k in range(5):
            angle = time * 10_000.0 ** (-k / 5)
            expected[i, k], expected[i, 5 + k] = math.cos(angle), math.sin(angle)
    found = waves(t, frequencies(10, t))
    assert far(found, expected) <= 1e-11, "999 radians lose three digits"
    mistakes = {
        "sine first": found.roll(5, dims=1),
        "h - 1 for h": waves(t, 10_000.0 ** (-torch.arange(5, dtype=torch.float64) / 4)),
        "interleaved": found.view(4, 2, 5).mT.reshape(4, 10),
    }
    for name, mistake in mistakes.items():
        assert far(mistake, expected) > 1e-3, name


@pytest.mark.parametrize("width", [32, 64, 256, 320])
def test_waves_have_the_bits_of_diffusers(width):
    t = torch.tensor([0.0, 1.0, 17.0, 500.5, 999.0, 1000.0])
    theirs = get_timestep_embedding(t, width, flip_sin_to_cos=True, downscale_freq_shift=0)
    assert torch.equal(waves(t, frequencies(width, t)), theirs)
    for flip, shift in ((False, 0), (True, 1)):
        other = get_timestep_embedding(t, width, flip, downscale_freq_shift=shift)
        assert not torch.allclose(waves(t, frequencies(width, t)), other, atol=1e-3)


def test_the_time_embedding_is_that_of_diffusers():
    ours, theirs = TimeEmbedding(320, 24), awake(TimestepEmbedding(320, 24))
    copy(ours, theirs, {"linear_1": "inner", "linear_2": "outer"})
    t = torch.tensor([1.0, 500.0, 999.0], dtype=torch.float64)
    seen = waves(t, frequencies(320, t))
    same(ours(t), theirs(seen))
    differs(ours(t), theirs(seen.roll(160, dims=1)))


# Times that are neighbours for a sampler of fifty steps, on three scales.
SCALES = {
    "steps": (1.0, torch.linspace(0, 1000, 51)),
    "[0, 1]": (1000.0, torch.linspace(0, 1, 51)),
    "log-SNR": (50.0, torch.linspace(-10, 10, 51)),
}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("width", [32, 64, 128])
def test_neighbouring_times_are_well_apart_on_every_scale(name, width):
    scale, times = SCALES[name]
    seen = waves(times, scale * frequencies(width, times))
    # All wave vectors have the length sqrt(width / 2); a tenth of it is well apart.
    assert torch.pdist(seen).min() >= 0.1 * (width / 2) ** 0.5
    if name == "[0, 1]":
        unscaled = waves(times, frequencies(width, times))
        assert torch.pdist(unscaled).min() < 0.1 * (width / 2) ** 0.5, "no scale is needed"


def test_what_the_scale_mends():
    t = torch.tensor([0.50, 0.52])
    close, apart = (waves(t, scale * frequencies(64, t)) for scale in (1.0, 1000.0))
    assert torch.pdist(close) == pytest.approx(0.03, abs=0.015)
    assert torch.pdist(apart) > 100 * torch.pdist(close)


def test_a_scaled_embedding_of_fractions_is_the_plain_one_of_steps():
    plain = awake(TimeEmbedding(16, 8))
    scaled = TimeEmbedding(16, 8, scale=1000.0).double()
    scaled.load_state_dict(plain.state_dict())
    steps = torch.tensor([0, 1, 250, 1000])
    assert far(scaled(steps.double() / 1000), plain(steps)) <= 1e-11
    differs(scaled(steps.double() / 999), plain(steps))


def test_waves_keep_their_digits_in_every_type():
    """Half precision rounds 999.4 to 999.5 and frequencies by 5e-4, which is half a radian."""
    t = torch.tensor([999.4, 3.0])
    exact = waves(t.double(), frequencies(32, t.double()))

    def seen(embedding: TimeEmbedding, t: Tensor) -> Tensor:
        """What reaches the first layer, by a hook."""
        found: list[Tensor] = []
        handle = embedding.inner.register_forward_pre_hook(lambda _, args: found.append(args[0]))
        embedding(t)
        handle.remove()
        return found[0]

    embedding = TimeEmbedding(32, 8)
    for change, error in (
        (lambda m: m.float(), 1e-3),
        (lambda m: m.half().float(), 1e-3),
        (lambda m: m.half().double(), 1e-12),
        (lambda m: m.bfloat16(), 1e-2),  # the precision of the waves themselves
    ):
        change(embedding)
        times = t.double() if embedding.inner.weight.dtype == torch.float64 else t
        found = seen(embedding, times)
        assert found.dtype == embedding.inner.weight.dtype
        reference = waves(times.double(), frequencies(32, times.double()))
        assert (found.double() - reference).abs().max() <= error
    assert exact.shape == (2, 32)


def test_an_embedding_built_without_memory_works_when_it_has_weights():
    real = awake(TimeEmbedding(16, 8)).float()
    with torch.device("meta"):
        built = TimeEmbedding(16, 8)
    built.load_state_dict(real.state_dict(), assign=True)
    assert torch.equal(built(torch.arange(5)), real(torch.arange(5)))


def test_the_waves_are_not_stored():
    assert set(TimeEmbedding(8, 4).state_dict()) == {
        *("inner.weight", "inner.bias", "outer.weight", "outer.bias")
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((7, 4), "even number, not 7"),
        ((0, 4), "even number, not 0"),
        ((8, 4, 0.0), "positive number, not 0.0"),
        ((8, 4, -1.0), "not -1.0"),
        ((8, 4, math.nan), "not nan"),
    ],
)
def test_wrong_time_embeddings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TimeEmbedding(*arguments)


def test_label_embedding_and_its_null_class():
    embedding = LabelEmbedding(4, 6)
    labels = torch.tensor([0, 3, 4])
    assert torch.equal(embedding(labels), embedding.weight[labels])
    assert torch.equal(embedding(None), embedding(torch.tensor([4])))
    assert embedding(torch.empty(0, dtype=torch.int64)).shape == (0, 6)
    for wrong, message in (
        (torch.tensor([5]), "0..4 .* not 5..5"),
        (torch.tensor([-1, 2]), "not -1..2"),
        (torch.tensor([1.0]), "integers, not torch.float32"),
        (torch.tensor([True]), "integers, not torch.bool"),
    ):
        with pytest.raises(ValueError, match=message):
            embedding(wrong)


def test_one_time_or_one_for_each():
    x = torch.zeros(3, 2)
    for t in (5, 5.0, torch.tensor(5), torch.tensor([5])):
        assert per_image(t, x).tolist() == [5]
    assert per_image(torch.tensor([1, 2, 3]), x).tolist() == [1, 2, 3]
    assert float(per_image(0.1, x.double())) == 0.1, "a float keeps its digits"
    for wrong in (torch.zeros(2), torch.zeros(3, 1), torch.zeros(0)):
        with pytest.raises(ValueError, match="t must be a number or have shape"):
            per_image(wrong, x)


# Attention ----------------------------------------------------------------------------------------


def by_hand(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, image by image, head by head; q, k, v `(B, N, width)`."""
    d = q.shape[-1] // heads
    out = torch.zeros_like(q)
    for b in range(len(q)):
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            logits = q[b, :, part] @ k[b, :, part].T / math.sqrt(d)
            weights = logits.exp() / logits.exp().sum(1, keepdim=True)
            out[b, :, part] = weights @ v[b, :, part]
    return out


def test_self_attention_is_the_formula():
    layer, x = awake(Attention(8, heads=2)), random(2, 5, 8)
    q, k, v = layer.to_q(x), layer.to_k(x), layer.to_v(x)
    same(layer(x), layer.to_out(by_hand(q, k, v, 2)))
    for mistake in (by_hand(q, k, v, 4), by_hand(k, q, v, 2), by_hand(q / 2**0.5, k, v, 2)):
        differs(layer(x), layer.to_out(mistake))


def test_cross_attention_is_the_formula():
    layer, x, context = awake(Attention(8, 2, context=6)), random(2, 5, 8), random(2, 3, 6)
    k, v = layer.to_k(context), layer.to_v(context)
    same(layer(x, context), layer.to_out(by_hand(layer.to_q(x), k, v, 2)))
    differs(layer(x, context), layer.to_out(by_hand(layer.to_q(x), k.flip(1), v, 2)))
    differs(layer(x, context), layer(x, context.flip(0)))


def test_attend_takes_other_scores_for_other_heads():
    q, k, v = (random(2, 3, 4, 5, seed=seed) for seed in range(3))
    flat = [t.transpose(1, 2).flatten(2) for t in (q, k, v)]
    same(attend(q, k, v), by_hand(*flat, heads=3))


def rms(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight


@pytest.mark.parametrize("context", [None, 6])
def test_normed_queries_and_keys(context):
    layer, x = awake(Attention(8, 2, context, norm=True)), random(2, 5, 8)
    other = x if context is None else random(2, 3, context)

    def output(eps: float = 1e-6, swapped: bool = False) -> Tensor:
        gains = [layer.norm_q.weight, layer.norm_k.weight]
        gains = gains[::-1] if swapped else gains
        q, k = (
            rms(h.unflatten(-1, (2, 4)), gain, eps).flatten(-2)
            for h, gain in zip((layer.to_q(x), layer.to_k(other)), gains, strict=True)
        )
        # The norms come after the heads are taken apart: each head has its own length.
        return layer.to_out(by_hand(q, k, layer.to_v(other), 2))

    found = layer(x) if context is None else layer(x, other)
    same(found, output())
    differs(found, output(eps=1e-5))
    whole = [rms(h, gain.repeat(2)) for h, gain in ((layer.to_q(x), layer.norm_q.weight),)]
    differs(found, layer.to_out(by_hand(whole[0], layer.to_k(other), layer.to_v(other), 2)))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_self_attention_is_pytorchs(heads):
    layer, x = awake(Attention(8, heads)), random(3, 5, 8)
    theirs = nn.MultiheadAttention(8, heads, batch_first=True).double()
    with torch.no_grad():
        parts = (layer.to_q, layer.to_k, layer.to_v)
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    theirs.out_proj.load_state_dict(layer.to_out.state_dict())
    same(layer(x), theirs(x, x, x, need_weights=False)[0])
    with torch.no_grad():
        theirs.in_proj_weight.copy_(theirs.in_proj_weight.roll(8, dims=0))
    differs(layer(x), theirs(x, x, x, need_weights=False)[0])


@pytest.mark.parametrize("context", [None, 6])
@pytest.mark.parametrize("bias", [False, True])
def test_attention_is_that_of_diffusers(context, bias):
    theirs = awake(TheirAttention(8, context, heads=2, dim_head=4, bias=bias))
    ours = Attention(8, 2, context, bias=bias)
    copy(ours, theirs, {"to_out.0": "to_out"})
    x, other = random(2, 5, 8), None if context is None else random(2, 3, context)
    same(ours(x, other), theirs(x, encoder_hidden_states=other))
    ours.heads = 4  # "attention_head_dim=8" of Stable Diffusion 1.5 means eight heads
    differs(ours(x, other), theirs(x, encoder_hidden_states=other))


JOINT = {
    **{f"add_{part}_proj": f"y.to_{part}" for part in "qkv"},
    **{f"norm_added_{part}": f"y.norm_{part}" for part in "qk"},
    "to_add_out": "y.to_out",
}


def joint(norm: bool, last: bool) -> tuple[JointAttention, nn.Module]:
    theirs = awake(
        TheirAttention(
            8,
            added_kv_proj_dim=8,
            heads=2,
            dim_head=4,
            out_dim=8,
            context_pre_only=last,
            bias=True,
            processor=JointAttnProcessor2_0(),
            qk_norm="rms_norm" if norm else None,
            eps=1e-6,
        )
    )
    ours = JointAttention(8, 2, norm=norm, last=last).double()
    state = {}
    for key, value in theirs.state_dict().items():
        for old, new in JOINT.items():
            key = key.replace(old, new)
        key = key if key.startswith("y.") else f"x.{key}"
        state[key.replace("to_out.0", "to_out")] = value
    ours.load_state_dict(state, strict=True)
    return ours, theirs


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_joint_attention_is_that_of_diffusers(norm, last):
    ours, theirs = joint(norm, last)
    x, y = random(2, 5, 8), random(2, 3, 8, seed=1)
    found, expected = ours(x, y), theirs(x, encoder_hidden_states=y)
    # Their norm computes in float32, whatever the weights are in.
    limit = 1e-6 if norm else TOLERANCE
    assert far(found[0], expected[0]) <= limit
    assert far(ours(x, y.flip(0))[0], expected[0]) > 1e-3
    if last:
        assert found[1] is None
    else:
        assert far(found[1], expected[1]) <= limit
        assert far(ours(y, x)[0], expected[1]) > 1e-3, "each stream has layers of its own"


@pytest.mark.parametrize("norm", [False, True])
def test_joint_attention_is_the_formula(norm):
    layer = awake(JointAttention(8, 2, norm=norm))
    x, y = random(2, 5, 8), random(2, 3, 8, seed=1)
    q, k, v = [], [], []
    for stream, tokens in ((layer.x, x), (layer.y, y)):
        parts = [stream.to_q(tokens), stream.to_k(tokens)]
        if norm:
            gains = (stream.norm_q.weight, stream.norm_k.weight)
            parts = [
                rms(h.unflatten(-1, (2, 4)), gain).flatten(-2)
                for h, gain in zip(parts, gains, strict=True)
            ]
        q, k, v = [*q, parts[0]], [*k, parts[1]], [*v, stream.to_v(tokens)]
    mixed = by_hand(*(torch.cat(both, dim=1) for both in (q, k, v)), heads=2)
    found = layer(x, y)
    same(found[0], layer.x.to_out(mixed[:, :5]))
    same(found[1], layer.y.to_out(mixed[:, 5:]))
    differs(found[0], layer.x.to_out(by_hand(q[0], k[0], v[0], 2)))


def test_contexts_that_do_not_fit_are_refused():
    x = torch.zeros(2, 5, 8)
    alone, told = Attention(8), Attention(8, context=6)
    for layer, context, message in (
        (alone, torch.zeros(2, 3, 8), r"takes no context, got one of shape \(2, 3, 8\)"),
        (told, None, r"takes a context \(B, L, 6\), got none"),
        (told, torch.zeros(2, 3, 8), r"shape \(2, L, 6\), not \(2, 3, 8\)"),
        (told, torch.zeros(1, 3, 6), r"shape \(2, L, 6\), not \(1, 3, 6\)"),
        (told, torch.zeros(2, 6), r"not \(2, 6\)"),
    ):
        with pytest.raises(ValueError, match=message):
            layer(x, context)
    for heads in (3, 0, -2):
        with pytest.raises(ValueError, match=f"heads={heads}"):
            Attention(8, heads)
    with pytest.raises(ValueError, match="no context"):
        PixelAttention(8)(torch.zeros(2, 8, 2, 2), torch.zeros(2, 3, 6))
    with pytest.raises(ValueError, match="got none"):
        PixelAttention(8, context=6)(torch.zeros(2, 8, 2, 2))


# What images need ---------------------------------------------------------------------------------

RESNET = {"time_emb_proj": "embed", "conv_shortcut": "skip"}


@pytest.mark.parametrize("features", [0, 12])
@pytest.mark.parametrize("outputs", [16, 24])
@pytest.mark.parametrize("eps", [1e-5, 1e-6])
def test_the_residual_block_is_that_of_diffusers(features, outputs, eps):
    theirs = awake(
        ResnetBlock2D(
            in_channels=16,
            out_channels=outputs,
            temb_channels=features or None,
            groups=group_norm(16).num_groups,
            groups_out=group_norm(outputs).num_groups,
            eps=eps,
        )
    )
    ours = ResidualBlock(16, outputs, features, eps)
    copy(ours, theirs, RESNET)
    # Small numbers, so that eps is seen.
    x, embedding = 0.1 * random(2, 16, 5, 4), random(2, features) if features else None
    told = None if embedding is None else F.silu(embedding)
    same(ours(x, told), theirs(x, embedding))
    other = ResidualBlock(16, outputs, features, {1e-5: 1e-6, 1e-6: 1e-5}[eps])
    copy(other, theirs, RESNET)
    differs(other(x, told), theirs(x, embedding))
    if embedding is not None:
        differs(ours(x, embedding), theirs(x, embedding))


def test_a_block_that_is_told_nothing_and_one_that_must_be_told():
    x = torch.zeros(1, 8, 2, 2)
    with pytest.raises(ValueError, match=r"takes no embedding, got one of shape \(1, 4\)"):
        ResidualBlock(8, 8)(x, torch.zeros(1, 4))
    with pytest.raises(ValueError, match="takes an embedding of 4, got none"):
        ResidualBlock(8, 8, 4)(x)


@pytest.mark.parametrize("eps", [1e-5, 1e-6])
def test_attention_between_pixels_is_that_of_diffusers(eps):
    """As in the middle of an autoencoder: one head, biases, and there an eps of 1e-6."""
    theirs = awake(
        TheirAttention(
            8, heads=1, dim_head=8, bias=True, norm_num_groups=2, eps=eps, residual_connection=True
        )
    )
    ours = PixelAttention(8, heads=1, eps=eps)
    names = {"group_norm": "norm", "to_": "attend.to_", "to_out.0": "to_out"}
    copy(ours, theirs, names)
    x = 0.1 * random(2, 8, 3, 4)
    same(ours(x), theirs(x))
    other = PixelAttention(8, heads=1, eps={1e-5: 1e-6, 1e-6: 1e-5}[eps])
    copy(other, theirs, names)
    differs(other(x), theirs(x))


@pytest.mark.parametrize("eps", [1e-5, 1e-6])
def test_attention_of_pixels_to_a_context_is_the_formula(eps):
    layer, context = awake(PixelAttention(8, 2, context=6, eps=eps)), random(2, 5, 6)
    x = 0.1 * random(2, 8, 3, 4)

    def seen(norm: nn.GroupNorm, x: Tensor) -> Tensor:
        """The pixels as tokens, normalised in two groups of four channels."""
        groups = x.view(2, 2, 48)
        groups = groups - groups.mean(-1, keepdim=True)
        groups = groups / (groups.square().mean(-1, keepdim=True) + eps).sqrt()
        return groups.view(2, 8, 12).mT * norm.weight + norm.bias

    def picture(h: Tensor) -> Tensor:
        return h.mT.reshape(2, 8, 3, 4)

    between = x + picture(layer.attend(seen(layer.norm, x)))
    expected = between + picture(layer.look(seen(layer.norm_look, between), context))
    same(layer(x, context), expected)
    differs(layer(x, context), between + picture(layer.look(seen(layer.norm_look, x), context)))


# Transformer blocks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"), [("gelu", "gelu"), ("gelu-tanh", "gelu-approximate"), ("geglu", "geglu")]
)
def test_feed_forward_is_that_of_diffusers(ours, theirs):
    peer = awake(TheirFeedForward(8, activation_fn=theirs))
    names = {"net.0.proj": "inner", "net.2": "outer"}
    layer, x = FeedForward(8, ours), random(2, 5, 8)
    copy(layer, peer, names)
    same(layer(x), peer(x))
    if ours == "geglu":  # value and gate swapped
        with torch.no_grad():
            for parameter in layer.inner.parameters():
                parameter.copy_(parameter.roll(32, dims=0))
        differs(layer(x), peer(x))
    else:  # the other of the two, which 1e-4 would let pass
        layer.activation = {"gelu": "gelu-tanh", "gelu-tanh": "gelu"}[ours]
        differs(layer(x), peer(x))
        assert far(layer(x), peer(x)) < 1e-3
        quick = layer.inner(x) * torch.sigmoid(1.702 * layer.inner(x))
        differs(layer.outer(quick), peer(x))


def test_unknown_activations_are_refused():
    with pytest.raises(ValueError, match=r"one of \('gelu', 'gelu-tanh', 'geglu'\), not 'relu'"):
        FeedForward(8, "relu")


BLOCK = {
    **{"attn1": "attend", "attn2": "look", "to_out.0": "to_out"},
    **{"ff.net.0.proj": "feed.inner", "ff.net.2": "feed.outer"},
}


def test_the_transformer_block_is_that_of_diffusers():
    theirs = awake(BasicTransformerBlock(8, 2, 4, cross_attention_dim=6))
    ours = TransformerBlock(8, 2, context=6)
    copy(ours, theirs, BLOCK)
    x, context = random(2, 5, 8), random(2, 3, 6)
    expected = theirs(x, encoder_hidden_states=context)
    same(ours(x, context), expected)
    ours.norm2.eps = 1e-6
    differs(ours(x, context), expected)
    ours.norm2.eps = 1e-5
    ours.norm1, ours.norm2 = ours.norm2, ours.norm1
    differs(ours(x, context), expected)


class Given(nn.Module):
    """Stands where diffusers embeds time and label itself: the condition is given."""

    def forward(self, timestep, class_labels, hidden_dtype=None):
        return timestep


def test_the_adaptive_block_is_that_of_diffusers():
    theirs = BasicTransformerBlock(
        8,
        2,
        4,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=3,
        attention_bias=True,
        norm_elementwise_affine=False,
        norm_type="ada_norm_zero",
        norm_eps=1e-6,
    )
    theirs.norm1.emb = Given()
    awake(theirs)
    ours = AdaptiveBlock(8, 2, features=8)
    copy(ours, theirs, {"norm1.linear": "adapt", **BLOCK})
    x, condition = random(2, 5, 8), random(2, 8, seed=1)
    expected = theirs(x, timestep=condition)
    same(ours(x, F.silu(condition)), expected)
    differs(ours(x, condition), expected)

    ours.norm.eps = 1e-5
    differs(ours(x, F.silu(condition)), expected)
    assert far(ours(x, F.silu(condition)), expected) < 1e-3, "nobody would see it"
    ours.norm.eps = 1e-6
    ours.feed.activation = "gelu"
    differs(ours(x, F.silu(condition)), expected)
    ours.feed.activation = "gelu-tanh"
    same(ours(x, F.silu(condition)), expected)
    right = {key: value.clone() for key, value in ours.adapt.state_dict().items()}
    orders = {
        "scale before shift": (1, 0, 2, 4, 3, 5),
        "scale before shift in the attention": (1, 0, 2, 3, 4, 5),
        "gate first": (2, 0, 1, 5, 3, 4),
        "feed-forward first": (3, 4, 5, 0, 1, 2),
    }
    for name, order in orders.items():
        for key, value in right.items():
            getattr(ours.adapt, key).data = value.unflatten(0, (6, 8))[list(order)].flatten(0, 1)
        assert far(ours(x, F.silu(condition)), expected) > 1e-3, name


def test_the_adaptive_block_is_the_formula():
    block, x, c = awake(AdaptiveBlock(8, 2, features=4)), random(2, 5, 8), random(2, 4, seed=1)

    def norm(h: Tensor, eps: float = 1e-6) -> Tensor:
        h = h - h.mean(-1, keepdim=True)
        return h / (h.square().mean(-1, keepdim=True) + eps).sqrt()

    six = (c @ block.adapt.weight.T + block.adapt.bias).view(2, 6, 1, 8)
    shift1, scale1, gate1, shift2, scale2, gate2 = six.unbind(1)
    y = x + gate1 * block.attend((1 + scale1) * norm(x) + shift1)
    same(block(x, c), y + gate2 * block.feed((1 + scale2) * norm(y) + shift2))
    parallel = y + gate2 * block.feed((1 + scale2) * norm(x) + shift2)
    differs(block(x, c), parallel)
    same(block(x, c[:1]), block(x, c[:1].expand(2, -1)))


def test_untrained_adaptive_blocks_pass_their_input_on():
    x = random(2, 5, 8).float()
    assert torch.equal(AdaptiveBlock(8, 2, 4)(x, torch.ones(2, 4)), x)
    zero = torch.zeros(())
    assert torch.equal(modulate(x, zero, zero), x)


# Devices ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["UNet", "UNet with text", "MLP"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_every_tensor_is_made_where_the_input_is(kind, dtype):
    """The device "meta" has no memory; a tensor that is left on the CPU cannot meet one of it."""
    build = {
        "UNet": lambda: UNet(1, 8, (1, 1), classes=4, attention=True),
        "UNet with text": lambda: UNet(1, 8, (1, 1), attention=True, context=6),
        "MLP": MLP,
    }
    model = build[kind]().to("meta", dtype)
    x = torch.empty((2, 2) if kind == "MLP" else (2, 1, 8, 8), dtype=dtype, device="meta")
    cond = torch.empty(2, 3, 6, dtype=dtype, device="meta") if kind == "UNet with text" else None
    for t in (3, 0.5, torch.tensor(3), torch.tensor([3, 5])):
        out = model(x, t, cond)
        assert out.device.type == "meta" and out.dtype == dtype
    with pytest.raises(RuntimeError, match="device"):
        model(x, 3, cond) + torch.zeros(x.shape)


def test_a_network_made_empty_is_whole_once_its_weights_are_loaded() -> None:
    """The standard way from the device "meta": frequencies are no part of the state."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = MLP(dim=2)
    with torch.device("meta"):
        other = MLP(dim=2)
    other.to_empty(device="cpu")
    other.load_state_dict(net.state_dict())
    x, t = torch.ones(3, 2), torch.tensor([1, 500, 999])
    assert torch.equal(net(x, t), other(x, t))
