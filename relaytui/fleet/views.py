"""What the fleet knows of one node, session or ask. Ages grow with a `now` the caller hands in."""

from __future__ import annotations

from dataclasses import dataclass, field

from node_agent.protocol.entities import AskInfo, NodeFacts, NodeInfo, SessionInfo
from node_agent.protocol.settings import NodeSettings
from node_agent.protocol.states import AskKind, Attention, SessionState
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeStatus

FACTS_FRESH = 30.0
"""Seconds for which a heartbeat counts: a node is healthy while its facts are younger."""


@dataclass(frozen=True)
class SessionView:
    """A session as its node last told; `seen` is when, in the console's monotonic seconds."""

    key: SessionKey
    info: SessionInfo
    seen: float
    node_tags: tuple[str, ...] = ()
    node_words: frozenset[str] = frozenset()  # what the node's facts say in a word, in lower case

    @property
    def attention(self) -> Attention:
        return self.info.attention

    @property
    def has_failed(self) -> bool:
        """Whether it ended otherwise than by exit code 0."""
        if self.info.state is SessionState.LOST:
            return True
        return self.info.exit is not None and self.info.exit.code != 0

    def age(self, now: float) -> float:
        """Seconds since it was started."""
        return self.info.age + now - self.seen

    def attention_age(self, now: float) -> float:
        """Seconds for which its attention has been what it is."""
        return self.info.attention_age + now - self.seen


@dataclass(frozen=True)
class AskView:
    """An open ask; `key` is None for one reported from outside any session."""

    node: str
    key: SessionKey | None
    ask: AskInfo
    seen: float

    def age(self, now: float) -> float:
        """Seconds since it opened, by its node's clock."""
        return self.ask.age + now - self.seen


@dataclass(frozen=True)
class NodeView:
    """A node: how it was configured, how the link stands, what it said of itself."""

    alias: str
    status: NodeStatus
    tags: tuple[str, ...] = ()
    info: NodeInfo | None = None
    facts: NodeFacts = field(default_factory=NodeFacts)
    facts_seen: float = 0.0
    words: frozenset[str] = frozenset()  # what the facts say in a word
    settings: NodeSettings | None = None  # mutes and switches, None until it has said
    duplicate_of: str = ""  # another alias of the same node, which is shown instead

    def is_healthy(self, now: float) -> bool:
        """Whether it is connected and its facts are fresh."""
        return self.status.is_live and self.facts.age + now - self.facts_seen < FACTS_FRESH


def asked_words(ask: AskInfo) -> str:
    """What is asked, as one line; of a choice also what there is to choose from, unless the question says it."""
    question = " ".join(ask.excerpt.split())
    if ask.kind is not AskKind.CHOICE:
        return question
    named = (f"{option.key} {option.label}".strip() for option in ask.options if option.label not in question)
    return f"{question} {', '.join(named)}".rstrip()
