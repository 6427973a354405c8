"""The nodes' copies of the channels marked `on_node`: what a node sends through when no hub or console does.

A copy is known by a version made from what was copied, because a node never shows a channel's settings again. Copies of
other names are left alone: they may be another operator's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from node_agent.protocol.codec import to_wire
from node_agent.protocol.settings import GetSettings, NodeChannel, NodeSettings
from relaytui.config.models import ChannelConfig
from relaytui.notify.switches import Ask, change_settings


def copies_of(channels: Iterable[ChannelConfig]) -> tuple[NodeChannel, ...]:
    """What nodes are to have of the config's channels."""
    return tuple(_copy_of(channel) for channel in channels if channel.on_node)


def _copy_of(channel: ChannelConfig) -> NodeChannel:
    copy = NodeChannel(
        channel.name,
        channel.kind.value,
        dict(channel.settings),
        kinds=channel.kinds,
        severity=channel.severity,
        delay=channel.delay,
    )
    content = json.dumps(to_wire(copy), sort_keys=True)
    return replace(copy, version=hashlib.sha256(content.encode()).hexdigest()[:16])


async def bring_up_to_date(ask: Ask, wanted: tuple[NodeChannel, ...]) -> bool:
    """Give the node the copies it lacks or has of another version; whether there were any.

    Raises RequestError or a LinkError.
    """
    settings: NodeSettings = await ask(GetSettings())
    if {(copy.name, copy.version) for copy in wanted} <= {(copy.name, copy.version) for copy in settings.channels}:
        return False
    names = {copy.name for copy in wanted}

    def change(settings: NodeSettings) -> NodeSettings:
        others = tuple(copy for copy in settings.channels if copy.name not in names)
        return replace(settings, channels=(*others, *wanted))

    await change_settings(ask, change)
    return True
