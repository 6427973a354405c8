"""Fuses evidence into a judgement. Pure: everything it goes by is in a `Situation`.

In ranks: what the foreground group is blocked on; termios; sequences; text at the cursor gives kind, question and
options, and decides alone only where the kernel could not be asked. Silence alone never decides: every judgement that
somebody is waited for names what waits. A judgement holds once the session has been quiet for `need` seconds: the
stronger the evidence, the shorter.
"""

from __future__ import annotations

from typing import FrozenSet, NamedTuple, Optional

from node_agent.detect.evidence import KernelEvidence, Termios, Wait
from node_agent.detect.lines import ends_like_prompt, is_repl_prompt
from node_agent.detect.prompts import Shape
from node_agent.detect.rules import Role
from node_agent.detect.screen import Reading
from node_agent.detect.view import ScreenView
from node_agent.protocol.states import AskKind, Attention

BUSY_CPU = 0.35
"""Share of one core above which an event loop is taken to be working."""

_MONITOR_PERIOD = 5.35
"""Seconds after which a program that polls with a longer timeout is believed to redraw only when asked."""

_UNSEEN_QUIET = 5.0
"""Seconds after which a quiet session that cannot be looked into is `unknown` and no longer `working`."""

_TURN_START = 2.0
"""Seconds a coding agent may take from a submit until it shows that it works; until then its composer looks at rest."""

_VETO_END = 5.0
"""Seconds of quiet after which CPU time alone no longer hides a prompt: start-up of coding agents burns it."""


class Situation(NamedTuple):
    """All that is known now. Durations in seconds."""

    kernel: KernelEvidence
    termios: Optional[Termios]
    view: ScreenView
    reading: Reading
    roles: FrozenSet[Role]
    quiet: float  # since the last output
    still: float  # since the screen last changed by more than a clock or spinner
    cpu: float  # share of a core used lately by the session's processes
    period: float  # of the redraws the program makes by itself, 0 when it makes none
    is_progressing: bool  # OSC 9;4
    is_at_prompt_mark: bool  # OSC 133 A or B was the last mark
    is_submitted: bool  # something was submitted and this prompt was not seen since
    is_unanswered: bool  # something was submitted and nothing was output since
    since_submit: float
    is_returned: bool  # this prompt stood here before the last submit too


class Judgement(NamedTuple):
    """What the session is once it has been quiet for `need` seconds.

    `is_firm` marks a `working` that ends what was asked before. `by_stillness`: what counts as quiet is the screen's
    standing still, clocks and spinners apart.
    """

    attention: Attention
    rule: str
    need: float = 0.0
    confidence: float = 0.9
    kind: Optional[AskKind] = None
    is_firm: bool = False
    by_stillness: bool = False


_NOBODY_READS = Judgement(Attention.WORKING, "nobody reads the terminal", confidence=0.98, is_firm=True)


def judge_by_kernel(kernel: KernelEvidence, termios: Optional[Termios], roles: FrozenSet[Role]) -> Optional[Judgement]:
    """What no screen could change: nobody reads a terminal whose lines the kernel edits. None where one must be read.

    That is what a session at work says nearly always, and reading its screen costs as much as the probe.
    """
    is_raw = termios is not None and not termios.icanon
    if kernel.wait is not Wait.NOBODY or is_raw or Role.RELAY in roles:
        return None
    return _NOBODY_READS


def judge(now: Situation) -> Judgement:
    """Judge a situation."""
    wait = now.kernel.wait
    is_cooked = now.termios is not None and now.termios.icanon
    if Role.RELAY in now.roles and not now.kernel.nested and not (wait is Wait.READING and is_cooked):
        return _unseen(now, "relay")
    if wait is Wait.UNREADABLE:
        return _unseen(now, "unreadable")
    if wait is Wait.NOBODY:
        return _nobody(now)
    if wait is Wait.READING:
        return _reading(now)
    if now.termios is not None and now.termios.is_hidden:
        return _waits(now, "waits without echo", 0.15, 0.97)
    return _polling(now) if wait is Wait.POLLING else _event_loop(now)


def _nobody(now: Situation) -> Judgement:
    # Some programs poll with non-blocking reads and sleep between: raw mode and an open question, the last thing on
    # the screen, give them away.
    view = now.view
    rows = [row for row in view.visible if row != view.row]
    is_last = not view.after and not any(row > view.row for row in rows)
    line = view.before.rstrip() or (view.lines[rows[-1]].rstrip() if rows else "")
    is_raw = now.termios is not None and not now.termios.icanon
    if is_raw and is_last and line.endswith((":", "?")) and not _busy(now) and now.cpu < 0.3:
        return _waits(now, "raw mode and a prompt, read by polling", 1.0, 0.7)
    return _NOBODY_READS


