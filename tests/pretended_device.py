"""A device that is not there: tensors with real numbers that claim to live on "cuda" or "mps".

Within ``pretended("cuda")`` everything made on or moved to "cuda" is a :class:`Far` tensor. Its
numbers are computed on the CPU, so code may look at them (``if (x < 0).any()``) and results can be
compared with those of the CPU. (Torch's own ``FakeTensorMode`` has no numbers and must give up at
such a line.) What a real device refuses is refused here:

- tensors of two devices in one operation, but for what torch allows: numbers (0-dimensional tensors
  of the CPU) in elementwise operations, and indices on the CPU;
- noise drawn on the device with a generator of the CPU;
- NumPy on what is not on the CPU;
- float64 on "mps".

To torch's C++ a far tensor is one of the device "meta", which every build has; a mode for functions
translates the name on the way in and out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

__all__ = ["Far", "is_far", "pretended"]

META = torch.device("meta")
aten = torch.ops.aten
COPIES = {aten._to_copy.default, aten.copy_.default, aten._copy_from.default}
INDEXED = {aten.index.Tensor: 0, aten.index_put.default: 0, aten.index_put_.default: 0}
INDEXED |= {aten._unsafe_index.Tensor: 0, aten._index_put_impl_.default: 0}
FILLS = {aten.fill.Tensor, aten.fill_.Tensor}
FLAGS = {getattr(Tensor, f"is_{name}").__get__: name for name in ("cuda", "mps", "meta")}
WIDE = (torch.float64, torch.complex128)


class Far(Tensor):
    """A tensor on a pretended device; ``near`` holds its numbers."""

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> Far:
        return Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=META,
        )

    def __init__(self, near: Tensor) -> None:
        self.near = near

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func}: a far tensor outside of its pretended device")

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.near.__reduce_ex__(protocol)  # in a file it is a tensor like any other

    def __repr__(self, **_: Any) -> str:
        return f"Far({self.near!r})"


def is_far(x: object) -> bool:
    """Whether a tensor, or every parameter of a network, lives on the pretended device."""
    if isinstance(x, torch.nn.Module):
        return all(isinstance(value, Far) for value in x.state_dict().values())
    return isinstance(x, Far)


def _unwrapped(x: object) -> object:
    """What is in a tensor of torch.func, which has a derivative beside it."""
    while isinstance(x, Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(x):
        x = torch._C._functorch.get_unwrapped(x)
    return x


class _Numbers(TorchDispatchMode):
    """Below autograd: computes on the near numbers, and refuses to mix devices."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
        if any(x.device == META and not isinstance(x, Far) for x in tensors):
            raise NotImplementedError(f"{func}: a tensor without numbers has come in; where from?")
        asked = kwargs.get("device")
        far = any(isinstance(x, Far) for x in tensors)
        if func not in COPIES:
            self._refuse_mixed(func, args, tensors)
        goes_far = asked == META if asked is not None else far
        if func is aten.copy_.default:
            goes_far = isinstance(args[0], Far)
        self._refuse_generator(func, args, kwargs, goes_far)
        if asked is not None:
            kwargs["device"] = torch.device("cpu")
        out = func(*tree_map(_near, args), **tree_map(_near, kwargs))
        if not goes_far:
            # A copy to the CPU that has nothing to copy would share the numbers of the far tensor.
            return tree_map(lambda x: x.clone() if any(x is _near(t) for t in tensors) else x, out)
        return tree_map(lambda x: self._far(x, tensors), out)

    def _far(self, x: object, given: list[Tensor]) -> object:
        if not isinstance(x, Tensor):
            return x
        for tensor in given:  # an operation in place answers with what it was given
            if isinstance(tensor, Far) and tensor.near is x:
                return tensor
        # Forward derivatives know zeros without memory. Torch itself asks for their shapes on
        # "meta", in any type, so that is no use of the device; and they must not be wrapped.
        empty = x._is_zerotensor() or (given and all(t._is_zerotensor() for t in given))
        if self.device.type == "mps" and x.dtype in WIDE and not empty:
            raise TypeError(
                "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support "
                "float64. Please use float32 instead."
            )
        return Far(torch.zeros(x.shape, dtype=x.dtype) if empty else x)

    def _refuse_mixed(self, func: Any, args: Any, tensors: list[Tensor]) -> None:
        if func in INDEXED:  # self[indices]: the indices may be on the CPU
            indices = [x for x in args[1] if isinstance(x, Tensor)]
            if any(isinstance(x, Far) for x in indices) and not isinstance(args[0], Far):
                raise RuntimeError(
                    "indices should be either on cpu or on the same device as the indexed tensor "
                    "(cpu)"
                )
            tensors = [args[0], *(x for x in args[2:3] if isinstance(x, Tensor))]
        far = [x for x in tensors if isinstance(x, Far)]
        near = [x for x in tensors if not isinstance(x, Far)]
        numbers_may_mix = torch.Tag.pointwise in func.tags or func in INDEXED or func in FILLS
        if far and [x for x in near if x.ndim or not numbers_may_mix]:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{self.device} and cpu! (in {func})"
            )

    def _refuse_generator(self, func: Any, args: Any, kwargs: Any, far: bool) -> None:
        given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Generator)]
        if far and given:
            raise RuntimeError(
                f"Expected a '{self.device.type}' device type for generator but found 'cpu' "
                f"(in {func})"
            )


