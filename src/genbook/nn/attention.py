"""Attention: self-attention, cross-attention, and the joint attention of two streams.

Everything here works on sequences of tokens ``(B, N, width)``. What an image needs around it, to
become a sequence and an image again, is in ``resnet.py``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Attention", "JointAttention", "attend"]


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    r"""Every head's $\text{softmax}(Q K^\top / \sqrt{d})\,V$, side by side.

    q ``(B, heads, N, d)``, k and v ``(B, heads, L, d)`` -> ``(B, N, heads d)``.

    Source: Vaswani et al. 2017, equation 1.
    """
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Heads(nn.Module):
    """The queries, keys and values of all heads: ``Attention`` without its last layer."""

    def __init__(
        self,
        width: int,
        heads: int = 4,
        context: int | None = None,
        *,
        bias: bool = True,
        norm: bool = False,
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"width={width} cannot be divided among heads={heads}")
        self.heads, self.context = heads, context
        source = width if context is None else context
        self.to_q = nn.Linear(width, width, bias=bias)
        self.to_k = nn.Linear(source, width, bias=bias)
        self.to_v = nn.Linear(source, width, bias=bias)
        self.norm_q = nn.RMSNorm(width // heads, eps=1e-6) if norm else nn.Identity()
        self.norm_k = nn.RMSNorm(width // heads, eps=1e-6) if norm else nn.Identity()

    def project(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries ``(B, heads, N, d)``, keys and values ``(B, heads, L, d)``.

        Raises:
            ValueError: for a context that does not fit, is missing, or is not asked for.
        """
        if (context is None) != (self.context is None):
            asked = "no context" if self.context is None else f"a context (B, L, {self.context})"
            given = "none" if context is None else f"one of shape {tuple(context.shape)}"
            raise ValueError(f"this attention takes {asked}, got {given}")
        if context is None:
            context = x
        elif context.ndim != 3 or context.shape[::2] != (len(x), self.context):
            raise ValueError(
                f"the context must have shape ({len(x)}, L, {self.context}), not "
                f"{tuple(context.shape)}"
            )
        q = self.norm_q(self._split(self.to_q(x)))
        k = self.norm_k(self._split(self.to_k(context)))
        return q, k, self._split(self.to_v(context))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Attention(Heads):
    """Each token asks all others, or those of a context: self- or cross-attention.

    Queries are made from ``x``, keys and values from ``x`` or from the context.

    Args:
        width: of the tokens of ``x``.
        heads: that the width is divided among.
        context: width of the tokens of the context; None for self-attention.
        bias: whether the layers of queries, keys and values have one; the last layer always has.
        norm: whether each head's queries and keys are divided by their root mean square (and
            multiplied by a learned weight). It keeps the logits of large networks from growing.

    Shapes: x ``(B, N, width)``, context ``(B, L, context)`` -> ``(B, N, width)``.

    Source: Vaswani et al. 2017, section 3.2; norm: Dehghani et al. 2023, Esser et al. 2024.
    """

    def __init__(
        self,
        width: int,
        heads: int = 4,
        context: int | None = None,
        *,
        bias: bool = True,
        norm: bool = False,
    ) -> None:
        super().__init__(width, heads, context, bias=bias, norm=norm)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        return self.to_out(attend(*self.project(x, context)))


class JointAttention(nn.Module):
    """Two streams with layers of their own and one attention over both, as in MM-DiT.

    Args:
        width, heads, norm: as in ``Attention``, the same for both streams.
        last: whether the second stream ends here: it is asked, but gets no answer.

    Shapes: x ``(B, N, width)``, y ``(B, L, width)`` -> the same shapes; None for y if ``last``.

    Source: Esser et al. 2024, section 4 and figure 2.
    """

    def __init__(
        self, width: int, heads: int = 4, *, norm: bool = False, last: bool = False
    ) -> None:
        super().__init__()
        self.x = Attention(width, heads, norm=norm)
        self.y = (Heads if last else Attention)(width, heads, norm=norm)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor | None]:
        streams = zip(self.x.project(x), self.y.project(y), strict=True)
        q, k, v = (torch.cat(both, dim=2) for both in streams)
        x, y = attend(q, k, v).split([x.shape[1], y.shape[1]], dim=1)
        return self.x.to_out(x), self.y.to_out(y) if isinstance(self.y, Attention) else None
