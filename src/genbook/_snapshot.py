"""A copy of whatever there is, such that nothing done to the original can change it."""

from __future__ import annotations

import copy
import dataclasses
from collections import OrderedDict, defaultdict
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["snapshot"]


def snapshot(value: Any) -> Any:
    """``value`` as it is now: a deep copy that nothing done to the original can change.

    Tensors come without their history and own exactly the numbers they show; a slice does not take
    the rest of its storage along. That holds for tensors in lists, tuples, dictionaries and
    dataclasses, however deep. Networks come frozen (``requires_grad`` off, no gradients), in the
    mode they were in. Two names for one object inside ``value`` are two names for one copy.

    Objects of any other class are left to ``copy.deepcopy``: a slice in one keeps its whole
    storage, a tensor with a history raises a RuntimeError, and files, locks and whatever else
    cannot be copied raise a TypeError.
    """
    return _snapshot(value, {})


def _snapshot(value: Any, memo: dict[int, Any]) -> Any:
    if id(value) in memo:
        return memo[id(value)]
    result: Any
    if isinstance(value, nn.Module):
        result = copy.deepcopy(value, memo)
        for parameter in result.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None
    elif isinstance(value, Tensor):
        result = value.detach().clone()
    elif isinstance(value, torch.Generator):
        result = value.clone_state()
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        result = type(value)(*(_snapshot(item, memo) for item in value))
    elif type(value) is tuple:
        result = tuple(_snapshot(item, memo) for item in value)
    elif type(value) is list:
        result = memo[id(value)] = []  # known before it is filled: it may hold itself
        result.extend(_snapshot(item, memo) for item in value)
    elif type(value) in (dict, OrderedDict, defaultdict):
        result = memo[id(value)] = copy.copy(value)
        for key, item in value.items():
            result[key] = _snapshot(item, memo)
        # A state_dict carries the versions of its modules in an attribute.
        for key, item in getattr(value, "__dict__", {}).items():
            setattr(result, key, _snapshot(item, memo))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        result = memo[id(value)] = copy.copy(value)
        for field in dataclasses.fields(value):
            item = _snapshot(getattr(value, field.name), memo)
            object.__setattr__(result, field.name, item)  # also if it is frozen
    else:
        result = copy.deepcopy(value, memo)
    memo[id(value)] = result
    return result