def _reading(now: Situation) -> Judgement:
    if now.cpu > 0.5:
        return Judgement(Attention.WORKING, "a thread reads, but the program computes", confidence=0.7)
    is_cooked = now.termios is None or now.termios.icanon
    need = 0.08 if is_cooked or now.view.before.strip() else 0.15
    return _waits(now, "blocked in read(tty)", need, 0.99, by_stillness=True)


def _polling(now: Situation) -> Judgement:
    timeout = now.kernel.timeout
    is_cooked = now.termios is not None and now.termios.icanon
    if is_cooked:
        if ends_like_prompt(now.view.before):
            return _waits(now, "polls the tty at a prompt", 0.3, 0.9)
        return Judgement(Attention.WORKING, "polls the tty without a prompt", confidence=0.7)
    if Role.MONITOR in now.roles:
        return Judgement(Attention.WORKING, "a monitor takes keys and needs none", confidence=0.95)
    if _busy(now):
        return Judgement(Attention.WORKING, now.reading.busy or "progress", confidence=0.85)
    if now.cpu > BUSY_CPU and now.quiet < _VETO_END:
        return Judgement(Attention.WORKING, "polls the tty, but computes", confidence=0.7)
    shape = now.reading.prompt.shape
    if timeout is None:
        if shape is Shape.NONE and now.is_submitted and not now.view.alternate and not now.view.before.strip():
            return Judgement(Attention.WORKING, "polls the tty, its prompt is not back", confidence=0.7)
        need = 0.15 if now.view.bracketed_paste or now.view.before.strip() else 0.3
        return _waits(now, "waits for the tty without a time limit", need, 0.95)
    is_at_rest = now.roles & {Role.EDITOR, Role.SHELL, Role.REPL, Role.PAGER, Role.PICKER}
    if shape in (Shape.KEY, Shape.BUTTONS) or is_at_rest or (shape is Shape.MENU and not now.period):
        return _waits(now, "polls the tty at a prompt", 0.3, 0.9)
    # A program that redraws on its timer is a monitor; one whole period without output shows that it is none.
    return _waits(now, "polls the tty and draws nothing", max(0.3, min(timeout, _MONITOR_PERIOD - 0.35) + 0.35), 0.8)


def _event_loop(now: Situation) -> Judgement:
    prompt = now.reading.prompt
    is_drawn = prompt.shape in (Shape.MENU, Shape.BUTTONS, Shape.FIELD) or prompt.is_ruled
    if now.termios is not None and now.termios.icanon:
        if ends_like_prompt(now.view.before):
            return _waits(now, "event loop at a prompt", 1.0, 0.75)
        return Judgement(Attention.WORKING, "event loop without a prompt", confidence=0.7)
    if Role.MONITOR in now.roles:
        return Judgement(Attention.WORKING, "a monitor takes keys and needs none", confidence=0.95)
    if _busy(now):
        if is_drawn and prompt.kind is not None:
            return _waits(now, "dialog over a busy program", 1.0, 0.8, by_stillness=True)
        return Judgement(Attention.WORKING, now.reading.busy or "progress", confidence=0.85)
    if now.cpu > BUSY_CPU and (now.quiet < _VETO_END or prompt.shape is Shape.NONE):
        if is_drawn:
            return _waits(now, "dialog, though the program computes", 1.5, 0.8, by_stillness=True)
        return Judgement(Attention.WORKING, "event loop computes", confidence=0.7)
    if not now.view.visible:
        return Judgement(Attention.WORKING, "event loop with nothing drawn yet", confidence=0.8)
    if is_drawn:
        return _waits(now, "event loop at a dialog", 0.35, 0.9, by_stillness=True)
    if prompt.shape is Shape.NONE and not now.view.alternate:
        return Judgement(Attention.WORKING, "event loop with nothing asked", confidence=0.6)
    need = 0.35 if prompt.shape in (Shape.LINE, Shape.SHELL, Shape.KEY) and not now.view.alternate else 0.7
    if now.kernel.timeout is not None and now.kernel.timeout <= 1.5:
        need = max(need, now.kernel.timeout + 0.25)
    if 0 < now.period < 5:
        need = max(need, 1.8 * now.period)
    if Role.AGENT in now.roles:
        need = max(need, now.quiet + _TURN_START - now.since_submit)
    return _waits(now, "event loop at rest", need, 0.75)


