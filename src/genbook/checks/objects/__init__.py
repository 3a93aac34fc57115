"""The questions of the exercise sheet on names, objects and tensors.

The checker gives every call its own copies of the arguments, and copies share nothing. So where a
question is about sharing, the case is a recipe, and ``use`` makes the objects inside the call.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genbook import objects
from genbook.checks import Case, Misconception, Question
from genbook.checks.machinery import compare

__all__ = ["QUESTIONS"]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- 1. Names, by hand ---------------------------------------------------------------------------


def predict() -> dict[str, list[int]]:
    return {"a": [1, 2, 3], "b": [1, 2, 3, 4], "c": [1, 2, 5]}


def _lists(a: list[int], b: list[int], c: list[int]) -> Callable[[], dict[str, list[int]]]:
    return lambda: {"a": a, "b": b, "c": c}


def _predict_run() -> dict[str, list[int]]:
    """The program itself."""

    def f(x: list[int], y: list[int]) -> None:
        x.append(5)
        y = [0]  # noqa: F841

    a = [1, 2]
    b = a
    c = a.copy()
    a += [3]
    b = [*b, 4]
    f(c, b)
    return {"a": a, "b": b, "c": c}


PREDICT = Question(
    id="objects.predict",
    points=2,
    name="predict",
    reference=predict,
    cases=lambda seed: [Case(label="the three lists")],
    alternatives=(
        _predict_run,
        lambda: {"c": np.array([1, 2, 5]), "b": range(1, 5), "a": (1, 2, 3)},
    ),
    misconceptions=(
        Misconception(
            "names are boxes",
            _lists([1, 2, 3], [1, 2, 4], [1, 2, 5]),
            "Your b has not seen the 3. `b = a` gives the one list a second name, and `a += [3]` "
            "changes that list.",
        ),
        Misconception(
            "a + for lists changes them",
            _lists([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 5]),
            "Your a has the 4. `b + [4]` makes a new list, and only the name b is tied to it.",
        ),
        Misconception(
            "a function rebinds the caller's name",
            _lists([1, 2, 3], [0], [1, 2, 5]),
            "Your b is [0]. `y = [0]` ties the function's own name y to a new list. The caller's b "
            "leads where it led.",
        ),
        Misconception(
            "a copy is an alias",
            _lists([1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 3, 5]),
            "Your c is the list a. `a.copy()` made a list of its own, so the 3 is not in c and the "
            "5 is not in a.",
        ),
        Misconception(
            "a call copies",
            _lists([1, 2, 3], [1, 2, 3, 4], [1, 2]),
            "Your c has no 5. A call copies nothing: x is another name of the caller's list, and "
            "`append` changes it.",
        ),
    ),
)


# --- 2. Views, by hand ---------------------------------------------------------------------------


def views() -> list[list[float]]:
    return [[7.0, -1.0, 2.0], [7.0, 14.0, 100.0]]


def _views_run() -> Tensor:
    """The program itself."""
    x = torch.arange(6.0).reshape(2, 3)
    x[1] += 10
    y = x[[0]]
    y *= 0
    x.T[0] = 7
    z = x.reshape(6)
    z[5] = 100
    v = x.float()
    v[0, 1] = -1
    w = x.double()
    w += 1
    return x


VIEWS = Question(
    id="objects.views",
    points=2,
    name="views",
    reference=views,
    cases=lambda seed: [Case(label="the six numbers")],
    alternatives=(_views_run, lambda: np.array([[7, -1, 2], [7, 14, 100]])),
    misconceptions=(
        Misconception(
            "a list as index gives a view",
            lambda: [[7, -1, 0], [7, 14, 100]],
            "Your first row was set to zero. `x[[0]]`, with a list as index, is a copy; only "
            "`x[0]` would have been a view.",
        ),
        Misconception(
            "float() copies",
            lambda: [[7, 1, 2], [7, 14, 100]],
            "The −1 is missing. `x.float()` of a tensor that is float32 already returns x itself.",
        ),
        Misconception(
            "reshape copies",
            lambda: [[7, -1, 2], [7, 14, 15]],
            "The 100 is missing. Where it can, `reshape` gives a view, and for a contiguous x it "
            "can.",
        ),
        Misconception(
            "double() is a view",
            lambda: [[8, 0, 3], [8, 15, 101]],
            "You added 1 to x. `x.double()` needs other bytes for its numbers, so it is a copy.",
        ),
        Misconception(
            "the transpose copies",
            lambda: [[0, -1, 2], [13, 14, 100]],
            "The 7s are missing. `x.T` is a view: its row 0 is the column 0 of x.",
        ),
        Misconception(
            "a row of the transpose is a row",
            lambda: [[7, -1, 7], [13, 14, 100]],
            "You wrote the 7s into a row. Row 0 of `x.T` is column 0 of x.",
        ),
    ),
)


# --- 3. The place of an element ------------------------------------------------------------------


def places(shape: tuple[int, ...], offset: int, stride: tuple[int, ...]) -> Tensor:
    found = [
        offset + sum(i * stride[axis] for axis, i in enumerate(index))
        for index in product(*(range(n) for n in shape))
    ]
    return torch.tensor(found).reshape(shape)


def _places_strided(shape: tuple[int, ...], offset: int, stride: tuple[int, ...]) -> Tensor:
    return torch.arange(2000).as_strided(shape, stride, offset).clone()


def _places_broadcast(shape: tuple[int, ...], offset: int, stride: tuple[int, ...]) -> np.ndarray:
    grids = np.indices(shape)
    return np.asarray(np.tensordot(np.array(stride), grids, 1) + offset).reshape(shape)


def _places_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    size = torch.randint(2, 5, (3,), generator=g).tolist()
    step = torch.randint(1, 40, (3,), generator=g).tolist()
    return [
        Case(((3, 4), 0, (4, 1)), label="a whole matrix"),
        Case(((4,), 4, (1,)), label="a row"),
        Case(((3,), 1, (4,)), label="a column"),
        Case(((4, 3), 0, (1, 4)), label="a transpose"),
        Case(((5, 2), 3, (0, 2)), label="expanded: a stride of 0"),
        Case((tuple(size), 5 + seed, tuple(step)), label="three axes"),
        Case(((2, 3, 1, 2), 7, (60, 5, 9, 2)), label="four axes"),
        Case(((), 3 + seed, ()), label="no axes: a single number"),
    ]


PLACES = Question(
    id="objects.places",
    points=2,
    name="places",
    reference=places,
    cases=_places_cases,
    alternatives=(_places_strided, _places_broadcast),
    misconceptions=(
        Misconception(
            "without the offset",
            lambda shape, offset, stride: places(shape, 0, stride),
            "Your places begin at 0. A view begins at its offset.",
        ),
        Misconception(
            "strides in the wrong order",
            lambda shape, offset, stride: places(shape, offset, stride[::-1]),
            "You took the strides from the back. The first stride belongs to the first index.",
        ),
        Misconception(
            "as if contiguous",
            lambda shape, offset, stride: (
                offset + torch.arange(math.prod(shape), dtype=torch.int64).reshape(shape)
            ),
            "Your places follow each other without gaps. That holds for a contiguous tensor only: "
            "use the strides.",
        ),
        Misconception(
            "offset multiplied",
            lambda shape, offset, stride: places(shape, offset * [*stride, 1][0], stride),
            "Your offset is multiplied by a stride. It is a place in the storage already.",
        ),
    ),
)


# --- 4. How many storages? -----------------------------------------------------------------------


def storages(tensors: list[Tensor]) -> int:
    begins = []
    for tensor in tensors:
        begin = tensor.untyped_storage().data_ptr()
        if begin not in begins:
            begins.append(begin)
    return len(begins)


def _storages_pairs(tensors: list[Tensor]) -> int:
    """Count those that share nothing with an earlier one."""
    return sum(
        not any(objects.shares_storage(tensor, other) for other in tensors[:i])
        for i, tensor in enumerate(tensors)
    )


def _storages_first(tensors: list[Tensor]) -> Tensor:
    """By where the storage begins, computed from the tensor."""
    begins = [t.data_ptr() - t.storage_offset() * t.element_size() for t in tensors]
    return torch.tensor(begins, dtype=torch.int64).unique().numel() * torch.tensor(1)


def _collection(kind: str, seed: int) -> list[Tensor]:
    """Tensors of which some share a storage; made inside the call."""
    x = torch.randn(4, 6, generator=_generator(seed))
    y = x.clone()
    made: dict[str, list[Tensor]] = {
        "two": [x, y],
        "views": [x, x[1:], x.T, x[:, ::2], y],
        "halves": [x[:2], x[2:]],
        "one": [x, x.detach(), x.float(), x.view(-1)],
        "copies": [x, x[[0]], x[x > 0], x.double(), x.T.reshape(-1), y[1], x + 0],
        "again": [y[3], x[3], x[1], y[3]],
        "none": [],
    }
    if kind == "layers":
        layer = nn.Linear(3, 3)
        state = nn.Sequential(layer, layer, nn.Linear(3, 3)).state_dict()
        return list(state.values())
    return made[kind]


def _use_storages(answer: Callable[..., Any], kind: str, seed: int) -> Any:
    return answer(_collection(kind, seed))


def _storages_cases(seed: int) -> list[Case]:
    made = "x = torch.randn(4, 6); y = x.clone(); storages("
    layers = "layer = nn.Linear(3, 3); net = nn.Sequential(layer, layer, nn.Linear(3, 3)); "
    cases = {
        "two": ("a tensor and its clone", "[x, y]"),
        "views": ("views of one tensor, and a clone", "[x, x[1:], x.T, x[:, ::2], y]"),
        "halves": ("two halves that do not overlap", "[x[:2], x[2:]]"),
        "one": (
            "four ways of looking at one storage",
            "[x, x.detach(), x.float(), x.view(-1)]",
        ),
        "copies": (
            "copies of all kinds",
            "[x, x[[0]], x[x > 0], x.double(), x.T.reshape(-1), y[1], x + 0]",
        ),
        "again": ("slices, some twice", "[y[3], x[3], x[1], y[3]]"),
        "layers": ("the state_dict of a network with a shared layer", ""),
        "none": ("no tensors at all", "[]"),
    }
    return [
        Case(
            (kind, seed),
            label=label,
            story=f"{made}{tensors})"
            if tensors
            else layers + "storages(list(net.state_dict().values()))",
        )
        for kind, (label, tensors) in cases.items()
    ]


STORAGES = Question(
    id="objects.storages",
    points=2,
    name="storages",
    reference=storages,
    cases=_storages_cases,
    use=_use_storages,
    alternatives=(_storages_pairs, _storages_first),
    misconceptions=(
        Misconception(
            "counts tensors",
            lambda tensors: len(tensors),
            "You counted the tensors. Several tensors can lie on one storage.",
        ),
        Misconception(
            "counts objects",
            lambda tensors: len({id(t) for t in tensors}),
            "You counted tensor objects, by their identity. A view is an object of its own on a "
            "storage that it shares.",
        ),
        Misconception(
            "first number",
            lambda tensors: len({t.data_ptr() for t in tensors}),
            "You compared where the *first number* lies (data_ptr). A slice of a storage begins "
            "elsewhere: ask where the storage begins.",
        ),
        Misconception(
            "equal numbers",
            lambda tensors: len({tuple(t.flatten().tolist()) for t in tensors}),
            "You counted different *values*. A clone has equal numbers on a storage of its own.",
        ),
    ),
)


# --- 5. Repair a film ----------------------------------------------------------------------------


def film(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    return [a * x0 + b * noise for a, b in rates]


def _film_clone(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    frames = []
    for a, b in rates:
        x = x0.clone()
        x *= a
        x += b * noise
        frames.append(x)
    return frames


def _film_at_once(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> Tensor:
    ab = torch.tensor(rates, dtype=x0.dtype).T.reshape(2, -1, *[1] * x0.ndim)
    return ab[0] * x0 + ab[1] * noise


def _film_rows(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> Iterator[Tensor]:
    """Rows of one stacked tensor: one storage, and still no frame is seen in another."""
    yield from _film_at_once(x0, rates, noise).unbind()


def _film_given(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    x = x0
    frames = []
    for a, b in rates:
        x *= a
        x += b * noise
        frames.append(x)
    return frames


def _film_same(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    return _film_given(x0.clone(), rates, noise)


def _film_chain(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    x = x0
    frames = []
    for a, b in rates:
        x = a * x + b * noise
        frames.append(x)
    return frames


def _film_buffer(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    x = torch.empty_like(x0)
    frames = []
    for a, b in rates:
        x.copy_(a * x0 + b * noise)
        frames.append(x)
    return frames


def _film_itself(x0: Tensor, rates: list[tuple[float, float]], noise: Tensor) -> list[Tensor]:
    return [a * x0 + b * noise if b else x0 for a, b in rates]


def _use_film(
    answer: Callable[..., Any], x0: Tensor, rates: list[tuple[float, float]], noise: Tensor
) -> dict[str, Any]:
    """The frames, all held at once, and how many of them are tied to another tensor."""
    frames = answer(x0, rates, noise)
    if isinstance(frames, Iterator):
        frames = list(islice(frames, len(rates) + 1))
    held = frames if isinstance(frames, list | tuple) else [frames]
    seen = compare.clone(frames)
    # Whoever writes into a frame changes this frame and nothing else.
    tensors = [t for t in held if isinstance(t, Tensor) and t.layout == torch.strided]
    tied = sum(_tied(i, [*tensors, x0, noise]) for i in range(len(tensors)))
    return {"frames": seen, "frames that share their numbers with another frame or with x0": tied}


@torch.no_grad()
def _tied(i: int, tensors: list[Tensor]) -> bool:
    """Whether a write into one of the tensors reaches another. Leaves all as they were."""
    before = [t.clone() for t in tensors]
    tensors[i].copy_(before[i] + 1)
    reached = any(
        not torch.equal(t, value)
        for k, (t, value) in enumerate(zip(tensors, before, strict=True))
        if k != i
    )
    for tensor, value in zip(tensors, before, strict=True):
        tensor.copy_(value)
    return reached


def _film_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    image, noise = torch.randn(2, 2, 1, 3, 3, generator=g)
    row, other = torch.randn(2, 5, generator=g, dtype=torch.float64)
    rates = [(math.cos(u), math.sin(u)) for u in (0.3, 0.8, 1.4)]
    return [
        Case((image, rates, noise), label="three times, two images"),
        Case((row, rates[::-1], other), label="from late to early"),
        Case((row, [(0.6, 0.8)], other), label="a single time"),
        Case((row, [(1.0, 0.0), (0.8, 0.6)], other), label="the clean image first"),
    ]


FILM = Question(
    id="objects.film",
    points=3,
    name="film",
    reference=film,
    cases=_film_cases,
    use=_use_film,
    alternatives=(_film_clone, _film_at_once, _film_rows),
    misconceptions=(
        Misconception(
            "as given",
            _film_given,
            "The caller's x0 is destroyed. `x = x0` copies nothing, and `*=` writes into the "
            "tensor that both names lead to.",
        ),
        Misconception(
            "one clone for all frames",
            _film_same,
            "The caller's image is safe now, but your frames are one tensor under several names, "
            "and it holds what was written last.",
        ),
        Misconception(
            "one buffer for all frames",
            _film_buffer,
            "All your frames are the last one. You append the same tensor each time and then "
            "write over it: make a new tensor for each frame.",
        ),
        Misconception(
            "the clean image is x0 itself",
            _film_itself,
            "One of your frames is x0 itself. Whoever writes into that frame destroys the image.",
        ),
        Misconception(
            "noise on noise",
            _film_chain,
            "Each of your frames starts from the one before, which is noisy already. Start each "
            "from x0.",
        ),
    ),
)


# --- 6. Choose a decay ---------------------------------------------------------------------------


def plan(tau: float, share: float) -> tuple[float, int]:
    decay = math.exp(-1 / tau)
    n = math.floor(math.log(share) / math.log(decay)) + 1
    return decay, n


def _plan_count(tau: float, share: float) -> list[float]:
    decay = math.e ** (-1 / tau)
    weight, n = 1.0, 0
    while weight >= share:
        weight *= decay
        n += 1
    return [decay, n]


def _plan_tau(tau: float, share: float) -> tuple[Tensor, Tensor]:
    """In units of the time constant: share = exp(-n / tau)."""
    n = torch.floor(-tau * torch.tensor(share, dtype=torch.float64).log()) + 1
    return torch.exp(torch.tensor(-1 / tau, dtype=torch.float64)), n.long()


def _plan_cases(seed: int) -> list[Case]:
    return [
        Case((100, 0.01), label="a hundred steps, one per cent"),
        Case((1000, 0.5), label="half"),
        Case((5.5 + seed, 1e-3), label="a short window"),
        Case((2.0, 0.9), label="nearly all may stay"),
    ]


PLAN = Question(
    id="objects.plan",
    points=2,
    name="plan",
    reference=plan,
    cases=_plan_cases,
    rtol=1e-7,
    alternatives=(_plan_count, _plan_tau),
    misconceptions=(
        Misconception(
            "approximate decay",
            lambda tau, share: (
                1 - 1 / tau,
                math.floor(math.log(share) / math.log(1 - 1 / tau)) + 1,
            ),
            "Your decay is 1 − 1/τ, which is the rule of thumb for long windows. Solve "
            "τ = −1/ln d for d.",
        ),
        Misconception(
            "half-life",
            lambda tau, share: (0.5 ** (1 / tau), math.floor(-tau * math.log2(share)) + 1),
            "Your weights fall to one half after τ steps. The time constant is the time in which "
            "they fall to 1/e.",
        ),
        Misconception(
            "one update short",
            lambda tau, share: (math.exp(-1 / tau), math.floor(-tau * math.log(share))),
            "After your n updates the start still has at least the given weight. The weight after "
            "n updates is dⁿ: take the first n for which it is below.",
        ),
        Misconception(
            "not rounded",
            lambda tau, share: (math.exp(-1 / tau), -tau * math.log(share)),
            "Your n is not a whole number. It counts updates: take the first one after which the "
            "weight is below the share.",
        ),
        Misconception(
            "the newest weight",
            lambda tau, share: (
                math.exp(-1 / tau),
                max(1, math.floor(-tau * math.log(share / (1 - math.exp(-1 / tau)))) + 1),
            ),
            "You asked when (1 − d) dⁿ falls below the share. That is the weight of an iterate; "
            "the start has dⁿ, without the factor.",
        ),
    ),
)


# --- 7. The average ------------------------------------------------------------------------------


class Average:
    """The reference: the recursion with warm-up, on copies."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay, self.n = model, decay, 0
        self.weights = {k: p.detach().clone() for k, p in model.named_parameters()}

    def rate(self) -> float:
        return min(self.decay, (1 + self.n) / (10 + self.n))

    def update(self) -> None:
        self.n += 1
        d = self.rate()
        for name, parameter in self.model.named_parameters():
            self.weights[name] = d * self.weights[name] + (1 - d) * parameter.detach()


