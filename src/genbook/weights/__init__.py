"""The networks that come with the book: weights as safetensors, each with a model card.

``<name>.safetensors`` holds the tensors, ``<name>.json`` the card: what was trained, how, on what,
how well, and the checksum of the tensors. ``python -m genbook.training <name>`` trains any of them
again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from genbook.nn import MLP, Classifier, FlowMLP, UNet
from genbook.schedules import NoiseSchedule

__all__ = ["FOLDER", "card", "fit", "load", "names", "schedule", "write"]

FOLDER = Path(__file__).parent
LIMIT = 6 * 2**20  # bytes a file, and of all files together: the wheel stays small
TOTAL = 48 * 2**20
# By the class that a card names. Each has a dataclass ``config`` and is built from its fields.
NETWORKS: dict[str, type[nn.Module]] = {
    "Classifier": Classifier,
    "FlowMLP": FlowMLP,
    "MLP": MLP,
    "UNet": UNet,
}


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the networks in ``folder``, sorted; by default those that come with the book."""
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The model card: recipe, seed, commit, time, data, licence, metrics with intervals, limits.

    Raises:
        ValueError: for a name that ``names()`` does not list.
    """
    path = folder / f"{name}.json"
    if name not in names(folder) or not path.exists():
        known = ", ".join(names(folder)) or "none"
        raise ValueError(f"there are no weights called {name!r}; there are: {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def schedule(name: str, folder: Path = FOLDER) -> NoiseSchedule:
    """The noise schedule that the network was trained with.

    Raises:
        ValueError: for an unknown name, or a network that has no schedule.
    """
    entry = card(name, folder).get("schedule")
    if entry is None:
        raise ValueError(f"{name!r} was trained without noise: it has no schedule")
    return getattr(NoiseSchedule, entry["kind"])(entry["T"])


def load(name: str, folder: Path = FOLDER) -> nn.Module:
    """Build the network that the card describes and load its weights; it is in evaluation mode.

    It is in float32, however the weights were stored. The global random numbers stay as they were.

    Raises:
        ValueError: for an unknown name, a file that is not the one of the card (checksum), a class
            or a configuration that there is not, or weights that do not fit.
    """
    entry = card(name, folder)
    data = (folder / f"{name}.safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != entry["sha256"]:
        raise ValueError(
            f"{name}.safetensors is not the file that its card describes: its SHA-256 is {found}, "
            f"the card says {entry['sha256']}; install the package again"
        )
    kind = entry["network"]["class"]
    if kind not in NETWORKS:
        raise ValueError(_unknown(kind))
    with torch.random.fork_rng(devices=[]):  # a new network draws its first weights
        network = NETWORKS[kind](**entry["network"]["config"])
    return fit(network, safetensors.torch.load(data)).eval()


def fit(network: nn.Module, tensors: dict[str, Tensor]) -> nn.Module:
    """Load ``tensors`` into ``network``, all of them or none.

    The network keeps its types: weights in half precision become what it computes in.

    Raises:
        ValueError: if keys, shapes or kinds (floats or not) differ; names the first missing and the
            first unexpected key, or the first that does not fit.
    """
    own = network.state_dict()
    missing = [key for key in own if key not in tensors]
    unexpected = [key for key in tensors if key not in own]
    if missing or unexpected:
        parts = []
        if missing:
            parts.append(f"{len(missing)} missing, the first is {missing[0]!r}")
        if unexpected:
            parts.append(f"{len(unexpected)} unexpected, the first is {unexpected[0]!r}")
        raise ValueError("the weights do not fit the network: " + "; ".join(parts))
    for key, value in own.items():
        if value.shape != tensors[key].shape:
            raise ValueError(
                f"the weights do not fit the network: {key!r} should have shape "
                f"{tuple(value.shape)}, not {tuple(tensors[key].shape)}"
            )
        if value.is_floating_point() != tensors[key].is_floating_point():
            raise ValueError(
                f"the weights do not fit the network: {key!r} should be of type {value.dtype}, not "
                f"{tensors[key].dtype}"
            )
    network.load_state_dict(tensors)
    return network


def write(
    name: str,
    network: nn.Module,
    entry: dict[str, Any],
    folder: Path = FOLDER,
    *,
    half: bool = False,
) -> dict[str, Any]:
    """Write ``<name>.safetensors`` and ``<name>.json`` into ``folder``; returns the whole card.

    ``entry`` is the card without what can be read off the network: class, configuration, number of
    parameters, bytes and checksum are added here. ``half`` stores the weights in half precision,
    which is right where the card's metrics, measured with what ``load`` gives, stay the same.

    Raises:
        ValueError: if the file would be larger than 6 MB, or all files of the folder together than
            48 MB; if the network is of no known class; if half precision cannot hold a weight.
    """
    kind = type(network).__name__
    if kind not in NETWORKS:
        raise ValueError(_unknown(kind))
    config: Any = network.config
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    if half:
        tensors = {key: _halved(key, value) for key, value in tensors.items()}
    data = safetensors.torch.save(tensors)
    if len(data) > LIMIT:
        raise ValueError(f"{name} would take {len(data)} bytes; the limit is {LIMIT}")
    others = sum(path.stat().st_size for path in folder.glob("*.safetensors") if path.stem != name)
    if others + len(data) > TOTAL:
        raise ValueError(
            f"with {name} the weights in {folder} would take {others + len(data)} bytes; the limit "
            f"of all together is {TOTAL}"
        )
    entry = {
        "name": name,
        **entry,
        "network": {
            "class": kind,
            "config": dataclasses.asdict(config),
            "parameters": sum(p.numel() for p in network.parameters()),
        },
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.safetensors").write_bytes(data)
    text = json.dumps(entry, indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return json.loads(text)


def _halved(key: str, value: Tensor) -> Tensor:
    """``value`` in half precision, if it is of floats."""
    if not value.is_floating_point():
        return value
    halved = value.half()
    if not torch.equal(halved.isfinite(), value.isfinite()):
        raise ValueError(f"half precision cannot hold {key!r}: its largest number is 65504")
    return halved


def _unknown(kind: str) -> str:
    return f"{kind} is not among the known networks: {', '.join(NETWORKS)}"
