"""How many storages are there?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from genbook import objects
from genbook.checks import Case, Question, mistakes


def storages(tensors):
    return len({tensor.untyped_storage().data_ptr() for tensor in tensors})


def in_pairs(tensors):
    """Count those that share nothing with an earlier one."""
    shares = objects.shares_storage
    return sum(not any(shares(x, y) for y in tensors[:i]) for i, x in enumerate(tensors))


def by_offsets(tensors):
    """By where the storage begins, computed from the tensor."""
    begins = [t.data_ptr() - t.storage_offset() * t.element_size() for t in tensors]
    return torch.tensor(begins, dtype=torch.int64).unique().numel() * torch.tensor(1)


# What each is, and how ``use`` makes it: of a tensor x and its clone y, or of a network.
COLLECTIONS = {
    "two": ("a tensor and its clone", "[x, y]"),
    "views": ("views of one tensor, and a clone", "[x, x[1:], x.T, x[:, ::2], y]"),
    "halves": ("two halves that do not overlap", "[x[:2], x[2:]]"),
    "one": ("four ways of looking at one storage", "[x, x.detach(), x.float(), x.view(-1)]"),
    "copies": (
        "copies of all kinds",
        "[x, x[[0]], x[x > 0], x.double(), x.T.reshape(-1), y[1], x + 0]",
    ),
    "again": ("slices, some twice", "[y[3], x[3], x[1], y[3]]"),
    "layers": (
        "the state_dict of a network with a shared layer",
        "list(net.state_dict().values())",
    ),
    "none": ("no tensors at all", "[]"),
}


def use(answer: Callable[..., Any], kind: str, seed: int) -> Any:
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(seed))
    layer = nn.Linear(3, 3)
    names = {"x": x, "y": x.clone(), "net": nn.Sequential(layer, layer, nn.Linear(3, 3))}
    return answer(eval(COLLECTIONS[kind][1], names))


def cases(seed: int) -> list[Case]:
    x = "x = torch.randn(4, 6); y = x.clone(); "
    net = "layer = nn.Linear(3, 3); net = nn.Sequential(layer, layer, nn.Linear(3, 3)); "
    return [
        Case((kind, seed), label=label, story=f"{net if kind == 'layers' else x}storages({made})")
        for kind, (label, made) in COLLECTIONS.items()
    ]


MISCONCEPTIONS = mistakes("""
counts tensors: → len(tensors)
    You counted the tensors. Several tensors can lie on one storage.
counts objects: tensor.untyped_storage().data_ptr() → id(tensor)
    You counted tensor objects, by their identity. A view is an object of its own on a storage that
    it shares.
first number: .untyped_storage() →
    You compared where the *first number* lies (data_ptr). A slice of a storage begins elsewhere:
    ask where the storage begins.
equal numbers: tensor.untyped_storage().data_ptr() → tuple(tensor.flatten().tolist())
    You counted different *values*. A clone has equal numbers on a storage of its own.
""")

ALTERNATIVES = (in_pairs, by_offsets)

QUESTION = Question("objects.storages", 2, storages, cases, MISCONCEPTIONS, ALTERNATIVES, use=use)