class _InPlace(Average):
    def update(self) -> None:
        self.n += 1
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                self.weights[name].lerp_(parameter, 1 - self.rate())


class _ByPackage:
    def __init__(self, model: nn.Module, decay: float) -> None:
        self.ema = objects.EMA(model, decay)
        self.update = self.ema.update

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.ema.average


class _ByTwin(_InPlace):
    """In the parameters of a copied network: they ask for gradients, and have no history."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay)
        self.weights = dict(copy.deepcopy(model).named_parameters())


class _ByReference(_InPlace):
    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay)
        self.weights = {k: p.detach() for k, p in model.named_parameters()}


class _ByReferenceOnce(Average):
    """The alias lives until the first update makes new tensors."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay)
        self.weights = {k: p.detach() for k, p in model.named_parameters()}


class _WithHistory(Average):
    def update(self) -> None:
        self.n += 1
        d = self.rate()
        for name, parameter in self.model.named_parameters():
            self.weights[name] = d * self.weights[name] + (1 - d) * parameter


class _ByReferenceWithHistory(_WithHistory):
    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay)
        self.weights = dict(model.named_parameters())


class _Constant(Average):
    def rate(self) -> float:
        return self.decay


class _Early(Average):
    def rate(self) -> float:
        return min(self.decay, self.n / (9 + self.n))


