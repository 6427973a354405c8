"""Reads and writes `config.toml`: strict on the way in, atomic on the way out, nothing half-understood is kept."""

from __future__ import annotations

import dataclasses
import difflib
import enum
import os
import tempfile
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

import tomli_w

from relaytui.config.models import (
    LOCAL,
    ChannelConfig,
    Config,
    ConfigError,
    JobsConfig,
    NodeConfig,
    RestartRule,
    Transport,
    UiConfig,
)
from relaytui.config.paths import config_file
from relaytui.config.text import edited
from relaytui.hub.policy import Rule

_TOP_LEVEL = ("operator", "ui", "channels", "rules", "restarts", "jobs", "nodes")
_TYPE_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def load_config(path: Path | None = None) -> Config:
    """Read the config file; a missing one is an empty one.

    Raises ConfigError with one line that names file, place and remedy; the file is never touched.
    """
    path = path or config_file()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Config()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error
    try:
        return parse_config(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}; correct that line") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_config(data: dict[str, Any]) -> Config:
    """Build a config from TOML tables; raises ConfigError without the file's name."""
    _check_keys(data, _TOP_LEVEL, "")
    values: dict[str, Any] = {}
    if "operator" in data:
        values["operator"] = _convert(str, data["operator"], "operator")
    if "ui" in data:
        values["ui"] = _build(UiConfig, _table(data["ui"], "ui"), "ui")
    if "jobs" in data:
        values["jobs"] = _build(JobsConfig, _table(data["jobs"], "jobs"), "jobs")
    channels = [
        _build(ChannelConfig, dict(_table(table, f"channels.{name}")), f"channels.{name}", name=name)
        for name, table in _table(data.get("channels", {}), "channels").items()
    ]
    rules = [
        _build(Rule, dict(_table(table, f"rules.{name}")), f"rules.{name}", name=name)
        for name, table in _table(data.get("rules", {}), "rules").items()
    ]
    restarts = [
        _build(RestartRule, dict(_table(table, f"restarts.{name}")), f"restarts.{name}", name=name)
        for name, table in _table(data.get("restarts", {}), "restarts").items()
    ]
    nodes = []
    for alias, table in _table(data.get("nodes", {}), "nodes").items():
        where = f"nodes.{alias}"
        table = dict(_table(table, where))
        if "alias" in table:
            raise ConfigError(f"{where}.alias: the table's name is the alias; remove the key")
        if "transport" not in table and ("socket" in table or alias == LOCAL):
            table["transport"] = Transport.UNIX.value
        nodes.append(_build(NodeConfig, table, where, alias=alias))
    return Config(nodes=tuple(nodes), channels=tuple(channels), rules=tuple(rules), restarts=tuple(restarts), **values)


def config_to_toml(config: Config) -> dict[str, Any]:
    """The tables `parse_config` reads back as an equal config; values at their default are left out."""
    data: dict[str, Any] = {}
    if config.operator != Config().operator:
        data["operator"] = config.operator
    if ui := _changed(config.ui, UiConfig()):
        data["ui"] = ui
    if jobs := _changed(config.jobs, JobsConfig()):
        data["jobs"] = jobs
    if config.channels:
        data["channels"] = {channel.name: _channel_table(channel) for channel in config.channels}
    if config.rules:
        data["rules"] = {
            rule.name: {"action": rule.action.value, **_changed(rule, Rule(rule.name, rule.action))}
            for rule in config.rules
        }
    if config.restarts:
        data["restarts"] = {
            rule.name: {"restart": rule.restart.value, **_changed(rule, RestartRule(rule.name, rule.restart))}
            for rule in config.restarts
        }
    nodes = {}
    for node in config.nodes:
        table = _changed(node, NodeConfig(node.alias, host="?"))
        table.pop("alias", None)
        if node.host:
            table["host"] = node.host
        else:
            table.pop("host", None)
        if node.alias != LOCAL or set(table) - {"transport"}:
            nodes[node.alias] = table
    if nodes:
        data["nodes"] = nodes
    return data


def save_config(config: Config, path: Path | None = None) -> None:
    """Replace the config file in one step, readable by its owner alone; what did not change stays as it was written.

    A file that cannot be read as config is never overwritten: raises ConfigError instead.
    """
    path = path or config_file()
    known = load_config(path)
    try:
        text = path.read_text("utf-8") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path.resolve(), _text_of(config, known, text).encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}; nothing was changed") from error


def _text_of(config: Config, known: Config, text: str) -> str:
    """`text`, which says `known`, changed to say `config`; written anew where it is beyond such a change."""
    old, new = config_to_toml(known), config_to_toml(config)
    changed = edited(text, old, new)
    try:
        if parse_config(tomllib.loads(changed)) == config:
            return changed
    except (tomllib.TOMLDecodeError, ConfigError):
        pass  # such as a table written in one line
    return tomli_w.dumps(new)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a 0600 file beside `path` and rename it there, so that a reader sees the old or the new one whole."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl+C leaves no half-written file either
        os.unlink(temporary)
        raise


def _channel_table(channel: ChannelConfig) -> dict[str, Any]:
    table = {item.name: _plain(getattr(channel, item.name)) for item in dataclasses.fields(channel)}
    del table["name"]
    return {key: value for key, value in table.items() if value not in ("", [], {}, 0.0, False)}


def _changed(value: Any, default: Any) -> dict[str, Any]:
    return {
        field.name: _plain(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != getattr(default, field.name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: must be a table; write [{where}] above its keys")
    return value


def _check_keys(table: dict[str, Any], known: typing.Iterable[str], where: str) -> None:
    known = sorted(known)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ConfigError(f"{where}{'.' if where else ''}{key}: unknown key; {hint}")


def _build(kind: Any, table: dict[str, Any], where: str, **given: Any) -> Any:
    hints = typing.get_type_hints(kind)
    _check_keys(table, hints.keys() - given.keys(), where)
    values = {key: _convert(hints[key], value, f"{where}.{key}") for key, value in table.items()}
    missing = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and field.name not in (given.keys() | values.keys())
    ]
    if missing:
        raise ConfigError(f"{where}.{missing[0]}: missing; add it")
    return kind(**given, **values)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:  # what may be left out
        hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        origin = typing.get_origin(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError:
            words = ", ".join(repr(str(item.value)) for item in hint)
            raise ConfigError(f"{where}: {value!r} is not one of {words}; correct it") from None
    if origin is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if origin is dict and isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    if hint is float and type(value) is int:
        return float(value)
    if origin is None and type(value) is hint:
        return value
    expected = {tuple: "a list of texts", dict: "a table of texts"}.get(origin) or _TYPE_WORDS[hint]
    raise ConfigError(f"{where}: must be {expected}, is {value!r}; correct it")
