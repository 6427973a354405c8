"""What the messages of the wire look like: every request, reply and notice with its fields, types and defaults."""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Any

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.notices import NOTICES
from node_agent.protocol.registry import REQUESTS

Schema = dict[str, dict[str, dict[str, Any]]]


def schema() -> Schema:
    """Name of a message or part of one → field → `{"type", "default"}`; a field without a default is required."""
    found: Schema = {}
    for name, request in REQUESTS.items():
        _describe(f"request {name}", request, found)
        _describe(f"reply {name}", request.reply, found)
    for name, notice in NOTICES.items():
        _describe(f"notice {name}", notice, found)
    _describe("event", EventRecord, found)
    return dict(sorted(found.items()))


def enums() -> dict[str, list[str]]:
    """The values of each enumeration that crosses the wire."""
    found: dict[str, list[str]] = {}
    for kind in (*REQUESTS.values(), *(item.reply for item in REQUESTS.values()), *NOTICES.values(), EventRecord):
        _collect(kind, found)
    return dict(sorted(found.items()))


def _describe(name: str, kind: Any, found: Schema) -> None:
    if name in found:
        return
    hints = typing.get_type_hints(kind)
    fields: dict[str, dict[str, Any]] = {}
    found[name] = fields
    for field in dataclasses.fields(kind):
        fields[field.name] = {"type": _type(hints[field.name])}
        if field.default is not dataclasses.MISSING:
            fields[field.name]["default"] = _plain(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            fields[field.name]["default"] = "made"
        for part in _parts(hints[field.name]):
            if dataclasses.is_dataclass(part):
                _describe(f"part {getattr(part, '__name__', part)}", part, found)


def _collect(kind: Any, found: dict[str, list[str]]) -> None:
    for hint in typing.get_type_hints(kind).values():
        for part in _parts(hint):
            if isinstance(part, type) and issubclass(part, enum.Enum):
                found[part.__name__] = sorted(str(item.value) for item in part)
            elif dataclasses.is_dataclass(part):
                _collect(part, found)


def _parts(hint: Any) -> list[Any]:
    arms = typing.get_args(hint)
    return [part for arm in arms for part in _parts(arm)] if arms else [hint]


def _type(hint: Any) -> str:
    hint = getattr(hint, "__supertype__", hint)
    arms = ", ".join(_type(arm) for arm in typing.get_args(hint))
    name = getattr(typing.get_origin(hint) or hint, "__name__", str(hint))
    return f"{name}[{arms}]" if arms else name


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return "made"
    return list(value) if isinstance(value, tuple) else value
