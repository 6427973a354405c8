"""What the config file says, as frozen dataclasses. Knows nothing of files or TOML."""

from __future__ import annotations

import enum
import getpass
import posixpath
import re
import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from node_agent.protocol.colors import Colors, parse_color
from node_agent.protocol.states import AlertKind, Restart, Severity
from relaytui.hub.policy import Rule

LOCAL = "local"
"""The operator's own machine: a node that exists without being configured."""

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ConfigError(Exception):
    """The config cannot be used. The message is one line: what is wrong, where, what to do."""

    exit_code = 10


class Transport(enum.StrEnum):
    """How a node's agent is reached."""

    ASYNCSSH = "asyncssh"
    OPENSSH = "openssh"  # the system's ssh program on a terminal of its own
    UNIX = "unix"  # an agent of this machine


class Resolver(enum.StrEnum):
    """Who turns a node's host into an address."""

    SSH = "ssh"  # ssh and the system, as for any host
    TAILSCALE = "tailscale"
    COMMAND = "command"


class Upgrade(enum.StrEnum):
    """What is done about a node whose agent is older than this program."""

    NEVER = "never"
    ASK = "ask"  # say so, with the command that replaces it
    AUTO = "auto"  # replace it when a link comes up


class Order(enum.StrEnum):
    """How tiles are ordered."""

    NODE = "node"
    ATTENTION = "attention"
    STARTED = "started"


class Clipboard(enum.StrEnum):
    """What becomes of a session's wish to write the operator's clipboard (OSC 52)."""

    DENY = "deny"
    ASK = "ask"
    ALLOW = "allow"


@dataclass(frozen=True)
class NodeConfig:
    """One node as the operator named it.

    With transport `unix`, `socket` is the agent's socket; without it the agent of `state` on this machine is meant,
    which is started on demand. `options` are ssh options (`{"ProxyJump": "bastion"}`) laid over the operator's own
    SSH config.
    """

    alias: str
    host: str = ""
    transport: Transport = Transport.ASYNCSSH
    socket: str = ""
    user: str = ""
    port: int = 0
    identity: str = ""
    ssh_config: str = ""  # an SSH config file in place of the operator's own
    options: dict[str, str] = field(default_factory=dict)
    agent: str = ""  # the agent command on the node; "" looks for `node-agent`
    state: str = ""  # the agent's state directory; "" its default
    resolver: Resolver = Resolver.SSH
    resolver_command: str = ""  # prints the address of the host, which is added as its last word
    upgrade: Upgrade = Upgrade.ASK
    python: str = ""  # the Python there that runs a pushed agent; "" looks for one
    tags: tuple[str, ...] = ()
    slots: int = 0  # jobs it runs at once; 0 is the default number

    def __post_init__(self) -> None:
        where = f"node {self.alias!r}"
        if not _ALIAS.fullmatch(self.alias):
            raise ConfigError(f"{where}: an alias is letters, digits, '.', '_' and '-', at most 64; choose another")
        for name, command in (("agent", self.agent), ("resolver_command", self.resolver_command)):
            if command and not _words_of(command, f"{where}: {name}"):
                raise ConfigError(f"{where}: {name} is blank; name a command or remove it")
        if self.transport is Transport.UNIX:
            if self.host:
                raise ConfigError(f"{where}: host and transport 'unix' exclude each other; remove one")
        elif not self.host:
            raise ConfigError(f'{where}: no host; add host = "name" as ssh knows it')
        elif self.host.startswith("-"):
            raise ConfigError(f"{where}: host {self.host!r} would be read as an option by ssh; correct it")
        elif (self.resolver is Resolver.COMMAND) != bool(self.resolver_command):
            raise ConfigError(f'{where}: resolver = "command" and resolver_command go together; set both or none')
        elif self.socket:
            raise ConfigError(f'{where}: socket needs transport = "unix"; add that or remove socket')


@dataclass(frozen=True)
class UiConfig:
    """How the console looks and behaves."""

    theme: str = "dark"
    prefix: str = ""  # "" until the operator has chosen on the first run; ctrl+] then
    order: Order = Order.NODE
    interval: float = 0.1  # seconds between frames of a tile, at least
    clipboard: Clipboard = Clipboard.DENY
    ascii: bool = False
    bell: bool = True
    foreground: str = ""  # the terminal's colours as #rrggbb, told to programs that ask; "" are a dark terminal's
    background: str = ""
    cursor: str = ""  # "" as the foreground

    @property
    def colors(self) -> Colors | None:
        """What sessions are started with; None where nothing was said."""
        colors = Colors(self.foreground, self.background, self.cursor)
        return None if colors == Colors() else colors

    def __post_init__(self) -> None:
        for name in ("foreground", "background", "cursor"):
            color: str = getattr(self, name)
            if color and parse_color(color) is None:
                raise ConfigError(f"ui.{name}: {color!r} is no colour; write it as #rrggbb, such as '#fafafa'")
        if not 0.02 <= self.interval <= 10:
            raise ConfigError("ui.interval: must lie between 0.02 and 10 seconds; correct it")


