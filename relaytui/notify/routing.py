"""When an alert is to be sent through a channel, as a function of what its node says of it. Sans-IO."""

from __future__ import annotations

from node_agent.protocol.delivery import is_wanted
from node_agent.protocol.entities import Alert, Delivery
from relaytui.config.models import ChannelConfig

CLAIM_SECONDS = 15.0
"""How long a claim of somebody else is waited for, as the node counts it."""


def wait(channel: ChannelConfig, alert: Alert, elapsed: float) -> float | None:
    """Seconds until the alert may be claimed for the channel; None for not as things stand.

    `elapsed` is how long ago the node described the alert. A failed try is left to the node to space: claiming tells.
    """
    if not alert.is_open or alert.silenced:
        return None
    if not is_wanted(channel.kinds, channel.severity, alert.kind, alert.severity):
        return None
    delivery = _delivery(alert, channel.name)
    if delivery is not None and delivery.state == "sent":
        return None
    if delivery is not None and delivery.state == "claimed":
        return max(0.0, CLAIM_SECONDS - delivery.age - elapsed)
    return max(0.0, channel.delay - alert.age - elapsed)


def _delivery(alert: Alert, channel: str) -> Delivery | None:
    return next((each for each in alert.deliveries if each.channel == channel), None)
