"""A node's allow-list of deploys: the commands that may be run for each, word for word, and where. Pure.

    [api]                                   # `relaytui deploy api`
    cwd = "/srv/api"                        # "" or left out: the home directory
    steps = [
      ["git", "pull", "--ff-only"],
      ["./release", "--version={version}"],
    ]
    [api.values]
    version = 'v[0-9]+(\\.[0-9]+)*'          # what may stand in the place of {version}, whole

Nothing is split, expanded or passed to a shell: a command has the words of a step and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, NamedTuple, Optional, Pattern, Sequence, Tuple

TAG = "deploy:"
"""Begins the tag of every session that a deploy started; no other session may have one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KEYS = frozenset(["cwd", "env", "steps", "values"])


class AllowListError(Exception):
    """The list cannot be used. One line: what is wrong, where, what to do."""


class NotListed(Exception):
    """The list does not allow this. One line that says what."""


class _Word(NamedTuple):
    """One word of a step: `before` alone, or with a value and `after` behind it."""

    before: str
    value: str = ""
    pattern: Optional[Pattern[str]] = None
    after: str = ""


@dataclass(frozen=True)
class Deploy:
    """What one deploy may run: each step as a pattern for every word of a command."""

    name: str
    cwd: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    steps: Tuple[Tuple[_Word, ...], ...] = ()

    def allows(self, command: Sequence[str]) -> bool:
        return any(_fits(step, command) for step in self.steps)


class AllowList:
    """All deploys of a node by name."""

    def __init__(self, deploys: Mapping[str, Deploy]) -> None:
        self._deploys = deploys

    def check(self, name: str, command: Sequence[str]) -> Deploy:
        """The deploy `command` is a step of; raises NotListed."""
        deploy = self._deploys.get(name)
        if deploy is None:
            raise NotListed(f"its owner lists no deploy {name!r}")
        if not deploy.allows(command):
            raise NotListed(f"the deploy {name!r} has no step {list(command)!r}")
        return deploy


def parse_allow_list(data: Mapping[str, Any]) -> AllowList:
    """The list that a parsed TOML document holds; raises AllowListError."""
    return AllowList({name: _deploy(name, table) for name, table in data.items()})


def _deploy(name: str, table: Any) -> Deploy:
    if not _NAME.fullmatch(name):
        raise AllowListError(f"[{name}]: a deploy's name is letters, digits, '-' and '_', at most 64; rename it")
    if not isinstance(table, dict):
        raise AllowListError(f"{name}: must be a table; write [{name}]")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise AllowListError(f"[{name}]: unknown key {unknown[0]!r}; there is {', '.join(sorted(_KEYS))}")
    steps = table.get("steps", [])
    if not isinstance(steps, list) or not steps:
        raise AllowListError(f'[{name}]: no steps; write steps = [["program", "word"]]')
    values = {key: _pattern(name, key, text) for key, text in _texts(name, table, "values").items()}
    cwd = table.get("cwd", "")
    if not isinstance(cwd, str) or not (cwd == "" or cwd.startswith(("/", "~"))):
        raise AllowListError(f"[{name}]: cwd must be a path from / or ~, not {cwd!r}")
    return Deploy(
        name,
        cwd,
        _texts(name, table, "env"),
        tuple(_step(name, number, step, values) for number, step in enumerate(steps, 1)),
    )


def _texts(name: str, table: Mapping[str, Any], key: str) -> Dict[str, str]:
    texts = table.get(key, {})
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise AllowListError(f"[{name}]: {key} must be a table of texts")
    return texts


def _pattern(name: str, key: str, text: str) -> Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise AllowListError(f"[{name}.values]: {key}: {text!r} is no regular expression: {error}") from error


def _step(name: str, number: int, step: Any, values: Mapping[str, Pattern[str]]) -> Tuple[_Word, ...]:
    where = f"[{name}] step {number}"
    if not isinstance(step, list) or not step or not all(isinstance(word, str) for word in step):
        raise AllowListError(f"{where}: must be a list of words, the program first")
    if _PLACE.search(step[0]) or not step[0]:
        raise AllowListError(f"{where}: the program must be written out, not {step[0]!r}")
    return tuple(_word(where, word, values) for word in step)


def _word(where: str, text: str, values: Mapping[str, Pattern[str]]) -> _Word:
    places = list(_PLACE.finditer(text))
    if not places:
        return _Word(text)
    if len(places) > 1:
        raise AllowListError(f"{where}: {text!r}: at most one value a word")
    place = places[0]
    if place[1] not in values:
        raise AllowListError(f"{where}: no pattern for {{{place[1]}}}; add it under [NAME.values]")
    return _Word(text[: place.start()], place[1], values[place[1]], text[place.end() :])


def _fits(step: Sequence[_Word], command: Sequence[str]) -> bool:
    """Whether every word fits; a value that stands in several places must be the same in all."""
    if len(step) != len(command):
        return False
    found: Dict[str, str] = {}
    for word, text in zip(step, command):
        if word.pattern is None:
            if text != word.before:
                return False
            continue
        value = text[len(word.before) : len(text) - len(word.after)]
        if text != word.before + value + word.after or not _is_value(word, value):
            return False
        if found.setdefault(word.value, value) != value:
            return False
    return True


def _is_value(word: _Word, value: str) -> bool:
    """Whether `value` may stand there: all of it fits, all of it is visible, and it does not become an option."""
    assert word.pattern is not None
    if not word.before and value.startswith("-"):
        return False
    return value.isprintable() and word.pattern.fullmatch(value) is not None