@dataclass(frozen=True)
class JobsConfig:
    """Where jobs are queued, and when one is given up."""

    queue: str = ""  # a PostgreSQL URL; "" is a file of the hub's own
    lost_after: float = 600.0  # seconds a node may be silent before its jobs count as lost

    def __post_init__(self) -> None:
        if self.queue and not self.queue.startswith(("postgresql://", "postgres://")):
            raise ConfigError("jobs.queue: must be a postgresql:// URL; correct it or remove it")
        if self.lost_after <= 0:
            raise ConfigError("jobs.lost_after: must be more than 0 seconds; correct it")


class ChannelKind(enum.StrEnum):
    """How an alert reaches the operator."""

    BELL = "bell"
    OSC9 = "osc9"  # a terminal's own notifications: iTerm2, Windows Terminal
    OSC777 = "osc777"  # urxvt, foot, WezTerm
    OSC99 = "osc99"  # kitty
    DESKTOP = "desktop"
    COMMAND = "command"
    WEBHOOK = "webhook"
    NTFY = "ntfy"
    APPRISE = "apprise"


_NODE_KINDS = (ChannelKind.COMMAND, ChannelKind.WEBHOOK, ChannelKind.NTFY)


@dataclass(frozen=True)
class ChannelConfig:
    """One channel. With `on_node` the nodes know it too and send through it when neither console nor hub does.

    `settings` are `url` (webhook, ntfy, apprise), `token` (webhook, ntfy), `command` (command, split into words).
    """

    name: str
    kind: ChannelKind
    settings: dict[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()  # of alerts; all where empty
    severity: Severity = Severity.LOW  # and above
    delay: float = 0.0  # seconds an alert must be open before it is told
    on_node: bool = False

    def __post_init__(self) -> None:
        where = f"channels.{self.name}"
        if not _ALIAS.fullmatch(self.name):
            raise ConfigError(f"{where}: a name is letters, digits, '.', '_' and '-', at most 64; choose another")
        known = [kind.value for kind in AlertKind]
        if unknown := [kind for kind in self.kinds if kind not in known]:
            raise ConfigError(f"{where}.kinds: {unknown[0]!r} is not one of {', '.join(known)}; correct it")
        if self.delay < 0:
            raise ConfigError(f"{where}.delay: must not be negative; correct it")
        if self.on_node and self.kind not in _NODE_KINDS:
            raise ConfigError(f"{where}: a node sends through command, webhook and ntfy alone; remove on_node")
        self._check_settings(where)

    def _check_settings(self, where: str) -> None:
        url = self.settings.get("url", "")
        if self.kind in (ChannelKind.WEBHOOK, ChannelKind.NTFY) and not url.startswith(("http://", "https://")):
            raise ConfigError(f'{where}: needs settings = {{url = "https://…"}}; add it')
        if self.kind is ChannelKind.APPRISE and not url:
            raise ConfigError(f"{where}: needs settings = {{url = …}} as apprise writes it; add it")
        if self.kind is ChannelKind.COMMAND and not _words_of(
            self.settings.get("command", ""), f"{where}: its command"
        ):
            raise ConfigError(f"{where}: needs settings = {{command = …}}; add it")


@dataclass(frozen=True)
class RestartRule:
    """What becomes of sessions when they are lost, where `start` does not say. Patterns are shell globs; "" is any.

    `program` is the name of the command's first word, `command` all of it, `tag` one of the session's tags.
    """

    name: str
    restart: Restart
    program: str = ""
    command: str = ""
    node: str = ""
    tag: str = ""

    def fits(self, node: str, command: Sequence[str], tags: Sequence[str]) -> bool:
        """Whether the rule is about a session that is started so."""
        values = (
            (self.program, [posixpath.basename(word) for word in command[:1]]),
            (self.command, [shlex.join(command)]),
            (self.node, [node]),
            (self.tag, tags),
        )
        return all(not glob or any(fnmatchcase(value, glob) for value in given) for glob, given in values)


def _words_of(command: str, what: str) -> list[str]:
    """The words of a command line, none where it names no program; raises ConfigError about `what`."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"{what} cannot be split into words ({error}); correct it") from error
    return words if words and words[0] else []


def default_operator() -> str:
    """`user@host` of whoever runs the console."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@dataclass(frozen=True)
class Config:
    """The whole config file. `nodes` always holds `local`, in its place if configured, else first."""

    nodes: tuple[NodeConfig, ...] = ()
    ui: UiConfig = field(default_factory=UiConfig)
    channels: tuple[ChannelConfig, ...] = ()
    rules: tuple[Rule, ...] = ()
    restarts: tuple[RestartRule, ...] = ()
    jobs: JobsConfig = field(default_factory=JobsConfig)
    operator: str = field(default_factory=default_operator)

    def __post_init__(self) -> None:
        if all(node.alias != LOCAL for node in self.nodes):
            local = NodeConfig(LOCAL, transport=Transport.UNIX)
            object.__setattr__(self, "nodes", (local, *self.nodes))

    def node(self, alias: str) -> NodeConfig:
        """The node of that alias; raises ConfigError naming what there is."""
        for node in self.nodes:
            if node.alias == alias:
                return node
        names = ", ".join(node.alias for node in self.nodes)
        raise ConfigError(f"no node {alias!r}; there is {names}; `relaytui node add` adds one")

    def restart_for(self, node: str, command: Sequence[str], tags: Sequence[str]) -> Restart:
        """What becomes of a session that is started so when it is lost: the first rule that fits says it."""
        return next((rule.restart for rule in self.restarts if rule.fits(node, command, tags)), Restart.NEVER)
