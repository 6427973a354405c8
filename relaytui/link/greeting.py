"""The first line each way: is there an agent, and is there a protocol version both speak?"""

from __future__ import annotations

from node_agent.protocol.errors import RemoteProtocolError
from node_agent.protocol.version import PreambleReader, Versions, agree, preamble
from relaytui.link.duplex import Duplex
from relaytui.link.errors import AgentTooNew, AgentTooOld, AgentUnreachable, LinkLost, ProtocolBroken

_READ_SIZE = 64 * 1024


async def greet(duplex: Duplex, node: str) -> tuple[int, bytes]:
    """Exchange preambles; the version agreed on and what came after the node's line. Raises a LinkError."""
    search = PreambleReader()
    ours = Versions()
    theirs = None
    while theirs is None:
        try:
            data = await duplex.reader.read(_READ_SIZE)
            theirs = search.feed(data)
        except RemoteProtocolError as error:
            raise ProtocolBroken(f"{node}: {error}; check the node's agent command and login files") from error
        except OSError as error:
            raise LinkLost(f"{node}: the link broke: {error}") from error
        if not data:
            raise AgentUnreachable(f"{node}: the connection ended before its agent spoke; try again")
    version = agree(ours, theirs)
    if version is None:
        if theirs.highest < ours.lowest:
            raise AgentTooOld(
                f"{node}: its agent speaks version {theirs.highest}, too old; `relaytui node upgrade {node}`"
            )
        raise AgentTooNew(f"{node}: its agent speaks version {theirs.lowest}, too new; upgrade relaytui here")
    try:
        duplex.writer.write(preamble(ours))
        await duplex.writer.drain()
    except OSError as error:
        raise LinkLost(f"{node}: the link broke: {error}") from error
    return version, search.rest
