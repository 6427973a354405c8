"""README's table of `config.toml` names every key and value that is read, and no other."""

from __future__ import annotations

import dataclasses
import enum
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from relaytui.config import NodeConfig, UiConfig
from relaytui.hub.jobs.offers import DEFAULT_SLOTS
from relaytui.widgets.theme import themes

README = Path(__file__).parents[2] / "README.md"


def documented(table: str) -> dict[str, str]:
    """What README says of each key of a table of the config."""
    section = README.read_text("utf-8").split("### config.toml")[1].split("\n### ")[0]
    found: dict[str, str] = {}
    at = ""
    for name, keys, text in re.findall(r"^\| (?:`\[(\S+)\]` )?\| (`.*?`) \| (.*) \|$", section, re.MULTILINE):
        at = name or at
        if at == table:
            found |= dict.fromkeys(re.findall(r"`(\w+)`", keys), text)
    return found


@pytest.mark.parametrize(("table", "model"), [("nodes.NAME", NodeConfig), ("ui", UiConfig)])
def test_every_key_is_documented_with_its_values_and_no_other(table: str, model: Any) -> None:
    said = documented(table)
    assert said.keys() == {field.name for field in dataclasses.fields(model)} - {"alias"}
    hints = typing.get_type_hints(model)
    for key, text in said.items():
        if issubclass(typing.get_origin(hints[key]) or hints[key], enum.Enum):
            words = re.findall(r"`(\w+)`", text)
            default = next(field.default for field in dataclasses.fields(model) if field.name == key)
            assert set(words) == {item.value for item in hints[key]}
            assert words[0] == default


def test_defaults_and_themes_are_those_there_are() -> None:
    assert set(re.findall(r"`(\w+)`", documented("ui")["theme"])) == set(themes())
    assert documented("ui")["theme"].startswith(f"`{UiConfig.theme}`")
    assert documented("ui")["interval"].endswith(f": {UiConfig.interval}")
    assert documented("nodes.NAME")["slots"].endswith(f", {DEFAULT_SLOTS}")
