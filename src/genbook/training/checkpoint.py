"""Checkpoints: written whole or not at all, and opened only by the run that they belong to.

What is refused stays as it is on the disk, and the error says what was found and what was expected.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["anatomy", "fingerprint", "plain", "read", "refuse_others", "write"]

FORMAT = "a checkpoint of genbook.training, version 1"
_REMEDY = "The file was left as it is; move it away, or choose another place, to start anew."


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state; a reader sees the old file or the new, never half of one."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save({"format": FORMAT, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> dict[str, Any]:
    """The state that ``write`` put there, with its tensors on the CPU.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is damaged or cut short, or no checkpoint of ours.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise ValueError(f"{path} is empty, expected {FORMAT}. {_REMEDY}")
    if start != b"PK\x03\x04":  # what torch writes is a zip
        raise ValueError(f"{path} is not {FORMAT}: it begins with {start!r}. {_REMEDY}")
    if not zipfile.is_zipfile(path):  # the directory of a zip is at its end
        size = path.stat().st_size
        raise ValueError(f"{path} is damaged: it breaks off after {size} bytes. {_REMEDY}")
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not look at all the check sums
            broken = archive.testzip()
        if broken is not None:
            raise ValueError(f"{broken} has a wrong check sum")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # nobody documents which ones bad bytes can raise
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{path} is damaged, or not {FORMAT}: {reason}. {_REMEDY}") from error
    found = state.get("format") if isinstance(state, dict) else None
    if found != FORMAT:
        what = f"says of itself {found!r}" if found else f"holds a {type(state).__name__}"
        if isinstance(state, dict) and not found:
            what += f" with the keys {', '.join(map(repr, list(state)[:3]))}, …"
        raise ValueError(f"{path} is not {FORMAT}: it {what}. {_REMEDY}")
    return state


def refuse_others(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Raise unless a checkpoint is of this run; both sides are what ``Trainer.identity`` says.

    Raises:
        ValueError: names the first setting, the part of the network, or the data that differ.
    """
    parts = (
        ("settings", "of a run with {name}={found}, this one has {expected}"),
        ("network", "of another network: {name} is {found} there and {expected} here"),
        ("data", "of a run on other data: {name} was {found} there and is {expected} here"),
    )
    for part, sentence in parts:
        theirs, ours = found[part], expected[part]
        for name in [*ours, *(key for key in theirs if key not in ours)]:
            a, b = (side.get(name, "missing") for side in (theirs, ours))
            if a != b:
                words = sentence.format(name=name, found=a, expected=b)
                raise ValueError(f"{path} is {words}. Make them equal to go on. {_REMEDY}")


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a checkpoint keeps them: numbers and words, and other values as they print."""
    simple = (bool, int, float, str, type(None))
    return {name: v if isinstance(v, simple) else repr(v) for name, v in settings.items()}


def anatomy(model: nn.Module) -> dict[str, str]:
    """What a network is made of: its class, its configuration, its layers, its tensors."""
    found = {"class": type(model).__name__, "config": repr(getattr(model, "config", None))}
    for name, layer in model.named_modules():
        if name:
            found[f"layer {name!r}"] = f"{type(layer).__name__}({layer.extra_repr()})"
    for name, value in model.state_dict().items():
        found[f"tensor {name!r}"] = f"{tuple(value.shape)} of {value.dtype}"
    return found


def fingerprint(tensors: Sequence[Tensor]) -> dict[str, str]:
    """What the data are, without keeping them: their number, shapes, and a hash of the bytes."""
    found = {"number of tensors": str(len(tensors))}
    for i, tensor in enumerate(tensors):
        numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
        found[f"shape of tensor {i}"] = f"{tuple(tensor.shape)} of {tensor.dtype}"
        found[f"SHA-256 of tensor {i}"] = hashlib.sha256(numbers).hexdigest()[:16]
    return found
