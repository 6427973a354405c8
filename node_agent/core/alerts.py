"""The life of one alert: offered, claimed by a sender for each channel, sent or failed, and no longer worth telling.

Theory. Each channel of an alert is a machine of its own. It is free, claimed, sent or failed. A claim is given to one
sender at a time and ends after `CLAIM_SECONDS`, so that a sender that died leaves the channel free again; what it may
have sent before is then sent twice, and never not at all. A failure may be tried again after a wait that doubles, up to
ten minutes: `MOST_TRIES` times for what is only news, and for as long as it is open for an ask, since somebody waits
there. A claim that lapsed is no failure. The node itself is the sender of last resort: it claims what nobody did within
`CLAIM_SECONDS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional

from node_agent.core.marks import Span
from node_agent.core.moment import Moment
from node_agent.protocol.alerts import AlertClaim
from node_agent.protocol.entities import Alert, Delivery
from node_agent.protocol.ids import NO_SESSION, AskId, SessionId
from node_agent.protocol.states import AlertKind, AskKind, Severity

CLAIM_SECONDS = 15.0
"""How long a claim lasts, and how long the node waits for one before it sends by itself."""

LEFT_AFTER = 120.0
"""Seconds after which nobody is taken to look at an ask any more: who does answers it."""

MOST_TRIES = 8
_FIRST_WAIT = 10.0
_LONGEST_WAIT = 600.0

CLAIMED, SENT, FAILED = "claimed", "sent", "failed"


@dataclass
class Try:
    """What one channel did with an alert, last."""

    sender: str
    state: str
    token: int
    at: Moment
    tries: int = 1  # claims that were given
    detail: str = ""
    failures: int = 0  # those that were reported to have failed


@dataclass
class AlertState:
    """One alert as its node keeps it. `held` says why it was silent from its beginning."""

    key: str
    kind: AlertKind
    severity: Severity
    title: str
    body: str
    raised: Moment
    n: int = 0
    session: SessionId = NO_SESSION
    ask: Optional[AskId] = None
    ask_kind: Optional[AskKind] = None
    held: str = ""
    is_open: bool = True
    snooze: Optional[Span] = None
    offered: Optional[Moment] = None  # since when it is no longer silent, where it was
    tries: Dict[str, Try] = field(default_factory=dict)

    def may_be_looked_at(self, now: Moment) -> bool:
        """Whether a terminal that shows its session is a reason for silence: not for what a walk away would strand."""
        if self.kind is AlertKind.MANUAL or self.severity is Severity.HIGH:
            return False
        return self.ask is None or self.raised.age_at(now) < LEFT_AFTER

    def claim(self, channel: str, sender: str, token: int, now: Moment) -> AlertClaim:
        """Give the right to send through `channel` to `sender`, or say why not."""
        last = self.tries.get(channel)
        if last is not None:
            wait = self._wait(last, now)
            if last.state == CLAIMED and last.sender == sender and wait:
                return AlertClaim(last.token, wait)  # its first reply was lost
            if wait is None or wait > 0:
                return AlertClaim(0, wait or 0.0, self._why_not(last))
        tries, failures = (last.tries + 1, last.failures) if last is not None else (1, 0)
        self.tries[channel] = Try(sender, CLAIMED, token, now, tries, failures=failures)
        return AlertClaim(token, CLAIM_SECONDS)

    def report(self, channel: str, token: int, is_sent: bool, detail: str, now: Moment) -> bool:
        """Take the result of a claim; False when the claim is somebody else's by now."""
        last = self.tries.get(channel)
        if last is None or last.token != token:
            return False
        last.state, last.detail, last.at = SENT if is_sent else FAILED, detail, now
        last.failures += not is_sent
        return True

    def due(self, channel: str, now: Moment, delay: float = 0.0) -> Optional[float]:
        """Seconds until the node sends it through `channel` itself; None for never. Others may claim after `delay`."""
        last = self.tries.get(channel)
        if last is not None:
            return self._wait(last, now)
        return max(0.0, delay + CLAIM_SECONDS - (self.offered or self.raised).age_at(now))

    def _wait(self, last: Try, now: Moment) -> Optional[float]:
        """Seconds until the channel may be claimed again by anybody; None for never."""
        age = last.at.age_at(now)
        if last.state == CLAIMED:
            return max(0.0, CLAIM_SECONDS - age)
        if last.state == SENT or self._is_given_up(last):
            return None
        doublings = min(last.failures, MOST_TRIES) - 1
        return max(0.0, min(_FIRST_WAIT * 2.0**doublings, _LONGEST_WAIT) - age)

    def _is_given_up(self, last: Try) -> bool:
        return self.ask is None and last.failures >= MOST_TRIES

    def _why_not(self, last: Try) -> str:
        if last.state == SENT:
            return f"{last.sender} has sent it"
        if last.state == CLAIMED:
            return f"{last.sender} is sending it"
        return f"it failed {last.failures} times; {'given up' if self._is_given_up(last) else 'tried again later'}"

    def info(self, now: Moment, silenced: str) -> Alert:
        """The alert as clients see it."""
        return Alert(
            key=self.key,
            kind=self.kind,
            severity=self.severity,
            title=self.title,
            body=self.body,
            age=self.raised.age_at(now),
            n=self.n,
            session=self.session,
            ask=self.ask,
            ask_kind=self.ask_kind,
            is_open=self.is_open,
            silenced=silenced,
            deliveries=tuple(
                Delivery(channel, last.sender, last.state, last.at.age_at(now), last.detail, last.tries)
                for channel, last in sorted(self.tries.items())
            ),
        )

    def to_json(self) -> Dict[str, Any]:
        """What is stored of it, but for its number and whether it is open."""
        return {
            "key": self.key,
            "kind": self.kind.value,
            "severity": self.severity.value,
            "title": self.title,
            "body": self.body,
            "raised": self.raised,
            "session": self.session,
            "ask": self.ask,
            "ask_kind": self.ask_kind.value if self.ask_kind else None,
            "held": self.held,
            "snooze": self.snooze,
            "offered": self.offered,
            "tries": {channel: vars(last) for channel, last in self.tries.items()},
        }


def alert_from_json(fields: Dict[str, Any], n: int, is_open: bool) -> AlertState:
    tries = {channel: Try(**{**last, "at": Moment(*last["at"])}) for channel, last in fields["tries"].items()}
    return AlertState(
        key=fields["key"],
        kind=AlertKind(fields["kind"]),
        severity=Severity(fields["severity"]),
        title=fields["title"],
        body=fields["body"],
        raised=Moment(*fields["raised"]),
        n=n,
        session=SessionId(fields["session"]),
        ask=AskId(fields["ask"]) if fields["ask"] else None,
        ask_kind=AskKind(fields["ask_kind"]) if fields["ask_kind"] else None,
        held=fields["held"],
        is_open=is_open,
        snooze=Span.load(fields["snooze"]),
        offered=Moment(*fields["offered"]) if fields["offered"] else None,
        tries=tries,
    )
