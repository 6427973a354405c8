"""What the operator's own SSH config says of a host, from the program that defines it.

`ssh -G` evaluates Match, Include, canonical names and all the rest exactly (6 ms); asyncssh's own parser rejects some
valid files whole. Where there is no ssh program that parser is used all the same: it is better than nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass, field

from relaytui.config import NodeConfig
from relaytui.link.address import address_options
from relaytui.link.errors import SshConfigInvalid
from relaytui.link.program import run_program

_TIMEOUT = 10.0


@dataclass(frozen=True)
class SshTarget:
    """A host as ssh would reach it. `settings` holds the rest of `ssh -G`, keys in lower case, lists in order."""

    name: str  # as it was asked for
    hostname: str
    port: int = 22
    user: str = ""
    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_exact: bool = True  # resolved by ssh itself

    def one(self, key: str, default: str = "") -> str:
        """The first value of a setting; `none` counts as unset, as ssh has it."""
        values = self.settings.get(key, ())
        return values[0] if values and values[0].lower() != "none" else default

    def words(self, key: str) -> tuple[str, ...]:
        """A setting's value split at blanks."""
        return tuple(self.one(key).split())

    def is_on(self, key: str, default: bool = True) -> bool:
        value = self.one(key)
        return value.lower() in ("yes", "true") if value else default

    @property
    def record_name(self) -> str:
        """The name the host's key is on record under (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        if alias := self.one("hostkeyalias"):
            return alias
        return self.hostname if self.port == 22 else f"[{self.hostname}]:{self.port}"

    @property
    def known_hosts(self) -> tuple[str, ...]:
        """The known_hosts files, the one that new keys go to first."""
        files = (*self.words("userknownhostsfile"), *self.words("globalknownhostsfile"))
        return tuple(os.path.expanduser(name) for name in files) or (os.path.expanduser("~/.ssh/known_hosts"),)

    def jumps(self) -> list[str]:
        """The hosts to go through, nearest first."""
        return [hop for hop in self.one("proxyjump").split(",") if hop]

    def proxy_command(self) -> str:
        """The command that reaches the host, its tokens expanded; "" for a plain connection (ssh_config(5), TOKENS)."""
        command = self.one("proxycommand")
        for token, value in (("%h", self.hostname), ("%p", str(self.port)), ("%r", self.user), ("%n", self.name)):
            command = command.replace(token, value)
        return command.replace("%%", "%")


def ssh_options(node: NodeConfig) -> list[str]:
    """The node's own settings as options of the ssh program."""
    options = _config_file(node)
    if node.user:
        options += ["-l", node.user]
    if node.port:
        options += ["-p", str(node.port)]
    if node.identity:
        options += ["-i", os.path.expanduser(node.identity)]
    for key, value in node.options.items():
        options += ["-o", f"{key}={value}"]
    return options


def _config_file(node: NodeConfig) -> list[str]:
    return ["-F", os.path.expanduser(node.ssh_config)] if node.ssh_config else []


async def resolve(node: NodeConfig) -> SshTarget:
    """The node's host as the operator's SSH config has it, the node's own settings over it.

    A resolver's address counts over the config's HostName; the host's key stays on record under the host's own name.
    """
    return await _resolve(node.alias, node.host, [*ssh_options(node), *await address_options(node)])


async def resolve_jump(node: NodeConfig, jump: str) -> SshTarget:
    """One hop of a ProxyJump: `[user@]host[:port]` or an ssh URI.

    As with ssh, of the node's settings only the config file applies to it.
    """
    spec = jump.removeprefix("ssh://").rstrip("/")
    user, _, place = spec.rpartition("@")
    host, port = place, ""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    options = [*(["-l", user] if user else []), *(["-p", port] if port else [])]
    return await _resolve(node.alias, host, _config_file(node) + options)


async def _resolve(alias: str, host: str, options: list[str]) -> SshTarget:
    program = shutil.which("ssh")
    if program is None:
        return await asyncio.to_thread(_resolve_by_asyncssh, alias, host, options)
    try:
        printed = await run_program(program, "-G", *options, "--", host, limit=_TIMEOUT)
    except TimeoutError:
        raise SshConfigInvalid(f"{alias}: `ssh -G {host}` hangs; a Match exec in the SSH config does") from None
    if printed.status:
        raise SshConfigInvalid(f"{alias}: ssh refuses its config: {printed.complaint}; correct the file named there")
    return parse_settings(host, printed.output)


def parse_settings(host: str, text: str) -> SshTarget:
    """The target in the output of `ssh -G`."""
    settings: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        settings[key.lower()] = (*settings.get(key.lower(), ()), value)
    return SshTarget(
        host,
        settings.get("hostname", (host,))[0],
        int(settings.get("port", ("22",))[0]),
        settings.get("user", ("",))[0],
        settings,
    )


def _resolve_by_asyncssh(alias: str, host: str, options: list[str]) -> SshTarget:
    from relaytui.link.sshlib import asyncssh  # takes long to import

    pairs = dict(zip(options[::2], options[1::2], strict=True))
    try:
        found = asyncssh.SSHClientConnectionOptions(
            host=host,
            port=int(pairs["-p"]) if "-p" in pairs else (),
            username=pairs.get("-l", ()),
            client_keys=None,
            config=[pairs["-F"]] if "-F" in pairs else (),
        )
    except (asyncssh.ConfigParseError, ValueError) as error:
        raise SshConfigInvalid(f"{alias}: the SSH config cannot be read without ssh: {error}; install ssh") from error
    settings: dict[str, tuple[str, ...]] = {"identityfile": (pairs["-i"],)} if "-i" in pairs else {}
    return SshTarget(host, found.host, found.port, found.username, settings, is_exact=False)
