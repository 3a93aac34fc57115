"""The networks that come with the book: weights as safetensors, each with a model card.

`<name>.safetensors` holds the tensors, `<name>.json` the card: what was trained, how, on what, how
well, and the checksum of the tensors. `python -m genbook.training <name>` trains any of them again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor, nn

from genbook.nn import MLP, Classifier, UNet
from genbook.schedules import NoiseSchedule

__all__ = ["FOLDER", "card", "fit", "load", "names", "schedule", "write"]

FOLDER = Path(__file__).parent
LIMIT = 4 * 2**20  # bytes a file: the wheel stays small
NETWORKS: dict[str, type[nn.Module]] = {"UNet": UNet, "Classifier": Classifier}


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the networks in `folder`, sorted; by default those that come with the book."""
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The model card: recipe, seed, commit, time, data, licence, metrics with intervals, limits.

    Raises:
        ValueError: for a name that `names()` does not list.
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

    Raises:
        ValueError: for an unknown name, a file that is not the one of the card (checksum), or
            weights that do not fit.
    """
    entry = card(name, folder)
    data = (folder / f"{name}.safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != entry["sha256"]:
        raise ValueError(
            f"{name}.safetensors is not the file that its card describes: its SHA-256 is {found}, "
            f"the card says {entry['sha256']}; install the package again"
        )
    network = NETWORKS[entry["network"]["class"]](**entry["network"]["config"])
    return fit(network, safetensors.torch.load(data)).eval()


def fit(network: nn.Module, tensors: dict[str, Tensor]) -> nn.Module:
    """Load `tensors` into `network`, all of them or none.

    Raises:
        ValueError: if keys or shapes differ; names the first missing and the first unexpected key,
            or the first shape.
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
    network.load_state_dict(tensors)
    return network


def write(
    name: str, network: nn.Module, entry: dict[str, Any], folder: Path = FOLDER
) -> dict[str, Any]:
    """Write `<name>.safetensors` and `<name>.json` into `folder`; returns the card as written.

    `entry` is the card without what can be read off the network: class, configuration, number of
    parameters, bytes and checksum are added here.

    Raises:
        ValueError: if the file would be larger than 4 MB, or the network is of no known class.
    """
    kind = type(network).__name__
    if kind not in NETWORKS:
        raise ValueError(f"{kind} is not among the known networks: {', '.join(NETWORKS)}")
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    data = safetensors.torch.save(tensors)
    if len(data) > LIMIT:
        raise ValueError(f"{name} would take {len(data)} bytes; the limit is {LIMIT}")
    entry = {
        "name": name,
        **entry,
        "network": {
            "class": kind,
            "config": network.config,
            "parameters": sum(p.numel() for p in network.parameters()),
        },
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.safetensors").write_bytes(data)
    text = json.dumps(entry, indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return entry