class _Late(Average):
    def rate(self) -> float:
        return min(self.decay, (2 + self.n) / (11 + self.n))


class _Longest(Average):
    def rate(self) -> float:
        return max(self.decay, (1 + self.n) / (10 + self.n))


class _Swapped(Average):
    def rate(self) -> float:
        return 1 - super().rate()


class _FromZero(Average):
    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay)
        self.weights = {k: torch.zeros_like(w) for k, w in self.weights.items()}


def _use_average(
    answer: Callable[..., Any], decay: float, updates: int, seed: int
) -> dict[str, Any]:
    """Let a network walk at random, update after each step, and read the average three times.

    Gradients are on, as in a training loop that forgot to switch them off.
    """
    g = _generator(seed)
    model = nn.Linear(2, 3).double()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)

    @torch.no_grad()
    def walk() -> None:
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=g, dtype=torch.float64))

    def look() -> dict[str, Tensor]:
        return {k: v.detach().clone() for k, v in dict(average.weights).items()}

    walk()
    average = answer(model, decay)
    seen: dict[str, Any] = {"weights at the start": look()}
    walk()
    seen["weights after the network moved, before any update"] = look()
    for n in range(updates):
        if n:
            walk()
        average.update()
    seen[f"weights after {updates} updates"] = look()
    seen["weights with a history (grad_fn)"] = sum(
        v.grad_fn is not None for v in average.weights.values()
    )
    with torch.no_grad():
        for value in average.weights.values():
            value.add_(1)
    seen["the network, after 1 was added to the average"] = {
        k: p.detach().clone() for k, p in model.named_parameters()
    }
    return seen


