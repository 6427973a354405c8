"""Whether a session needs a human: evidence in, attention and asks out, without IO.

Owns the decoding of kernel evidence, the reading of prompts off screens, the rules about programs and the judgement.
It knows no process, clock, socket or file. One `Detector` watches one session:

    detector = Detector(rule_files.book, at=now, open_ask=stored_ask)      # rule_files: node_agent.io.rule_files
    detector.on_output(now)                       # after engine.feed; and on_event for each of engine.drain_events()
    detector.on_input(now, data)                  # keys that were sent; not the agent's answers to queries
    detector.on_resize(now), on_report(now, state, text, source), on_behind(now, True), on_exit(now, "code 1")

    step = detector.tick(now, engine)             # at detector.wake_at, again whenever that changes
    if step.probe:                                # prober: node_agent.io.probe.Prober
        kernel = await prober.probe_with_keeper()
        detector.on_probe(now, kernel, inner_termios(kernel) or termios_of_the_session)
        step = detector.tick(now, engine)
    for change in step.changes: ...               # AskOpened, AskRefined, AskClosed, AttentionChanged

`detector.verdict` is the session's attention, `detector.ask` its open ask, `detector.explain(now)` the evidence.
Changes come from `tick` alone, so hold both together: `wake_at` is in the past while any are waiting.
"""

from node_agent.detect.asks import Ask
from node_agent.detect.changes import AskClosed, AskOpened, AskRefined, AttentionChanged, Change, Step, Verdict
from node_agent.detect.detector import Detector
from node_agent.detect.evidence import Fact, KernelEvidence, Program, Termios, Wait
from node_agent.detect.rules import RuleBook, RuleError, build_rule_book

__all__ = [
    "Ask",
    "AskClosed",
    "AskOpened",
    "AskRefined",
    "AttentionChanged",
    "Change",
    "Detector",
    "Fact",
    "KernelEvidence",
    "Program",
    "RuleBook",
    "RuleError",
    "Step",
    "Termios",
    "Verdict",
    "Wait",
    "build_rule_book",
]
