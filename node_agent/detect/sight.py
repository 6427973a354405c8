"""What a session asks at one moment, for whoever is about to answer it."""

from __future__ import annotations

from typing import FrozenSet, NamedTuple, Optional

from node_agent.detect.asks import Ask
from node_agent.detect.evidence import Termios
from node_agent.detect.fields import field_text
from node_agent.detect.prompts import Prompt, Shape, normalised
from node_agent.detect.rules import Role
from node_agent.detect.view import ScreenView


class Sight(NamedTuple):
    """One look at the screen. `ask` is the open one where this is still what is on screen."""

    prompt: Prompt
    view: ScreenView
    roles: FrozenSet[Role]
    termios: Optional[Termios]
    ask: Optional[Ask]

    @property
    def is_cooked(self) -> bool:
        """Whether the kernel edits the line and hands it over whole."""
        return self.termios is not None and self.termios.icanon

    @property
    def is_hidden(self) -> bool:
        return self.termios is not None and self.termios.is_hidden

    @property
    def typed(self) -> str:
        """What stands on the asking line after what the prompt printed, normalised; "" where no line asks."""
        anchor = self.ask.anchor if self.ask is not None else ""
        line = normalised(self.view.before)
        return line[len(anchor) :].strip() if anchor and line.startswith(anchor) else ""

    def shows(self, text: str) -> bool:
        """Whether `text` stands where it was typed, or what a program draws in place of a long paste.

        A field that held something before shows it, too: what would be handed in is all of it.
        """
        if self.prompt.shape is Shape.FIELD:
            return "".join(field_text(self.view).split()) == "".join(text.split())
        shown = normalised(self.view.before)
        return shown.endswith(normalised(text)[-30:]) or "[pasted" in shown

    @property
    def selected(self) -> Optional[int]:
        """The place of the marked option, None when none or several are; a lone one always is."""
        marked = [place for place, option in enumerate(self.prompt.options) if option.selected]
        if len(self.prompt.options) == 1:
            return 0
        return marked[0] if len(marked) == 1 else None