def _average_cases(seed: int) -> list[Case]:
    cases = {
        (0.9, 3): "three updates, all warm-up",
        (0.5, 30): "thirty updates, past the warm-up",
        (0.999, 60): "sixty updates with a slow decay",
        (0.0, 2): "decay 0",
    }
    return [
        Case(
            (decay, updates, seed),
            label=label,
            story=f"average = Average(network, {decay}); then {updates} times: the network moves, "
            "average.update()",
        )
        for (decay, updates), label in cases.items()
    ]


_SHARES = (
    "Your average shares its numbers with the network: it moves before any update. `detach()` is "
    "no copy; `clone()` is."
)

AVERAGE = Question(
    id="objects.average",
    points=3,
    name="Average",
    reference=Average,
    cases=_average_cases,
    use=_use_average,
    alternatives=(_InPlace, _ByPackage, _ByTwin),
    misconceptions=(
        Misconception(
            "by reference",
            _ByReference,
            _SHARES,
        ),
        Misconception("by reference until the first update", _ByReferenceOnce, _SHARES),
        Misconception("by reference, with a history", _ByReferenceWithHistory, _SHARES),
        Misconception(
            "with a history",
            _WithHistory,
            "Your numbers are right, but the average remembers how it was computed: a graph that "
            "grows with every update, until the memory is full. Put `@torch.no_grad()` above "
            "`update`, or take `parameter.detach()`.",
        ),
        Misconception(
            "no warm-up",
            _Constant,
            "Your decay is the same in every update. With warm-up it is "
            "min(decay, (1 + n) / (10 + n)).",
        ),
        Misconception(
            "counted from zero",
            _Early,
            "Your first update uses n = 0. Updates are counted from 1.",
        ),
        Misconception(
            "counted from two",
            _Late,
            "Your first update uses n = 2. Do you count before the first update as well?",
        ),
        Misconception(
            "max for min",
            _Longest,
            "You take the larger of the two decays. The warm-up shall make the decay *smaller* at "
            "first.",
        ),
        Misconception(
            "weights exchanged",
            _Swapped,
            "You multiply the new weights with the decay. The decay is the share that the *old* "
            "average keeps.",
        ),
        Misconception(
            "starts at zero",
            _FromZero,
            "Your average starts at zero. It starts as a copy of the network's weights.",
        ),
    ),
)


