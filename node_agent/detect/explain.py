"""Evidence in words, for `explain`."""

from __future__ import annotations

from typing import List, NamedTuple, Optional

from node_agent.detect.activity import Activity
from node_agent.detect.evidence import Fact, KernelEvidence, Report, Termios, Wait
from node_agent.detect.prompts import Shape
from node_agent.detect.screen import Reading
from node_agent.detect.view import ScreenView


class Known(NamedTuple):
    """What the detector goes by at this moment."""

    kernel: KernelEvidence
    termios: Optional[Termios]
    probed_at: float
    view: Optional[ScreenView]
    reading: Reading
    activity: Activity
    report: Optional[Report]


_WAITS = {
    Wait.READING: "{who} is blocked in read({tty})",
    Wait.POLLING: "{who} polls {tty}{limit}",
    Wait.EVENT_LOOP: "{who} has {tty} in its event loop{limit}",
    Wait.NOBODY: "nobody reads {tty}; in the foreground: {who}",
    Wait.UNREADABLE: "the kernel was not asked or refused; in the foreground: {who}",
}


def explain(at: float, known: Known) -> List[Fact]:
    """One fact a source, the strongest first."""
    facts: List[Fact] = []
    if known.report is not None:
        facts.append(
            Fact("report", f"{known.report.source}: {known.report.state} {known.report.text}".strip(), known.report.at)
        )
    if known.probed_at >= 0:
        facts.append(Fact("kernel", _kernel(known.kernel), known.probed_at))
        if known.termios is not None:
            facts.append(Fact("termios", _termios(known.termios), known.probed_at))
    if known.reading.busy:
        facts.append(Fact("screen", f"shows that it works ({known.reading.busy})", known.activity.last_output))
    prompt = known.reading.prompt
    if prompt.shape is not Shape.NONE:
        facts.append(
            Fact("screen", f"{prompt.shape.value}: {prompt.question} ({prompt.rule})", known.activity.last_output)
        )
    if known.view is not None and known.view.bracketed_paste:
        facts.append(Fact("sequence", "bracketed paste is on", known.activity.last_output))
    facts.append(Fact("output", f"quiet for {at - known.activity.last_output:.2f} s", known.activity.last_output))
    return facts


def _kernel(kernel: KernelEvidence) -> str:
    who = ", ".join(f"{program.label} ({program.pid})" for program in kernel.programs[:3]) or "?"
    limit = "" if kernel.timeout is None else f", for {kernel.timeout:.1f} s at most"
    return _WAITS[kernel.wait].format(who=who, tty=kernel.tty or "the tty", limit=limit)


def _termios(termios: Termios) -> str:
    mode = "line editing by the kernel" if termios.icanon else "raw mode"
    return f"{mode}, echo {'on' if termios.echo else 'off'}"
