"""Configurations: one frozen dataclass a network, given whole or by its fields.

``UNet(UNetConfig(base=16))`` and ``UNet(base=16)`` build the same network. The first is for
configurations that are kept, compared or changed with ``dataclasses.replace``, the second for
writing down.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

__all__ = ["configure"]

C = TypeVar("C")


def configure(kind: type[C], settings: tuple[Any, ...], named: dict[str, Any]) -> C:
    """The configuration that a network was called with.

    Args:
        kind: its dataclass.
        settings: what was given by position: one ``kind``, or the first of its fields.
        named: what was given by keyword: fields of ``kind``.

    Raises:
        ValueError: for a field that ``kind`` has not (named, with those that it has), too many
            values, or a configuration together with fields.
        TypeError: for the configuration of another network.
    """
    fields = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    known = ", ".join(fields)
    if settings and isinstance(settings[0], kind):
        if len(settings) > 1 or named:
            raise ValueError(
                f"give a {kind.__name__} or its fields, not both; to change some of them write "
                "dataclasses.replace(config, field=value)"
            )
        return settings[0]
    if settings and dataclasses.is_dataclass(settings[0]):
        given = type(settings[0]).__name__
        raise TypeError(f"the configuration must be a {kind.__name__}, not a {given}")
    for name in named:
        if name not in fields:
            raise ValueError(f"{kind.__name__} has no {name!r}; it has: {known}")
    if len(settings) > len(fields):
        raise ValueError(
            f"{kind.__name__} has {len(fields)} fields, not {len(settings)}; it has: {known}"
        )
    return kind(*settings, **named)
