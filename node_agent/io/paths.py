"""Where a node keeps its state and its sockets: the one place that knows.

State lives in `<state>/<machine-id>/`, because home directories are shared between machines over NFS, and sockets in a
runtime directory whose name is short, because a socket's path may have 107 bytes. It must not know what the files hold.

| variable | moves |
|---|---|
| `RELAY_STATE_DIR` | `<state>`, else `$XDG_STATE_HOME/relaytui`, else `~/.local/state/relaytui` |
| `RELAY_RUNTIME_DIR` | the directory of all sockets, else `$XDG_RUNTIME_DIR/relaytui`, else one in the temp directory |
| `RELAY_RULES_DIR` | the user's rule files, else `$XDG_CONFIG_HOME/relaytui/rules`, else `~/.config/relaytui/rules` |
| `RELAY_DEPLOYS` | the owner's list of deploys, else `deploy.toml` in that configuration directory |
| `RELAY_MOUNTINFO` | the table of mounted file systems, else `/proc/self/mountinfo` |
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import tempfile
from pathlib import Path
from typing import Mapping, NamedTuple, Optional

MAX_SOCKET_PATH = 107
"""Bytes of a unix socket's path on Linux (`sun_path` less its NUL)."""

_NETWORK_TYPES = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "9p",
        "ceph",
        "lustre",
        "gpfs",
        "beegfs",
        "glusterfs",
        "gfs2",
        "ocfs2",
        "orangefs",
        "pvfs2",
        "panfs",
        "wekafs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.beegfs",
        "fuse.juicefs",
        "davfs",
    ]
)


class PathError(Exception):
    """A directory cannot be used. Its text is one line: what, why, what to do."""


class NetworkFileSystemError(PathError):
    """The state directory is where neither locks nor SQLite can be trusted."""


class NodePaths(NamedTuple):
    """The files of one node: `state` outlives a reboot, `runtime` need not."""

    state: Path
    runtime: Path

    @property
    def sessions(self) -> Path:
        return self.state / "sessions"

    @property
    def keeper_socket(self) -> Path:
        return self.runtime / "keeper.sock"

    @property
    def agent_socket(self) -> Path:
        return self.runtime / "agent.sock"

    @property
    def deploy_socket(self) -> Path:
        """Where a key restricted to deploys leads: what comes over it may do nothing else."""
        return self.runtime / "deploy.sock"

    @property
    def ssh_agent(self) -> Path:
        """Where sessions find the operator's forwarded SSH agent, whichever connection it comes over."""
        return self.runtime / "ssh-agent"

    @property
    def keeper_log(self) -> Path:
        return self.state / "keeper.log"

    @property
    def agent_lock(self) -> Path:
        return self.state / "agent.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one client that starts an agent; beside the sockets, where locks hold on any machine."""
        return self.runtime / "agent.start"

    @property
    def wrapper(self) -> Path:
        """The agent's command for sessions and hooks."""
        return self.state / "node-agent"

    @property
    def agent_log(self) -> Path:
        return self.state / "agent.log"

    @property
    def database(self) -> Path:
        return self.state / "node.sqlite"


def node_paths(state: Optional[Path] = None, env: Mapping[str, str] = os.environ) -> NodePaths:
    """The paths of the node whose state root is `state`, its directories made and checked; raises PathError.

    The runtime directory once chosen is written beside the state, so that a login with other variables finds the
    sockets of one without.
    """
    root = state if state is not None else state_root(env)
    directory = Path(os.path.realpath(root)) / machine_id()
    make_private(directory)
    make_private(directory / "sessions")
    return NodePaths(directory, _runtime_directory(directory, env))


def state_root(env: Mapping[str, str] = os.environ) -> Path:
    """The directory that holds one state directory a machine."""
    if env.get("RELAY_STATE_DIR"):
        return Path(env["RELAY_STATE_DIR"])
    if env.get("XDG_STATE_HOME"):
        return Path(env["XDG_STATE_HOME"]) / "relaytui"
    return Path(env.get("HOME") or os.path.expanduser("~")) / ".local" / "state" / "relaytui"


