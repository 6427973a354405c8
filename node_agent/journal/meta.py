"""What stands beside a session's bytes: `meta.json`, written when it starts, and `exit`, written when it ends.

The exit record's block is written before the child starts, so that a full disk cannot swallow how it ended.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, NamedTuple, Optional, Tuple

META_NAME = "meta.json"
EXIT_NAME = "exit"
_EXIT_BLOCK = 512


class SessionMeta(NamedTuple):
    """A session as it was started, with what may be changed later: `title`, `tags`, `seen`.

    The environment is kept by name only: its values may be secrets.
    """

    id: str
    request: str
    command: Tuple[str, ...]
    cwd: str
    env_keys: Tuple[str, ...]
    columns: int
    rows: int
    title: str
    tags: Tuple[str, ...]
    started: float  # Unix seconds
    boot: str  # boot id of the machine it was started in
    order: int  # position in which the node started it
    seen: bool = False  # an operator has seen how it ended


class ExitRecord(NamedTuple):
    """How a session ended. `at` is Unix seconds, `head` the journal's offset when it was known.

    A lost session has neither code nor signal but a `reason`.
    """

    code: Optional[int] = None
    signal: Optional[int] = None
    at: float = 0.0
    reason: str = ""
    head: int = 0

    @property
    def is_failure(self) -> bool:
        return self.code != 0


def write_meta(directory: str, meta: SessionMeta) -> None:
    """Write the metadata file, or replace it at once and whole."""
    path = os.path.join(directory, META_NAME)
    is_new = not os.path.exists(path)
    beside = path if is_new else path + ".new"  # a rename over a file makes ext4 write it out: milliseconds a start
    data = (json.dumps(meta._asdict(), separators=(",", ":")) + "\n").encode("ascii")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        written = os.write(fd, data)
    finally:
        os.close(fd)
    if written != len(data):
        os.unlink(beside)
        raise OSError(28, "No space left on device", beside)
    if not is_new:
        os.replace(beside, path)


def read_meta(directory: str) -> Optional[SessionMeta]:
    """The metadata of the session in `directory`, or None where there is none that can be read."""
    try:
        return parse_meta(_load(os.path.join(directory, META_NAME)))
    except (KeyError, TypeError):
        return None


def parse_meta(fields: Dict[str, Any]) -> SessionMeta:
    """Metadata from its JSON object, whatever else stands in it; raises KeyError or TypeError where it is none."""
    values: Dict[str, Any] = {name: fields[name] for name in SessionMeta._fields if name in fields}
    for name in ("command", "env_keys", "tags"):
        values[name] = tuple(values[name])
    return SessionMeta(**values)


def reserve_exit(directory: str) -> None:
    """Take the disk space of the exit record; raises OSError where there is none."""
    fd = os.open(os.path.join(directory, EXIT_NAME), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, b"\n" * _EXIT_BLOCK)
    finally:
        os.close(fd)


def write_exit(directory: str, record: ExitRecord) -> None:
    """Write how the session ended into the reserved block; the first record stands."""
    if read_exit(directory) is not None:
        return
    data = json.dumps(record._asdict(), separators=(",", ":")).encode("ascii")
    fd = os.open(os.path.join(directory, EXIT_NAME), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(fd, data[:_EXIT_BLOCK].ljust(_EXIT_BLOCK, b"\n"), 0)
    finally:
        os.close(fd)


def read_exit(directory: str) -> Optional[ExitRecord]:
    """How the session in `directory` ended, or None while that is not recorded."""
    fields = _load(os.path.join(directory, EXIT_NAME))
    try:
        return ExitRecord(**{name: fields[name] for name in ExitRecord._fields})
    except (KeyError, TypeError):
        return None


def _load(path: str) -> Dict[str, Any]:
    """A file's JSON object; empty where there is none, or not yet."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read() or b"{}")
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