def _unseen(now: Situation, why: str) -> Judgement:
    """Where the kernel cannot say: termios, sequences, and text at the cursor."""
    prompt = now.reading.prompt
    if now.is_unanswered:
        return Judgement(Attention.WORKING, f"{why}, nothing since the last submit", confidence=0.6, is_firm=True)
    if now.termios is not None and now.termios.is_hidden:
        return _waits(now, f"{why}, line read without echo", 0.15, 0.95)
    is_cooked = now.termios is not None and now.termios.icanon
    is_marked = now.is_at_prompt_mark or (now.view.bracketed_paste and ends_like_prompt(now.view.before))
    if not is_cooked and is_marked and prompt.shape is Shape.SHELL and not now.reading.rest:
        return _waits(now, f"{why}, line editor at its prompt", 0.4, 0.85)
    if _busy(now) and not is_cooked and prompt.shape not in (Shape.MENU, Shape.BUTTONS, Shape.FIELD):
        return Judgement(Attention.WORKING, now.reading.busy or "progress", confidence=0.8)
    if not is_cooked and is_marked:
        return _waits(now, f"{why}, line editor at its prompt", 0.4, 0.85)
    if not is_cooked and now.roles & {Role.EDITOR, Role.PAGER, Role.PICKER}:
        return _waits(now, f"{why}, a full-screen program at rest", 0.7, 0.7)
    if prompt.shape in (Shape.MENU, Shape.BUTTONS, Shape.FIELD, Shape.PAGER, Shape.COMPOSER) and not is_cooked:
        return _waits(now, f"{why}, {prompt.shape.value} on screen", 0.8, 0.7, by_stillness=True)
    if prompt.is_ruled and not is_cooked:
        return _waits(now, f"{why}, {prompt.rule}", 0.8, 0.7, by_stillness=True)
    if now.reading.rest and not is_cooked:
        return _waits(now, f"{why}, {now.reading.rest}", 0.8, 0.7, by_stillness=True)
    if _is_open_line(now, is_cooked):
        return _waits(now, f"{why}, prompt at the cursor", 0.8, 0.65, by_stillness=True)
    if now.quiet < _UNSEEN_QUIET:
        return Judgement(Attention.WORKING, f"{why}, no prompt", confidence=0.5)
    return Judgement(Attention.UNKNOWN, f"{why}, quiet and no prompt", confidence=0.5)


def _is_open_line(now: Situation, is_cooked: bool) -> bool:
    """Whether the text at the cursor is a prompt with nothing behind it. A secret asked with echo on is a quotation."""
    prompt, before = now.reading.prompt, now.view.before
    if prompt.shape is Shape.KEY:
        return True
    if prompt.shape not in (Shape.LINE, Shape.SHELL) or (is_cooked and prompt.kind is AskKind.PASSWORD):
        return False
    return ends_like_prompt(before) and (not is_cooked or before.endswith(" "))


def _busy(now: Situation) -> bool:
    return bool(now.reading.busy) or now.is_progressing


def _waits(now: Situation, rule: str, need: float, confidence: float, by_stillness: bool = False) -> Judgement:
    """Somebody is waited for: at rest, or asked something of some kind."""
    kind = _kind(now)
    attention = Attention.IDLE if kind is None else Attention.ASKING
    return Judgement(attention, rule, need, confidence, kind, by_stillness=by_stillness)


def _kind(now: Situation) -> Optional[AskKind]:
    """What is asked; None for a shell, a REPL or a composer at rest."""
    prompt = now.reading.prompt
    if now.termios is not None and now.termios.is_hidden and (now.kernel.nested or not now.view.alternate):
        return AskKind.PASSWORD
    if Role.EDITOR in now.roles:
        return AskKind.EDITOR
    if Role.PAGER in now.roles:
        return AskKind.PAGER
    if prompt.shape is Shape.SHELL:
        return None if _is_own_prompt(now) else AskKind.TEXT
    if prompt.shape is Shape.COMPOSER or (now.reading.rest and prompt.kind in (None, AskKind.TEXT)):
        return None
    is_raw = now.termios is None or not now.termios.icanon
    if Role.SHELL in now.roles and is_raw and prompt.kind in (None, AskKind.TEXT, AskKind.LOGIN):
        return None  # the operator's own prompt may look like anything
    if prompt.kind is None and Role.REPL in now.roles and is_raw:
        return None
    return prompt.kind or AskKind.TEXT


def _is_own_prompt(now: Situation) -> bool:
    """Whether a prompt that looks like a shell's is one, and not a script's question."""
    reader = now.kernel.reader
    marker = now.view.before.split()
    if is_repl_prompt(now.view.before) and len("".join(marker)) > 1:
        return True
    if Role.AGENT in now.roles:
        return True
    if reader is None or now.kernel.wait is Wait.UNREADABLE or Role.RELAY in now.roles:
        return True
    if reader.script:
        return now.is_returned
    if now.roles & {Role.SHELL, Role.REPL}:
        return True
    return len("".join(marker)) > 1 or now.is_returned
