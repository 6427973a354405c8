"""What an action is, and the registry that finds one by its id or by a key.

An action says what it is called, which keys run it, where, and why it cannot be run now. It does not know how it is
carried out or drawn: key bindings, footer, tile borders, help, command palette and key sheet all read from here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

LEGACY_CONFLICTS = ("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+left_square_bracket", "ctrl+s", "ctrl+q", "ctrl+z")
"""Keys a terminal cannot tell from others, or that stop it; never bound."""


class Scope(enum.Enum):
    """Where an action's keys count."""

    GRID = "grid"
    EMPTY = "grid without a session"
    INBOX = "inbox"
    JOBS = "jobs"
    TYPING = "zoom and split, after the prefix"


class Group(enum.Enum):
    """The headings of help and key sheet."""

    ASKING = "Asking sessions"
    SESSION = "The selected session"
    MOVING = "Moving and looking"
    CONSOLE = "The console"
    JOBS = "The jobs screen"
    TYPING = "While typing into a session: after the prefix key"


@dataclass(frozen=True)
class Situation:
    """What the reasons of disabled actions are judged on."""

    session: str = ""  # the selected one as node/id, "" none
    node: str = ""  # of the selected ask, where that is of no session
    is_running: bool = False
    is_asking: bool = False
    is_reachable: bool = False
    has_ask: bool = False  # an open ask is selected, of a session or of none
    sessions: int = 0
    shown: int = 0
    asking: int = 0
    troubles: int = 0  # nodes without a link
    filter: str = ""
    job: str = ""  # the selected one
    has_job_ended: bool = False


Reason = Callable[[Situation], str]
"""Why an action cannot be run now, as one line; "" where it can."""


def always(_: Situation) -> str:
    """No reason against it."""
    return ""


@dataclass(frozen=True)
class Action:
    """One thing an operator can do."""

    id: str
    title: str  # two or three words, as the footer shows it
    help: str  # one sentence
    keys: tuple[str, ...]
    group: Group
    reason: Reason = always
    scope: Scope = Scope.GRID
    also: Mapping[Scope, int] = field(default_factory=dict)
    """Further scopes in which the same keys do the same, each with the place in its footer."""
    footer: int = 0  # place in the footer from 1; 0 is nowhere
    border: int = 0  # place in the focused tile's border from 1; 0 is nowhere
    in_palette: bool = True

    def counts_in(self, scope: Scope) -> bool:
        """Whether its keys run it there."""
        return scope is self.scope or scope in self.also

    def footer_in(self, scope: Scope) -> int:
        """Its place in a scope's footer from 1; 0 is nowhere."""
        return self.footer if scope is self.scope else self.also.get(scope, 0)


class Registry:
    """Actions by id and by key. Raises ValueError where two claim the same id or key."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._by_id: dict[str, Action] = {}
        self._by_key: dict[tuple[Scope, str], Action] = {}
        for action in actions:
            if action.id in self._by_id:
                raise ValueError(f"two actions are called {action.id}")
            self._by_id[action.id] = action
            for key in action.keys:
                if key in LEGACY_CONFLICTS:
                    raise ValueError(f"{action.id}: a terminal cannot deliver {key}")
                for scope in (action.scope, *action.also):
                    if (scope, key) in self._by_key:
                        raise ValueError(f"two actions want the key {key}")
                    self._by_key[scope, key] = action

    def __iter__(self) -> Iterator[Action]:
        return iter(self._by_id.values())

    def __getitem__(self, action_id: str) -> Action:
        return self._by_id[action_id]

    def for_key(self, scope: Scope, key: str) -> Action | None:
        """The action a key runs, if any."""
        return self._by_key.get((scope, key))

    def footer(self, situation: Situation, scope: Scope = Scope.GRID) -> list[Action]:
        """What the footer offers now, most important first."""
        return self._placed(situation, scope, lambda action: action.footer_in(scope))

    def border(self, situation: Situation) -> list[Action]:
        """What the focused tile's border offers now."""
        return self._placed(situation, Scope.GRID, lambda action: action.border)

    def _placed(self, situation: Situation, scope: Scope, place: Callable[[Action], int]) -> list[Action]:
        fitting = [a for a in self if a.counts_in(scope) and place(a) and not a.reason(situation)]
        return sorted(fitting, key=place)


_SHOWN = {
    "space": "space",
    "enter": "↵",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "esc",
    "question_mark": "?",
}


def key_label(key: str, *, ascii_only: bool = False) -> str:
    """A key as it is shown to the operator."""
    if ascii_only:
        return "esc" if key == "escape" else key
    head, separator, last = key.rpartition("+")
    return head + separator + _SHOWN.get(last, last) if last else key
