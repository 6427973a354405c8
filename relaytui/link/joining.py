"""Makes machines nodes and replaces their agents, for whoever asks: the command line or the console.

Owns the order of the steps. It must not know how they are shown or the operator is asked: that is the `Attendant`'s.
For a form: `node_at("ann@box.lan")` gives the node, `await add_node(node, attendant)` makes it one and writes it down.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import node_agent
from node_agent.bundle import BundleError
from node_agent.protocol.hello import HelloReply
from node_agent.terminal.sanitise import sanitise
from relaytui.config import LOCAL, ConfigError, NodeConfig, Transport, load_config, save_config
from relaytui.link.bootstrap import Arrival, Tell, bootstrap
from relaytui.link.client import NodeClient
from relaytui.link.connect import open_node
from relaytui.link.errors import AgentFailed, AgentMissing, AgentTooNew, HostKeyUnknown, InstallFailed
from relaytui.link.prompts import Desk, Prompter
from relaytui.link.versions import is_newer, is_ours_to_replace

T = TypeVar("T")


@dataclass(frozen=True)
class Attendant:
    """Who adds or upgrades a node. `operator` is recorded as the one who acts.

    `tell` hears each step in words, with its share (0 to 1) where it takes a while; `prompter` answers what ssh asks;
    `may_trust` says whether an unknown host key, known by its `fingerprint`, is put on record. None: nobody is there.
    """

    operator: str
    tell: Tell
    prompter: Prompter | None = None
    may_trust: Callable[[HostKeyUnknown], Awaitable[bool]] | None = None


def node_at(host: str, name: str = "", **fields: Any) -> NodeConfig:
    """The node at `[user@]host` as ssh knows it, called `name` or else by the host. Raises ConfigError.

    The host's name is its first label, or the whole of an address, an IPv6 one with "-" for what no name may hold.
    """
    user, _, host = host.strip().rpartition("@")
    address = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if _is_address(address):
        host = address
        whole = re.sub("[^0-9A-Za-z.]", "-", address)
        alias = name or (f"0{whole}" if whole.startswith("-") else whole)  # "::1" is "0::1"
    else:
        alias = name or host.partition(".")[0]
    if alias == LOCAL:
        raise ConfigError(f"{LOCAL!r} is this machine; give the node another name")
    return NodeConfig(alias, host=host, user=user, **fields)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_free(alias: str) -> None:
    """Raises ConfigError where there is a node of that name."""
    if any(known.alias == alias for known in load_config().nodes):
        raise ConfigError(f"there is a node {alias!r} already; give another name or remove it first")


def write_down(node: NodeConfig) -> None:
    """Add the node to the config file. Raises ConfigError."""
    config = load_config()
    save_config(dataclasses.replace(config, nodes=(*config.nodes, node)))


async def add_node(node: NodeConfig, by: Attendant, *, boot: bool = False) -> HelloReply:
    """Have an agent run on the machine, pushed where it is missing, and write the node down.

    With `boot` it is started with the machine from then on. Raises a LinkError or ConfigError, whose text says what to
    do; nothing is written down then.
    """
    check_free(node.alias)
    hello = await trusting(lambda: _arrive(node, by, ["--boot"] if boot else []), by)
    check_free(node.alias)
    write_down(node)
    return hello


async def upgrade_node(node: NodeConfig, by: Attendant, *, keeper: bool = False, boot: bool = False) -> HelloReply:
    """Put this release's agent in the place of the one there, under its sessions.

    With `keeper` the keeper's program is replaced in place too, with `boot` the agent starts with the machine. Raises a
    LinkError, AgentTooNew where the agent there is of a newer release, or ConfigError where it is not ours to replace.
    """
    if not is_ours_to_replace(node):
        where = node.socket or node.agent
        raise ConfigError(f"{node.alias}: its agent is {where}, which is not relaytui's to replace; upgrade it there")
    options = ["--replace", *(["--replace-keeper"] if keeper else []), *(["--boot"] if boot else [])]
    if node.transport is not Transport.UNIX:
        return await trusting(lambda: _arrive(node, by, options, is_upgrade=True), by)
    from relaytui.link.unix import start_agent

    report = (await start_agent(node, *options)).data
    _check_replaced(node, report)
    _tell_boot(report, by.tell)
    return await _arrive(node, by)


async def trusting(attempt: Callable[[], Awaitable[T]], by: Attendant) -> T:
    """Run `attempt`; where a host's key is unknown, once more after the operator has said yes to it.

    There is one such host a hop; the same one again means that its record is not read, and that no yes helps.
    """
    asked = set()
    while True:
        try:
            return await attempt()
        except HostKeyUnknown as question:
            if str(question) in asked or by.may_trust is None or not await by.may_trust(question):
                raise
            asked.add(str(question))
            from relaytui.link.hostkeys import accept

            await asyncio.to_thread(accept, question)
            by.tell(f"put the host key on record in {question.known_hosts}", None)


async def _arrive(
    node: NodeConfig, by: Attendant, options: Sequence[str] = (), *, is_upgrade: bool = False
) -> HelloReply:
    """Have an agent run on the node, pushed where that is ours to do, and say what it is.

    `options` are those of `node-agent probe` where it is pushed. With `is_upgrade` a newer one there is an error.
    """
    if node.transport is Transport.UNIX or node.agent:
        try:
            async with open_node(node, operator=by.operator, prompter=by.prompter) as client:
                return _introduce(client, by.tell)
        except AgentMissing as error:
            command = node.agent or "node-agent"
            raise AgentMissing(
                f"{node.alias}: there is no {command!r} there; install it, or name none to have one pushed"
            ) from error
    try:
        arrival = await bootstrap(node, Desk(node.alias, by.prompter), by.tell, options)
    except BundleError as error:
        raise InstallFailed(f"{node.alias}: {error}") from error
    if is_upgrade:
        try:
            _check_replaced(node, arrival.report)
        except AgentTooNew:
            await arrival.stream.close()
            raise
    client = await NodeClient.connect(arrival.stream, node=node.alias, client="cli", operator=by.operator, watch=False)
    try:
        _remark(node, arrival, client, by.tell)
        return _introduce(client, by.tell)
    finally:
        await client.close()


def _check_replaced(node: NodeConfig, report: Mapping[str, Any]) -> None:
    """Raises AgentTooNew where the agent's report says that a newer one was left in its place."""
    if newer := report.get("newer"):
        there, here = sanitise(str(newer), 40), sanitise(str(report.get("version")), 40)
        raise AgentTooNew(f"{node.alias}: its agent {there} is newer than this relaytui {here}; upgrade relaytui here")


def _remark(node: NodeConfig, arrival: Arrival, client: NodeClient, tell: Tell) -> None:
    """Say what will one day matter."""
    if arrival.found.get("noexec"):
        tell("programs cannot run from its home (noexec); inside sessions use `sh $RELAY_AGENT`", None)
    _tell_boot(arrival.report, tell)
    running = client.node.agent.version
    if is_newer(running):
        tell(f"its agent {running} is newer than this relaytui {node_agent.__version__}; upgrade relaytui here", None)
    elif running != node_agent.__version__:
        tell(f"agent {running} was running already; `relaytui node upgrade {node.alias}` replaces it", None)


def _tell_boot(report: Mapping[str, Any], tell: Tell) -> None:
    if "boot" in report:
        tell(f"its start with the machine: {sanitise(str(report['boot']), 300)}", None)


def _introduce(client: NodeClient, tell: Tell) -> HelloReply:
    if client.hello is None:
        raise AgentFailed(f"{client.name}: its agent did not introduce itself; try again")
    info, sessions = client.hello.node, len(client.hello.sessions)
    tell(f"agent {info.agent.version} serves {info.user} on {info.host}, {sessions} sessions", None)
    return client.hello