# --- 8. In and out -------------------------------------------------------------------------------


def with_weights(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    own = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        model.load_state_dict(weights)
        return function(model)
    finally:
        model.load_state_dict(own)


def _with_snapshot(
    model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]
) -> Any:
    own = objects.snapshot(model.state_dict())
    try:
        model.load_state_dict(weights)
        result = function(model)
    except BaseException:
        model.load_state_dict(own)
        raise
    model.load_state_dict(own)
    return result


def _with_loops(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    tensors = dict(model.state_dict())
    own = [(value, value.clone()) for value in tensors.values()]
    try:
        for name, value in tensors.items():
            value.copy_(weights[name])
        return function(model)
    finally:
        for value, before in own:
            value.copy_(before)


def _with_alias(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    own = model.state_dict()
    try:
        model.load_state_dict(weights)
        return function(model)
    finally:
        model.load_state_dict(own)


def _with_hope(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    own = objects.snapshot(model.state_dict())
    model.load_state_dict(weights)
    result = function(model)
    model.load_state_dict(own)
    return result


def _with_silence(
    model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]
) -> Any:
    try:
        return with_weights(model, weights, function)
    except BaseException:
        return None


def _with_exception(
    model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]
) -> Any:
    own = objects.snapshot(model.state_dict())
    try:
        model.load_state_dict(weights)
        result = function(model)
    except Exception:
        model.load_state_dict(own)
        raise
    model.load_state_dict(own)
    return result


def _with_outside(
    model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]
) -> Any:
    own = objects.snapshot(model.state_dict())
    model.load_state_dict(weights)
    try:
        return function(model)
    finally:
        model.load_state_dict(own)


