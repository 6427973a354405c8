"""Messages as dataclasses on both sides, as JSON objects between them.

Unknown fields are ignored, so that an older side reads a newer one's messages; a missing field without a default or
one of a wrong type raises RemoteProtocolError.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from functools import cache
from typing import Any, Dict, Mapping, Tuple, Type, TypeVar, Union

from node_agent.protocol.errors import RemoteProtocolError

T = TypeVar("T")


def to_wire(message: Any) -> Dict[str, Any]:
    """A dataclass as a JSON-compatible dict; fields at their default are left out."""
    return {
        field.name: _encode(getattr(message, field.name))
        for field in dataclasses.fields(message)
        if getattr(message, field.name) != field.default
    }


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_wire(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    return value


def from_wire(kind: Type[T], data: Mapping[str, Any]) -> T:
    """Build `kind` from a JSON object."""
    values: Dict[str, Any] = {}
    for name, hint, required in _fields(typing.cast(Any, kind)):
        if name in data:
            values[name] = _decode(hint, data[name], f"{kind.__name__}.{name}")
        elif required:
            raise RemoteProtocolError(f"{kind.__name__} lacks {name}")
    return kind(**values)


@cache
def _fields(kind: Any) -> Tuple[Tuple[str, Any, bool], ...]:
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return tuple(
        (field.name, hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(kind)
    )


def _decode(hint: Any, value: Any, where: str) -> Any:
    hint = getattr(hint, "__supertype__", hint)  # NewType
    if hint is Any:
        return value
    origin = typing.get_origin(hint)
    if origin is Union:
        if value is None:
            return None
        return _decode(next(arm for arm in typing.get_args(hint) if arm is not type(None)), value, where)
    if origin is tuple and isinstance(value, list):
        arms = typing.get_args(hint)
        if len(arms) == 2 and arms[1] is Ellipsis:
            return tuple(_decode(arms[0], item, where) for item in value)
        if len(arms) == len(value):
            return tuple(_decode(arm, item, where) for arm, item in zip(arms, value))
    elif origin is dict and isinstance(value, dict):
        item_hint = typing.get_args(hint)[1]
        return {str(key): _decode(item_hint, item, where) for key, item in value.items()}
    elif origin is None:
        return _decode_plain(hint, value, where)
    raise RemoteProtocolError(f"{where} has a wrong type")


def _decode_plain(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_wire(typing.cast(Type[Any], hint), value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError as error:
            raise RemoteProtocolError(f"{where} has an unknown value") from error
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise RemoteProtocolError(f"{where} has a wrong type")
