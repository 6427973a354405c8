"""The filter language: `state:asking node:gpu tag:x some words`.

All words must hold. `state:`, `node:` and `tag:` take several values between commas, one of which must hold; `tag:`
looks at a session's tags, its node's, and the words its node's facts say, such as `gpu`. `node:` and plain words match
parts of names, whatever their case; a leading `-` turns a word round.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from node_agent.protocol.states import Attention, SessionState
from relaytui.fleet.views import SessionView

Predicate = Callable[[SessionView], bool]

STATES = (*(item.value for item in Attention), "failed", "lost")


class FilterError(Exception):
    """A filter names a state that does not exist; one line says which do."""

    exit_code = 13


def compile_filter(text: str) -> Predicate:
    """A predicate for the filter `text`; the empty filter lets all pass. Raises FilterError."""
    tests = [_compile_word(word) for word in text.split()]
    return lambda view: all(test(view) for test in tests)


def _compile_word(word: str) -> Predicate:
    if word.startswith("-") and len(word) > 1:
        positive = _compile_word(word[1:])
        return lambda view: not positive(view)
    field, separator, rest = word.partition(":")
    values = [value for value in rest.lower().split(",") if value]
    if separator and not values and field in ("state", "node", "tag"):
        return lambda view: True  # half typed
    match field if separator else "":
        case "state":
            for value in values:
                _check_state(value)
            return lambda view: any(_has_state(view, value) for value in values)
        case "node":
            return lambda view: any(value in view.key.node.lower() for value in values)
        case "tag":
            return lambda view: not words_of(view).isdisjoint(values)
        case _:
            wanted = word.lower()
            return lambda view: wanted in _haystack(view)


def words_of(view: SessionView) -> frozenset[str]:
    """What `tag:` finds a session by, in lower case."""
    return view.node_words.union(tag.lower() for tag in (*view.info.tags, *view.node_tags))


def _check_state(value: str) -> None:
    if not any(state.startswith(value) for state in STATES):
        near = difflib.get_close_matches(value, STATES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(STATES)}"
        raise FilterError(f"no state {value!r}; {hint}")


def _has_state(view: SessionView, value: str) -> bool:
    return (
        view.attention.value.startswith(value)
        or (view.has_failed and "failed".startswith(value))
        or (view.info.state is SessionState.LOST and "lost".startswith(value))
    )


def _haystack(view: SessionView) -> str:
    info = view.info
    return "\n".join((str(view.key), info.title, " ".join(info.command), info.cwd, info.program, *info.tags)).lower()
