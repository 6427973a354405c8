"""Reads one session's screen as a prompt, each state of it once."""

from __future__ import annotations

from typing import FrozenSet, List, Optional, Tuple

from node_agent.detect.evidence import KernelEvidence, Termios, Wait
from node_agent.detect.prompts import NO_PROMPT, Prompt
from node_agent.detect.rules import ProgramRules, Role, RuleBook
from node_agent.detect.screen import Reading, read_prompt
from node_agent.detect.view import ScreenView, read_screen
from node_agent.terminal.engine import Engine


class ScreenReader:
    """`view` and `reading` are what the last read found; `rules` may be replaced."""

    def __init__(self, rules: RuleBook) -> None:
        self.rules = rules
        self.view: Optional[ScreenView] = None
        self.reading = Reading(NO_PROMPT)
        self._view_key: Tuple[object, ...] = ()
        self._reading_key: Tuple[object, ...] = ()

    @property
    def prompt(self) -> Prompt:
        """The prompt of the last read."""
        return self.reading.prompt

    def forget(self) -> None:
        """Read the screen anew next time, whatever its stamps say."""
        self._view_key = ()

    def clear(self) -> None:
        """Know of no prompt: what was read last is history, and nobody has looked since."""
        self.reading = Reading(NO_PROMPT)
        self._reading_key = ()

    def roles(self, kernel: KernelEvidence) -> FrozenSet[Role]:
        """What the programs in the foreground are."""
        return self.rules.roles_of(kernel.programs)

    def known(self, kernel: KernelEvidence) -> List[ProgramRules]:
        """The rules that count: of the foreground programs, and where those cannot be seen all that may."""
        known = self.rules.of(kernel.programs)
        told = [program.role for program in known if program.role not in (Role.SHELL, Role.REPL)]
        is_blind = Role.RELAY in told or (kernel.wait is Wait.UNREADABLE and not told)
        if is_blind and not kernel.nested:
            known = known + [program for program in self.rules.programs if program not in known and program.anywhere]
        return known

    def read(self, engine: Engine, kernel: KernelEvidence, termios: Optional[Termios]) -> ScreenView:
        """Take in the screen as it is; `reading` is then what it says under this evidence."""
        view = self._look(engine)
        key = (self._view_key, kernel.programs, kernel.wait, termios, self.rules)
        if key != self._reading_key:
            self._reading_key = key
            is_cooked = termios is not None and termios.icanon
            is_hidden = termios is not None and termios.is_hidden
            self.reading = read_prompt(view, self.known(kernel), self.roles(kernel), is_cooked, is_hidden)
        return view

    def _look(self, engine: Engine) -> ScreenView:
        key = (tuple(engine.stamps()), engine.cursor, engine.modes, engine.title)
        if key != self._view_key or self.view is None:
            self._view_key = key
            self.view = read_screen(engine)
        return self.view
