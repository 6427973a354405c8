"""The node's settings: mutes, channel switches, quiet hours. They live here, versioned, set by compare-and-set."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any, Callable, Dict, Optional, Tuple

from node_agent.core.event_log import NewEvent
from node_agent.core.session import Session
from node_agent.core.silence import is_muted, parse_quiet
from node_agent.io import records
from node_agent.io.agent import Agent
from node_agent.io.channels import check_channel
from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.notices import SettingsChanged
from node_agent.protocol.settings import MuteScope, NodeChannel, NodeSettings
from node_agent.protocol.states import EventKind

MOST_ENTRIES = 1000


class Settings:
    """What the operator set on this node, by whichever console. `on_change` is called after each change."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._current = NodeSettings()
        self.on_change: Callable[[], None] = lambda: None

    async def restore(self) -> None:
        self._current = await self._agent.write(_load)

    @property
    def current(self) -> NodeSettings:
        """With the channels' secrets: for the node alone."""
        return self._current

    def apply(self, session: Session) -> bool:
        """Mark what is muted of a session; whether that is new."""
        mutes = self._current.mutes
        muted = is_muted(self._current, session.id, None)
        kinds = frozenset(mute.value for mute in mutes if mute.scope is MuteScope.KIND)
        is_new = (muted, kinds) != (session.muted, session.muted_kinds)
        session.muted, session.muted_kinds = muted, kinds
        return is_new

    def public(self) -> NodeSettings:
        """As clients see them."""
        channels = tuple(replace(channel, settings={}) for channel in self._current.channels)
        return replace(self._current, channels=channels)

    async def set(self, wanted: NodeSettings, operator: str) -> NodeSettings:
        """Replace the settings of version `wanted.version`. Raises RequestError and StoreError."""
        _check(wanted)
        new = replace(
            wanted, version=wanted.version + 1, channels=_with_known_secrets(wanted.channels, self._current.channels)
        )
        for channel in new.channels:
            check_channel(channel)
        event = NewEvent(
            f"settings {new.version}",
            EventKind.SETTINGS_CHANGED,
            self._agent.clock.now(),
            data={"operator": operator, "version": new.version},
        )
        await self._agent.record([event], lambda connection: _save(connection, new))
        if new.version > self._current.version:
            self._current = new
            self.on_change()
            self._agent.announce("settings", SettingsChanged(self.public()))
        return self.public()


def _check(wanted: NodeSettings) -> None:
    if max(len(wanted.mutes), len(wanted.disabled), len(wanted.channels)) > MOST_ENTRIES:
        raise RequestError(ErrorCode.BAD_REQUEST, f"at most {MOST_ENTRIES} mutes, switches and channels")
    try:
        parse_quiet(wanted.quiet)
    except ValueError as error:
        raise RequestError(ErrorCode.BAD_REQUEST, str(error)) from error


def _with_known_secrets(wanted: Tuple[NodeChannel, ...], known: Tuple[NodeChannel, ...]) -> Tuple[NodeChannel, ...]:
    """Clients never see a channel's settings, so one that comes back without them keeps those it has."""
    secrets: Dict[Tuple[str, str], NodeChannel] = {(channel.name, channel.kind): channel for channel in known}
    return tuple(
        channel if channel.settings else secrets.get((channel.name, channel.kind), channel) for channel in wanted
    )


def _load(connection: sqlite3.Connection) -> NodeSettings:
    row: Optional[Tuple[Any, ...]] = connection.execute("SELECT body FROM settings").fetchone()
    return from_wire(NodeSettings, json.loads(row[0])) if row else NodeSettings()


def _save(connection: sqlite3.Connection, new: NodeSettings) -> None:
    """Compare and set in one transaction; raises RequestError when another change came first."""
    current = _load(connection)
    if current.version != new.version - 1:
        raise RequestError(
            ErrorCode.STALE_VERSION,
            f"the settings were changed meanwhile: they are at version {current.version}, not {new.version - 1}",
        )
    connection.execute(
        "INSERT OR REPLACE INTO settings VALUES (1, ?, ?)", (new.version, records.dump_json(to_wire(new)))
    )
