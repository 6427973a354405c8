"""Requests about asks: answering, claiming, acknowledging, snoozing.

An *ask* is one instance of a session needing a human.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Tuple, Type

from node_agent.protocol.ids import AskId
from node_agent.protocol.message import Request
from node_agent.protocol.states import Attention


class Outcome(str, enum.Enum):
    """What became of an answer."""

    ACCEPTED = "accepted"  # the program took it and went on
    REFUSED = "refused"  # nothing that submits was typed
    UNCONFIRMED = "unconfirmed"  # it was typed, and what the program made of it is not known


@dataclass(frozen=True)
class Answered:
    """`why` is one sentence; `chosen` the label or kind of input that was sent, never a secret."""

    outcome: Outcome
    why: str = ""
    chosen: str = ""
    attention: Attention = Attention.UNKNOWN
    next_ask: Optional[AskId] = None  # what the session asks now


@dataclass(frozen=True)
class AnswerAsk(Request):
    """Answer one ask; refused when it is no longer the one on screen. Exactly one way of answering is set.

    `label` chooses the option with that label, `option` the one at that place (from 1), `yes` the option that means
    yes or no, `text` is pasted and submitted, `secret` is typed without being recorded, `keys` are sent as named.
    `request` makes a retry harmless: the same one is carried out once, whatever died in between.
    """

    op: ClassVar[str] = "ask.answer"
    reply: ClassVar[Type[Any]] = Answered
    ask: AskId
    request: str
    label: Optional[str] = None
    option: Optional[int] = None
    yes: Optional[bool] = None
    text: Optional[str] = None
    secret: Optional[str] = None
    keys: Tuple[str, ...] = ()
    policy: str = ""  # the rule that answers, when no human does
    steal: bool = False


@dataclass(frozen=True)
class ClaimAsk(Request):
    """Say that the operator is handling this ask; it ends by itself after `seconds`, or at once with 0."""

    op: ClassVar[str] = "ask.claim"
    ask: AskId
    seconds: float = 120.0


@dataclass(frozen=True)
class AckAsk(Request):
    """The operator has seen it: it stays open, no channel repeats or escalates it."""

    op: ClassVar[str] = "ask.ack"
    ask: AskId


@dataclass(frozen=True)
class SnoozeAsk(Request):
    """Be silent about this ask for `seconds`; 0 is until the ask changes; negative ends it."""

    op: ClassVar[str] = "ask.snooze"
    ask: AskId
    seconds: float = 0.0
