"""Transformer blocks: one that looks at a context, and one that is told by adaptive normalisation.

Both are attention and a feed-forward network, each behind a normalisation and around a skip
connection. They differ in how the condition comes in.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from genbook.nn.attention import Attention
from genbook.nn.layers import zero_

__all__ = ["AdaptiveBlock", "FeedForward", "TransformerBlock", "modulate"]

ACTIVATIONS = ("gelu", "gelu-tanh", "geglu")


class FeedForward(nn.Module):
    r"""Two layers at every token, with one of three activations between them.

    - ``"gelu"``: $\text{GELU}(h) = h\,\Phi(h)$, with the normal distribution function;
    - ``"gelu-tanh"``: the same with $\Phi$ approximated by a hyperbolic tangent. Outputs differ by
      1e-4: enough to tell networks apart, too little to see;
    - ``"geglu"``: the inner layer makes two halves, ``value * GELU(gate)``; the first is the value.

    x ``(B, N, width)`` -> the same shape; ``ratio * width`` features between.

    Source: Hendrycks and Gimpel 2016; Shazeer 2020 (GEGLU).
    """

    def __init__(self, width: int, activation: str = "gelu", ratio: int = 4) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {ACTIVATIONS}, not {activation!r}")
        self.activation = activation
        self.inner = nn.Linear(width, ratio * width * (2 if activation == "geglu" else 1))
        self.outer = nn.Linear(ratio * width, width)

    def forward(self, x: Tensor) -> Tensor:
        h = self.inner(x)
        if self.activation == "geglu":
            value, gate = h.chunk(2, dim=-1)
            h = value * F.gelu(gate)
        else:
            h = F.gelu(h, approximate="tanh" if self.activation == "gelu-tanh" else "none")
        return self.outer(h)


class TransformerBlock(nn.Module):
    """Self-attention, attention to a context, feed-forward: the block inside a U-Net told by text.

    Args:
        width: of the tokens.
        heads: as in ``Attention``.
        context: width of the context's tokens.
        activation: as in ``FeedForward``.

    Shapes: x ``(B, N, width)``, context ``(B, L, context)`` -> the shape of x.

    Source: Rombach et al. 2022, appendix E.2.1.
    """

    def __init__(self, width: int, heads: int, context: int, activation: str = "geglu") -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attend = Attention(width, heads, bias=False)
        self.norm2 = nn.LayerNorm(width)
        self.look = Attention(width, heads, context, bias=False)
        self.norm3 = nn.LayerNorm(width)
        self.feed = FeedForward(width, activation)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        x = x + self.look(self.norm2(x), context)
        return x + self.feed(self.norm3(x))


class AdaptiveBlock(nn.Module):
    """Self-attention and feed-forward, steered by a condition through adaLN-Zero: the block of DiT.

    A layer makes six vectors from the condition: shift, scale and gate of the attention, then of
    the feed-forward network. Shift and scale act after a normalisation that has no weights of its
    own, the gate on what is added to the skip connection. The layer starts at zero, and so do all
    gates: the untrained block passes its input on.

    Args:
        width: of the tokens.
        heads: as in ``Attention``.
        features: of the condition.
        activation: as in ``FeedForward``.
        eps: of the normalisations; published networks have 1e-6 here, not PyTorch's 1e-5.

    Shapes: x ``(B, N, width)``, embedding ``(B or 1, features)`` -> the shape of x. The embedding
    comes activated (``silu``): the network does that once for all blocks.

    Source: Peebles and Xie 2023, section 3.2 and figure 3.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        features: int,
        activation: str = "gelu-tanh",
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.adapt = zero_(nn.Linear(features, 6 * width))
        self.norm = nn.LayerNorm(width, eps=eps, elementwise_affine=False)
        self.attend = Attention(width, heads)
        self.feed = FeedForward(width, activation)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        # One vector for all tokens of an image: (B or 1, 1, width) each.
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adapt(embedding)[:, None].chunk(6, -1)
        x = x + gate1 * self.attend(modulate(self.norm(x), shift1, scale1))
        return x + gate2 * self.feed(modulate(self.norm(x), shift2, scale2))


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """``(1 + scale) x + shift``: zero for both changes nothing."""
    return x * (1 + scale) + shift
