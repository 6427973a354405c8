"""Identities. A session's id is short, unique in its node and never reused; in the fleet it is `node/id`."""

from __future__ import annotations

from typing import NewType

NodeUuid = NewType("NodeUuid", str)  # the agent's UUID, made once a state directory
StoreId = NewType("StoreId", str)  # one life of a node's event store; cursors are (store, n)
SessionId = NewType("SessionId", str)
AskId = NewType("AskId", str)
JobId = NewType("JobId", str)
StreamId = NewType("StreamId", int)  # chosen by the agent, unique on one connection
RequestId = NewType("RequestId", int)  # chosen by the client, unique on one connection

NO_SESSION = SessionId("")
"""Stands where an ask or event belongs to no session."""
