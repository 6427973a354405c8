"""What operators said about an open ask: seen, being handled, silent for now."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

from node_agent.core.moment import Moment


class Span(NamedTuple):
    """Some seconds from a moment on; 0 or fewer have no end."""

    start: Moment
    seconds: float

    def lasts(self, now: Moment) -> bool:
        return self.seconds <= 0 or self.start.age_at(now) < self.seconds

    def left(self, now: Moment) -> Optional[float]:
        """Seconds until it ends; None when it has no end."""
        return None if self.seconds <= 0 else max(0.0, self.seconds - self.start.age_at(now))

    @classmethod
    def load(cls, value: Any) -> Optional[Span]:
        return None if value is None else cls(Moment(*value[0]), value[1])


class AskMarks(NamedTuple):
    """They end with the ask: a changed question is another ask."""

    acked_by: str = ""
    claimed_by: str = ""
    claim: Optional[Span] = None
    snooze: Optional[Span] = None

    def claimant(self, now: Moment) -> str:
        """Who is handling it, "" when nobody (any more)."""
        return self.claimed_by if self.claim is not None and self.claim.lasts(now) else ""

    def is_snoozed(self, now: Moment) -> bool:
        return self.snooze is not None and self.snooze.lasts(now)

    def to_json(self) -> Dict[str, Any]:
        return self._asdict()

    @classmethod
    def from_json(cls, fields: Dict[str, Any]) -> AskMarks:
        return cls(
            fields.get("acked_by", ""),
            fields.get("claimed_by", ""),
            Span.load(fields.get("claim")),
            Span.load(fields.get("snooze")),
        )


NO_MARKS = AskMarks()
