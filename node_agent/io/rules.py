"""Reads the rule files: the user's own first, which win, then those that come with the node agent."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any, Dict, List

from node_agent.detect.rules import RuleBook, build_rule_book

if sys.version_info >= (3, 11):  # noqa: UP036 - node_agent runs on 3.9
    import tomllib
else:
    import tomli as tomllib

log = logging.getLogger(__name__)

USER_RULES = "rules"
"""Directory of the user's rule files inside the state directory."""


def load_rules(state: Path) -> RuleBook:
    """The rule book of this node. A user's file that cannot be used is left out and named in the log."""
    documents: List[Dict[str, Any]] = []
    for path in sorted((state / USER_RULES).glob("*.toml")):
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            build_rule_book([document])
        except (OSError, ValueError) as error:
            log.warning("rule file %s is left out: %s", path, error)
        else:
            documents.append(document)
    return build_rule_book(documents + _own_documents())


def _own_documents() -> List[Dict[str, Any]]:
    directory = Path(__file__).parent.parent / "detect" / "rules"
    return [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.toml"))]