class _Names(TorchFunctionMode):
    """Above autograd: translates the name of the device, and what C++ would do with real memory."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        x = args[0] if args else None
        if isinstance(_unwrapped(x), Far):
            if func == Tensor.device.__get__:
                return self.device
            if func in FLAGS:
                return FLAGS[func] == self.device.type
        if isinstance(x, Far):
            if func in (Tensor.tolist, Tensor.__format__):
                return func(x.near, *args[1:])
            if func in (Tensor.numpy, Tensor.__array__):
                raise TypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to "
                    "copy the tensor to host memory first."
                )
            if func in (Tensor.__getitem__, Tensor.__setitem__):
                # C++ would make tensors of lists and numbers on the device, and these have nothing.
                args = (x, _as_index(args[1]), *(_as_number(value, x) for value in args[2:]))
            if name == "new_tensor" and "device" not in kwargs:
                return func(x.near, *args[1:], **kwargs).to(META)
        if name in (self.device.type, "cuda", "mps") and isinstance(x, Tensor):  # x.cuda()
            return x.to(META)
        given = kwargs.get("device")
        if given is not None and func is not Tensor.to and self._is_ours(given):
            if name in ("tensor", "as_tensor", "asarray", "new_tensor"):
                # On "meta" these would not even look at the numbers.
                return func(*args, **{**kwargs, "device": "cpu"}).to(META)
            kwargs["device"] = META
        if func is Tensor.to:
            args = tuple(META if self._is_ours(a) else a for a in args)
            kwargs = {
                k: META if k == "device" and self._is_ours(v) else v for k, v in kwargs.items()
            }
        return func(*args, **kwargs)

    def _is_ours(self, device: object) -> bool:
        if isinstance(device, str):
            device = torch.device(device) if device.split(":")[0] == self.device.type else None
        return isinstance(device, torch.device) and device.type == self.device.type


@contextmanager
def pretended(name: str = "cuda") -> Iterator[torch.device]:
    """Within, there is a device called ``name``; the value is the device."""
    device = torch.device(name)
    with _Names(device), _Numbers(device):
        yield device


def _near(x: object) -> object:
    return x.near if isinstance(x, Far) else x


def _as_index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_as_index, index))
    return torch.tensor(index) if isinstance(index, list | np.ndarray) else index


def _as_number(value: Any, like: Tensor) -> Any:
    return torch.tensor(value, dtype=like.dtype) if isinstance(value, int | float) else value