def _with_twin(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    twin = copy.deepcopy(model)
    twin.load_state_dict(weights)
    return function(twin)


def _with_assign(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    own = objects.snapshot(model.state_dict())
    try:
        model.load_state_dict(objects.snapshot(weights), assign=True)
        return function(model)
    finally:
        model.load_state_dict(own, assign=True)


def _with_nothing(
    model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]
) -> Any:
    with_weights(model, weights, function)


def _with_copy(model: nn.Module, weights: dict[str, Tensor], function: Callable[..., Any]) -> Any:
    own = objects.snapshot(model.state_dict())
    try:
        model.load_state_dict(own)
        return function(model)
    finally:
        model.load_state_dict(own)


def _numbers(tensors: Iterator[Tensor] | Any) -> list[float]:
    return [float(x) for tensor in tensors for x in tensor.detach().flatten()]


class _Trouble(Exception):
    """What the function of a case raises."""


class _Interrupt(BaseException):
    """Like Ctrl-C: not an Exception."""


def _use_with_weights(answer: Callable[..., Any], kind: str, seed: int) -> dict[str, Any]:
    """What the function saw, what came out, and what the network and the weights are afterwards."""
    g = _generator(seed)
    model = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))

    def drawn(like: Tensor) -> Tensor:
        if like.is_floating_point():
            return torch.randn(like.shape, generator=g)
        return torch.randint(1, 99, like.shape, generator=g)

    model.load_state_dict({k: drawn(v) for k, v in model.state_dict().items()})
    weights = {k: drawn(v) for k, v in model.state_dict().items()}
    if kind == "misfit":
        weights["1.bias"] = drawn(torch.zeros(3))
    parameters = list(model.parameters())
    seen: list[float] = []
    itself: list[bool] = []

    def function(given: nn.Module) -> int:
        itself.append(given is model)
        seen.extend(_numbers(given.state_dict().values()))
        if kind == "writes":
            with torch.no_grad():
                for parameter in given.parameters():
                    parameter.add_(5)
        if kind in _RAISED:
            raise _RAISED[kind]
        return 42

    outcome: Any
    try:
        outcome = answer(model, weights, function)
    except (_Trouble, _Interrupt):
        outcome = "the function's error"
    except NotImplementedError:
        raise
    except Exception:
        if kind != "misfit":
            raise
        outcome = "an error"
    return {
        "weights that the function saw": seen,
        "the function got the model itself": itself,
        "result": outcome,
        "the network's weights afterwards": _numbers(model.state_dict().values()),
        "its parameters are the objects that they were": [
            a is b for a, b in zip(parameters, model.parameters(), strict=True)
        ],
        "the given weights afterwards": _numbers(weights.values()),
    }


