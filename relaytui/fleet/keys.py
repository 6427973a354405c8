"""A session's name in the fleet, and how an operator's words find one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from node_agent.protocol.ids import SessionId


class SessionKey(NamedTuple):
    """`node/id`: the node by its alias."""

    node: str
    id: SessionId

    def __str__(self) -> str:
        return f"{self.node}/{self.id}"


class IdError(Exception):
    """A session's id could not be resolved. `candidates` are what the operator may have meant."""

    exit_code = 11

    def __init__(self, message: str, candidates: tuple[SessionKey, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class UnknownId(IdError):
    exit_code = 11


class AmbiguousId(IdError):
    exit_code = 12


_LISTED = 8
"""Candidates named in a message; more are counted."""


def resolve_id(word: str | None, sessions: Iterable[tuple[SessionKey, str]]) -> SessionKey:
    """Find the session meant by `word` among (key, title) pairs.

    Tried in this order, the first that matches anything decides: `node/id`, exact id, exact title, unique prefix of the
    id (of `node/id` where `word` has a slash). No word means the only session there is. Raises UnknownId or
    AmbiguousId with the candidates.
    """
    pairs = list(sessions)
    keys = tuple(key for key, _ in pairs)
    if word is None:
        if len(keys) == 1:
            return keys[0]
        if not keys:
            raise UnknownId("there is no session; `relaytui start` starts one", ())
        raise AmbiguousId(f"which session? name one of {_listed(keys)}", keys)
    rules = (
        [key for key in keys if str(key) == word],
        [key for key in keys if key.id == word],
        [key for key, title in pairs if title == word],
        [key for key in keys if word and (str(key) if "/" in word else key.id).startswith(word)],
    )
    for matches in rules:
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise AmbiguousId(f"{word!r} may be {_listed(matches)}; write it as node/id", tuple(matches))
    listed = f"there is {_listed(keys)}" if keys else "there is none; `relaytui start` starts one"
    raise UnknownId(f"no session {word!r}; {listed}", keys)


def _listed(keys: Iterable[SessionKey]) -> str:
    names = sorted(map(str, keys))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
