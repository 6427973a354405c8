"""Reads rule files: those shipped with the package and the user's, and says when they changed."""

from __future__ import annotations

import os
import sys
from importlib import resources
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from node_agent.detect.rules import RuleBook, RuleError, build_rule_book

if sys.version_info >= (3, 11):  # noqa: UP036 - the node agent runs on 3.9
    import tomllib
else:
    import tomli as tomllib

_SUFFIX = ".toml"


def shipped_rules() -> List[Dict[str, Any]]:
    """The parsed files of `node_agent.detect.rules`, also from inside a zip archive."""
    folder = resources.files("node_agent.detect") / "rules"
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)), key=lambda entry: entry.name
    )
    return [tomllib.loads(entry.read_text(encoding="utf-8")) for entry in entries]


class RuleFiles:
    """The rule book of a node: the user's files in `directory` first, then the shipped ones.

    A user's file that cannot be used is left out and named in `problems`; the others still count.
    """

    def __init__(self, directory: Optional[Path] = None) -> None:
        self._directory = directory
        self._shipped = shipped_rules()
        self._seen: Tuple[Tuple[str, int, int], ...] = ()
        self.problems: List[str] = []
        self.book = self._load()

    def reload(self) -> bool:
        """Read the user's files again if any changed; whether the book is a new one."""
        if self._state() == self._seen:
            return False
        self.book = self._load()
        return True

    def _load(self) -> RuleBook:
        self._seen = self._state()
        self.problems = []
        documents: List[Dict[str, Any]] = []
        for name, _, _ in self._seen:
            try:
                document = tomllib.loads(Path(name).read_text(encoding="utf-8"))
                build_rule_book([document])
            except (OSError, ValueError, RuleError) as error:
                self.problems.append(f"{name}: {error}")
            else:
                documents.append(document)
        return build_rule_book([*documents, *self._shipped])

    def _state(self) -> Tuple[Tuple[str, int, int], ...]:
        if self._directory is None:
            return ()
        found = []
        try:
            for entry in os.scandir(self._directory):
                if entry.name.endswith(_SUFFIX):
                    status = entry.stat()
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
        except OSError:
            return ()
        return tuple(sorted(found))
