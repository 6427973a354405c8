"""From a node's configuration to a connection to its agent."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

from relaytui.config import NodeConfig, Transport
from relaytui.config.paths import hub_socket
from relaytui.link.client import NodeClient
from relaytui.link.duplex import Connector
from relaytui.link.errors import ConnectTimedOut
from relaytui.link.prompts import Desk, Prompter
from relaytui.link.shared import SharedConnector


class Gates:
    """One gate a sshd: several nodes behind one log in one after the other, or its MaxStartups would drop some."""

    def __init__(self) -> None:
        self._locks: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._here: set[tuple[str, int, str]] = set()  # which nodes are at which gate, waiting or past it

    @asynccontextmanager
    async def turn(self, host: str, port: int, node: str, patience: float = 2.0) -> AsyncIterator[None]:
        """Wait for the turn of `node`, for no more than `patience` seconds: one that hangs must not hold up the others.

        A second login of a node goes at once: it is tried because the first may hang, and is itself soon replaced.
        """
        place = (host, port, node)
        if place in self._here:
            yield
            return
        lock = self._locks[host, port]
        with ExitStack() as leaving:
            self._here.add(place)
            leaving.callback(self._here.discard, place)
            try:
                async with asyncio.timeout(patience):
                    await lock.acquire()
                leaving.callback(lock.release)
            except TimeoutError:
                pass  # go all the same
            yield


def connector_for(node: NodeConfig, desk: Desk, gates: Gates) -> Connector:
    """What opens connections to `node`. Imports SSH only where it is needed: it takes a quarter of a second."""
    match node.transport:
        case Transport.UNIX:
            from relaytui.link.unix import UnixConnector

            return UnixConnector(node)
        case Transport.ASYNCSSH:
            from relaytui.link.ssh import SshConnector

            return SshConnector(node, desk, gates)
        case Transport.OPENSSH:
            from relaytui.link.openssh import OpenSshConnector

            return OpenSshConnector(node, desk)


def shared_connector_for(node: NodeConfig, desk: Desk, gates: Gates) -> Connector:
    """The same through this machine's hub, where one runs. For all but the hub itself."""
    return SharedConnector(node, partial(connector_for, node, desk, gates), hub_socket())


@asynccontextmanager
async def open_node(
    node: NodeConfig,
    *,
    client: str = "cli",
    operator: str,
    prompter: Prompter | None = None,
    watch: bool = False,
    timeout: float | None = None,
) -> AsyncIterator[NodeClient]:
    """One connection for one command, closed at the end. Raises a LinkError; `timeout` seconds bound the connecting."""
    desk = Desk(node.alias, prompter)
    connector = shared_connector_for(node, desk, Gates())
    try:
        async with asyncio.timeout(timeout):
            link = await NodeClient.connect(
                await connector.open(), node=node.alias, client=client, operator=operator, watch=watch
            )
    except TimeoutError:
        raise ConnectTimedOut(f"{node.alias}: no answer within {timeout:g} s; check that it is up") from None
    try:
        yield link
    finally:
        await link.close()