_RAISED: dict[str, type[BaseException]] = {"raises": _Trouble, "interrupted": _Interrupt}


def _with_weights_cases(seed: int) -> list[Case]:
    given = "with_weights(model, weights, function), where "
    return [
        Case((kind, seed), label=label, story=given + story)
        for kind, label, story in (
            ("returns", "the function returns 42", "function returns 42"),
            ("raises", "the function raises an error", "function raises an Exception"),
            ("writes", "the function writes", "function adds 5 to the model's parameters"),
            ("interrupted", "the function is interrupted", "somebody presses Ctrl-C in function"),
            ("misfit", "the weights do not fit", "one tensor of weights has the wrong shape"),
        )
    ]


WITH_WEIGHTS = Question(
    id="objects.with_weights",
    points=3,
    name="with_weights",
    reference=with_weights,
    cases=_with_weights_cases,
    use=_use_with_weights,
    alternatives=(_with_snapshot, _with_loops),
    misconceptions=(
        Misconception(
            "state_dict kept by reference",
            _with_alias,
            "Afterwards the network still has the borrowed weights. `state_dict()` makes new "
            "tensors on the old storages, and loading wrote into those: keep copies.",
        ),
        Misconception(
            "no finally",
            _with_hope,
            "When the function raises, the network keeps the borrowed weights. Give them back in "
            "a `finally`.",
        ),
        Misconception(
            "the error is swallowed",
            _with_silence,
            "The function's error has disappeared. Give the weights back and let the error pass.",
        ),
        Misconception(
            "no result",
            _with_nothing,
            "Your function does not return what the given function returned.",
        ),
        Misconception(
            "only an Exception",
            _with_exception,
            "After an interrupt (Ctrl-C) the network keeps the borrowed weights. Such an error is "
            "no `Exception`: `finally` is for every case.",
        ),
        Misconception(
            "loaded outside",
            _with_outside,
            "Weights that do not fit are loaded as far as they do before the error comes, and your "
            "network stays half borrowed. Load them inside the `try`.",
        ),
        Misconception(
            "a twin",
            _with_twin,
            "Your function was called with a copy of the model. It should get the model itself.",
        ),
        Misconception(
            "assigned",
            _with_assign,
            "The network has new parameter objects afterwards, and an optimiser made before would "
            "train the old ones (exhibit 8). Load without `assign=True`.",
        ),
        Misconception(
            "own weights loaded",
            _with_copy,
            "The given function saw the network's own weights, not those it should be called with.",
        ),
    ),
)


QUESTIONS = [
    PREDICT,
    VIEWS,
    PLACES,
    STORAGES,
    FILM,
    PLAN,
    AVERAGE,
    WITH_WEIGHTS,
    Question(id="objects.explain", points=2, name="explain", manual=True),
]
