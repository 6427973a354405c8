"""What a node's facts say in words: the one place that knows, for requirements and filters alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMED = {"memory": "memory_total", "disk": "disk_free", "host": "hostname"}
_WORDS = ("os", "arch", "host")
"""Facts whose values stand as words of their own: `linux`, `x86_64`."""


def placement_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts under the names requirements use, each device by its name."""
    values = {**facts, **{name: facts[fact] for name, fact in _NAMED.items() if fact in facts}}
    gpus = facts.get("gpus")
    if isinstance(gpus, list):
        values["gpus"] = [gpu.get("name", "GPU") if isinstance(gpu, dict) else gpu for gpu in gpus]
        values["gpu"] = bool(gpus)
    return values


def fact_words(facts: Mapping[str, Any]) -> frozenset[str]:
    """The words that hold where the `placement_facts` are these: facts that are true or not empty, and some values."""
    values = {str(facts[name]).lower() for name in _WORDS if facts.get(name)}
    denied = {name for name, value in facts.items() if value is not None and not value}
    return frozenset({name for name, value in facts.items() if value} | (values - denied))
