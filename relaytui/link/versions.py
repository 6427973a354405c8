"""Which agents are older or newer than this program, and which of the older are ours to replace."""

from __future__ import annotations

import node_agent
from node_agent.protocol.version import is_later
from relaytui.config import NodeConfig, Transport, Upgrade


def is_older(version: str) -> bool:
    """Whether an agent of that version is older than this program; false for what is no version."""
    return is_later(node_agent.__version__, version)


def is_newer(version: str) -> bool:
    """Whether an agent of that version is newer than this program; false for what is no version."""
    return is_later(version, node_agent.__version__)


def is_ours_to_replace(node: NodeConfig) -> bool:
    """Whether the node's agent is one that relaytui pushed, or that this installation starts."""
    return not node.socket and not (node.agent and node.transport is not Transport.UNIX)


def is_replaced_unasked(node: NodeConfig) -> bool:
    """Whether an older agent of this node is replaced when a link comes up."""
    return node.upgrade is Upgrade.AUTO and is_ours_to_replace(node)
