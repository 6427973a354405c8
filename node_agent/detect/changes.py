"""What a detector says: the verdict on a session, and the changes of its asks."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple, Union

from node_agent.detect.asks import Ask
from node_agent.protocol.states import AskKind, Attention


class Verdict(NamedTuple):
    """What the session is to the operator, and why. `since` is monotonic seconds."""

    attention: Attention
    since: float
    rule: str
    confidence: float
    kind: Optional[AskKind] = None
    note: str = ""


class AskOpened(NamedTuple):
    ask: Ask


class AskRefined(NamedTuple):
    """An ask that a report opened was found on screen: what it says and its options are known now."""

    ask: Ask


class AskClosed(NamedTuple):
    ask: Ask
    reason: str


class AttentionChanged(NamedTuple):
    verdict: Verdict


Change = Union[AskOpened, AskRefined, AskClosed, AttentionChanged]


class Step(NamedTuple):
    """What came of a tick. `probe`: take a probe now, hand it to `on_probe`, and tick again."""

    changes: Tuple[Change, ...]
    probe: bool
