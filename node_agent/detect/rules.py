"""Rules about programs, as data: what they are, and what their screens, titles and notifications mean.

A rule book is built from parsed TOML (the reading is `io`'s); the fields are in `rules/README.md`. The user's books
come first and win. Rules of a program count when that program is in the foreground, and all of them where the
program cannot be seen (a relay, another user's process).
"""

from __future__ import annotations

import enum
import re
from fnmatch import translate
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Pattern, Sequence, Set, Tuple

from node_agent.detect.evidence import Program
from node_agent.detect.view import ScreenView
from node_agent.protocol.states import AskKind, Attention

_NO_NAME = "(?!)"

_REMEMBERED = 512
"""Programs whose entry is remembered; a node runs a few dozen."""


class Role(str, enum.Enum):
    """What a program is, where that decides how its waiting is read."""

    SHELL = "shell"  # at its own prompt it is at rest, whatever the prompt looks like
    EDITOR = "editor"
    PAGER = "pager"
    PICKER = "picker"  # draws choices and waits: fzf, dialog
    RELAY = "relay"  # what it shows is another machine's or container's
    MONITOR = "monitor"  # redraws and takes keys, never needs one
    REPL = "repl"  # at rest at its own prompts
    AGENT = "agent"  # a coding agent
    PLAIN = "plain"


class Where(str, enum.Enum):
    """Which text a rule looks at."""

    SCREEN = "screen"
    BOTTOM = "bottom"  # the last `rows` rows with text
    LINE = "line"  # left of the cursor
    TITLE = "title"
    NOTIFICATION = "notification"


class RuleError(ValueError):
    """A rule file that cannot be used; the message names the program and the rule."""


class Rule(NamedTuple):
    """One pattern of one program and what it means."""

    name: str  # "claude-code: permission"
    state: Attention
    kind: Optional[AskKind]
    where: Where
    rows: int
    pattern: Pattern[str]
    question: str  # replaces the parsed one
    options: Tuple[str, ...]  # labels side by side, where the program draws them so
    command: Optional[Pattern[str]]  # group 1 is what would be run

    def matches(self, view: ScreenView, notification: str = "") -> bool:
        return bool(self.pattern.search(self._text(view, notification)))

    def spans(self, view: ScreenView) -> List[Tuple[int, int]]:
        """The first and last row of each place on the screen it is found in."""
        rows = self._rows(view)
        text = "\n".join(view.lines[row] for row in rows)
        ends = [(match.start(), max(match.start(), match.end() - 1)) for match in self.pattern.finditer(text)]
        return [(rows[text.count("\n", 0, start)], rows[text.count("\n", 0, end)]) for start, end in ends]

    def _text(self, view: ScreenView, notification: str) -> str:
        if self.where is Where.TITLE:
            return view.title
        if self.where is Where.LINE:
            return view.before
        if self.where is Where.NOTIFICATION:
            return notification
        return "\n".join(view.lines[row] for row in self._rows(view))

    def _rows(self, view: ScreenView) -> List[int]:
        return view.visible[-self.rows :] if self.where is Where.BOTTOM else view.visible


class ProgramRules(NamedTuple):
    """Everything known about one program."""

    name: str
    commands: Pattern[str]
    role: Role
    rules: Tuple[Rule, ...]
    anywhere: bool  # its rules also count where the program cannot be seen
    recordings: Tuple[str, ...]

    @property
    def is_nameless(self) -> bool:
        """Whether it is known by its screen alone."""
        return self.commands.pattern == _NO_NAME

    def knows(self, names: FrozenSet[str]) -> bool:
        return any(self.commands.match(name) for name in names)


class RuleBook:
    """All rules, in order of precedence."""

    def __init__(self, programs: Iterable[ProgramRules] = ()) -> None:
        self.programs: Tuple[ProgramRules, ...] = tuple(programs)
        self._known: Dict[FrozenSet[str], Optional[ProgramRules]] = {}

    def of(self, programs: Sequence[Program]) -> List[ProgramRules]:
        """What is known about the foreground programs, the reader's first."""
        found: List[ProgramRules] = []
        for program in programs:
            match = self._find(program.names)
            if match is not None and match not in found:
                found.append(match)
        return found

    def roles_of(self, programs: Sequence[Program]) -> FrozenSet[Role]:
        """What the foreground programs are. An interpreter with a program to run is neither a shell nor a REPL."""
        roles: Set[Role] = set()
        for number, program in enumerate(programs):
            for known in self.of([program]):
                at_prompts = known.role in (Role.SHELL, Role.REPL)
                runs_another = bool(program.script) and not known.knows(frozenset((program.script.lower(),)))
                if not at_prompts or (number == 0 and not runs_another):
                    roles.add(known.role)
        return frozenset(roles)

    def _find(self, names: FrozenSet[str]) -> Optional[ProgramRules]:
        if names not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[names] = next((entry for entry in self.programs if entry.knows(names)), None)
        return self._known[names]


def build_rule_book(documents: Iterable[Mapping[str, Any]]) -> RuleBook:
    """Compile parsed rule files, the first the strongest. Raises RuleError."""
    return RuleBook(_program(entry) for document in documents for entry in document.get("program", ()))


def _program(entry: Mapping[str, Any]) -> ProgramRules:
    name = str(entry.get("name", ""))
    if not name:
        raise RuleError("a [[program]] has no name")
    try:
        role = Role(entry.get("role", "plain"))
    except ValueError as error:
        raise RuleError(f"{name}: unknown role {entry['role']!r}") from error
    commands = "|".join(translate(str(pattern).lower()) for pattern in entry.get("commands", (name,)))
    return ProgramRules(
        name,
        re.compile(commands or _NO_NAME),
        role,
        tuple(_rule(name, rule) for rule in entry.get("rule", ())),
        bool(entry.get("anywhere", False)),
        tuple(entry.get("recordings", ())),
    )


def _rule(program: str, entry: Mapping[str, Any]) -> Rule:
    name = f"{program}: {entry.get('id', '?')}"
    try:
        kind = AskKind(entry["kind"]) if "kind" in entry else None
        command = re.compile(entry["command"], re.M) if "command" in entry else None
        pattern = re.compile(entry["match"], re.M)
        state, where = Attention(entry["state"]), Where(entry.get("where", "bottom"))
    except (KeyError, ValueError, re.error) as error:
        raise RuleError(f"{name}: {error}") from error
    return Rule(
        name,
        state,
        kind,
        where,
        int(entry.get("rows", 12)),
        pattern,
        str(entry.get("question", "")),
        tuple(entry.get("options", ())),
        command,
    )