def rules_directory(env: Mapping[str, str] = os.environ) -> Path:
    """The directory of the user's rule files: configuration, which a home shared by machines may share."""
    if env.get("RELAY_RULES_DIR"):
        return Path(env["RELAY_RULES_DIR"])
    return _config_directory(env) / "rules"


def allow_list_file(env: Mapping[str, str] = os.environ) -> Path:
    """The list of what deploys may run here, written by the node's owner alone."""
    return Path(env["RELAY_DEPLOYS"]) if env.get("RELAY_DEPLOYS") else _config_directory(env) / "deploy.toml"


def _config_directory(env: Mapping[str, str]) -> Path:
    config = env.get("XDG_CONFIG_HOME") or Path(env.get("HOME") or os.path.expanduser("~")) / ".config"
    return Path(config) / "relaytui"


def machine_id() -> str:
    """A short name for this machine that survives its renaming where the system has an id of its own.

    machine-id(5) asks that the id itself is not shown, hence the hash.
    """
    for name in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        if text:
            return _short_hash("relaytui " + text)
    return _short_hash("relaytui host " + platform.node())


def make_private(directory: Path) -> None:
    """Make `directory` (0700) with its parents and check that nobody else can change it; raises PathError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PathError(
            f"cannot make {directory}: {error.strerror}; set RELAY_STATE_DIR to a writable place"
        ) from error
    check_private(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PathError(f"cannot write to {directory}; set RELAY_STATE_DIR to a writable place")


def check_private(directory: Path) -> None:
    """Raise PathError unless `directory` is ours, no symbolic link and closed to all others (0700)."""
    try:
        found = os.lstat(directory)
    except OSError as error:
        raise PathError(f"cannot look at {directory}: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise PathError(f"{directory} is not a directory (or is a symbolic link); remove it")
    if found.st_uid != os.geteuid():
        raise PathError(f"{directory} belongs to another user (uid {found.st_uid}); remove it or choose another place")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise PathError(f"{directory} is open to other users; chmod 700 it")


def network_file_system(path: Path, env: Mapping[str, str] = os.environ) -> Optional[str]:
    """The type of the network file system `path` is on, or None: locks and SQLite cannot be trusted there."""
    table = env.get("RELAY_MOUNTINFO") or "/proc/self/mountinfo"
    try:
        lines = Path(table).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    wanted = os.path.realpath(path)
    longest, kind = "", ""
    for line in lines:
        mount, _, source = line.partition(" - ")
        fields = mount.split()
        if len(fields) < 5 or not source:
            continue
        point = _unescape(fields[4])
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(longest):  # a later mount hides an earlier one at the same point
            longest, kind = point, source.split()[0]
    return kind if kind in _NETWORK_TYPES else None


def _runtime_directory(state: Path, env: Mapping[str, str]) -> Path:
    """The directory of this state directory's sockets: the recorded one while it stands, else a new choice."""
    name = _short_hash(str(state))
    record = state / "runtime"
    moved = env.get("RELAY_RUNTIME_DIR")
    if not moved:
        try:
            recorded = Path(record.read_text().strip())
            check_private(recorded)
        except (OSError, PathError, ValueError):
            pass
        else:
            return recorded
    directory = (Path(os.path.realpath(moved)) if moved else _runtime_parent(env)) / name
    longest = len(os.fsencode(directory / "keeper.sock"))
    if longest > MAX_SOCKET_PATH:
        raise PathError(
            f"{directory} is too long for a socket ({longest} bytes); set RELAY_RUNTIME_DIR to a shorter place"
        )
    make_private(directory)
    write_private(record, f"{directory}\n")
    return directory


def _runtime_parent(env: Mapping[str, str]) -> Path:
    base = env.get("XDG_RUNTIME_DIR")
    if base:
        try:
            check_private(Path(base))
        except PathError:
            pass
        else:
            return Path(base) / "relaytui"
    shared = Path(os.path.realpath(tempfile.gettempdir())) / f"relaytui-{os.geteuid()}"
    make_private(shared)  # whoever owned it could swap our directory below it
    return shared


def write_private(path: Path, text: str) -> None:
    """Replace a small file at once and whole, readable by its owner alone."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _unescape(field: str) -> str:
    """A mount point as the kernel writes it: blanks and backslashes stand as three octal digits."""
    for code, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, plain)
    return field
