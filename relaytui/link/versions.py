"""Which agents are older than this program, and which of those are ours to replace."""

from __future__ import annotations

import node_agent
from relaytui.config import NodeConfig, Transport, Upgrade


def is_older(version: str) -> bool:
    """Whether an agent of that version is older than this program; false for what is no version."""
    theirs = _numbers(version)
    return bool(theirs) and theirs < _numbers(node_agent.__version__)


def is_ours_to_replace(node: NodeConfig) -> bool:
    """Whether the node's agent is one that relaytui pushed, or that this installation starts."""
    return not node.socket and not (node.agent and node.transport is not Transport.UNIX)


def is_replaced_unasked(node: NodeConfig) -> bool:
    """Whether an older agent of this node is replaced when a link comes up."""
    return node.upgrade is Upgrade.AUTO and is_ours_to_replace(node)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
