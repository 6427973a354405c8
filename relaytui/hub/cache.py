"""What the console keeps of each node between runs: to paint at once, to resume events where they stopped, and to
say of a node that does not answer what it showed last.

Only a convenience: a file that is missing, broken or of another version is as good as none.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import RemoteProtocolError
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.terminal.delta import ScreenModel, apply_delta, screen_delta
from relaytui.config import write_atomically
from relaytui.link.supervisor import Cursor

_VERSION = 1
MAX_SCREENS = 64
MAX_FILE = 4 * 1024 * 1024
"""Bytes; a larger cache is dropped rather than kept."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedNode:
    """The node's picture with ages as of now, its last screens and its event cursor; `age` is how old it is."""

    hello: HelloReply
    cursor: Cursor | None = None
    screens: Mapping[SessionId, ScreenModel] = field(default_factory=dict)
    age: float = 0.0  # seconds


class Cache:
    """One file a node in `directory`, 0600."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, alias: str, *, wall: float | None = None, with_screens: bool = True) -> CachedNode | None:
        """What was kept of a node, or None. `wall` is the time now in Unix seconds."""
        path = self._path(alias)
        try:
            data = json.loads(path.read_bytes())
            if data["version"] != _VERSION:
                return None
            elapsed = max(0.0, (time.time() if wall is None else wall) - data["saved"])
            hello = from_wire(HelloReply, data["hello"])
            screens = data["screens"].items() if with_screens else ()
            return CachedNode(
                replace(
                    hello,
                    sessions=tuple(aged(info, elapsed) for info in hello.sessions),
                    asks=tuple(replace(ask, age=ask.age + elapsed) for ask in hello.asks),
                ),
                Cursor(StoreId(data["cursor"][0]), int(data["cursor"][1])) if data["cursor"] else None,
                {SessionId(name): apply_delta(ScreenModel(), delta) for name, delta in screens},
                elapsed,
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RemoteProtocolError) as error:
            _log.info("the cache of %s is not used: %s", alias, error)
            return None

    def encode(self, node: CachedNode, *, wall: float | None = None) -> bytes:
        """The bytes to `store`; taken at once, so that writing can be left to a thread."""
        data = {
            "version": _VERSION,
            "saved": time.time() if wall is None else wall,
            "hello": to_wire(node.hello),
            "cursor": list(node.cursor) if node.cursor else None,
            "screens": {name: screen_delta(None, model) for name, model in _first(node.screens.items(), MAX_SCREENS)},
        }
        return json.dumps(data, separators=(",", ":")).encode("utf-8", "surrogatepass")

    def store(self, alias: str, data: bytes) -> None:
        """Keep the bytes; a disk that refuses costs the cache and nothing else. Blocks."""
        if len(data) > MAX_FILE:
            _log.info("the cache of %s is too large to keep", alias)
            return
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(self._path(alias), data)
        except OSError as error:
            _log.info("the cache of %s cannot be kept: %s", alias, error)

    def forget(self, alias: str) -> None:
        self._path(alias).unlink(missing_ok=True)

    def _path(self, alias: str) -> Path:
        return self._directory / f"{alias}.json"


def aged(info: SessionInfo, elapsed: float) -> SessionInfo:
    """The session with its ages `elapsed` seconds later."""
    ask = replace(info.ask, age=info.ask.age + elapsed) if info.ask else None
    return replace(info, age=info.age + elapsed, attention_age=info.attention_age + elapsed, ask=ask)


def _first(items: Iterable[tuple[SessionId, ScreenModel]], count: int) -> Iterable[tuple[SessionId, ScreenModel]]:
    return list(items)[:count]
