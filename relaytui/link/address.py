"""Where a host is at this moment, for hosts whose address neither DNS nor the SSH config knows.

The last address that was found is kept: a resolver that is down (tailscale's daemon, an inventory's API) is no reason
not to try where the machine was last.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import re
import shlex
from pathlib import Path

from node_agent.terminal.sanitise import sanitise
from relaytui.config import NodeConfig, Resolver, cache_dir, write_atomically
from relaytui.link.errors import UnknownHost
from relaytui.link.program import run_program

_LIMIT = 5.0
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


async def address_options(node: NodeConfig) -> list[str]:
    """Options of the ssh program that send it to the address the node's resolver gives; raises UnknownHost."""
    if node.resolver is Resolver.SSH:
        return []
    kept = cache_dir() / "addresses" / hashlib.sha256(f"{node.alias} {node.host}".encode()).hexdigest()[:24]
    try:
        address = await _ask(node)
    except UnknownHost:
        remembered = await asyncio.to_thread(_load, kept)
        if not remembered:
            raise
        address = remembered
    else:
        await asyncio.to_thread(_store, kept, address)
    return ["-o", f"HostName={address}", "-o", f"HostKeyAlias={node.host}"]


async def _ask(node: NodeConfig) -> str:
    if node.resolver is Resolver.COMMAND:
        return _checked(node, await _run(node, *shlex.split(node.resolver_command), node.host))
    return _from_status(node, await _run(node, "tailscale", "status", "--json")) or _checked(
        node, await _run(node, "tailscale", "ip", "-4", node.host)
    )


def _from_status(node: NodeConfig, text: str) -> str:
    """The IPv4 address of the machine of that name in `tailscale status --json`; "" where it is not there."""
    try:
        status = json.loads(text)
        peers = [*(status.get("Peer") or {}).values(), status.get("Self") or {}]
        wanted = node.host.lower()
        for peer in peers:
            name = str(peer.get("DNSName", "")).rstrip(".").lower()
            if wanted in (str(peer.get("HostName", "")).lower(), name, name.partition(".")[0]):
                addresses = [ipaddress.ip_address(item) for item in peer.get("TailscaleIPs") or ()]
                return next((str(item) for item in addresses if item.version == 4), "")
    except (ValueError, AttributeError, TypeError):
        pass  # another version of tailscale may say it otherwise: the address is asked for by name next
    return ""


def _checked(node: NodeConfig, text: str) -> str:
    """The first line, which must be an address or a name: it becomes an argument of ssh."""
    first = next(iter(text.split()), "")
    try:
        return str(ipaddress.ip_address(first))
    except ValueError:
        pass
    if _NAME.fullmatch(first):
        return first
    said = f"says {sanitise(first, 60)!r}" if first else "says nothing"
    raise UnknownHost(f"{node.alias}: its resolver {said} of {node.host}; it must print an address")


async def _run(node: NodeConfig, *command: str) -> str:
    """What a resolver prints; raises UnknownHost with its reason."""
    try:
        printed = await run_program(*command, limit=_LIMIT)
    except TimeoutError:
        raise UnknownHost(f"{node.alias}: {command[0]} gives no address within {_LIMIT:g} s; try it") from None
    except OSError as error:
        raise UnknownHost(f"{node.alias}: no resolver {command[0]}: {error.strerror}; install or correct it") from error
    if printed.status:
        raise UnknownHost(f"{node.alias}: {command[0]} knows no {node.host}: {printed.complaint}; check the name")
    return printed.output


def _load(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _store(path: Path, address: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, address.encode())
    except OSError:
        pass  # then it is not remembered
