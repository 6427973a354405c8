"""How many columns characters fill: one table, whatever is installed."""

from __future__ import annotations

import hashlib
import sys

from wcwidth import list_versions

from node_agent.terminal.vt.widths import UNICODE_VERSION, character_width


def test_widths_are_those_of_the_stated_version_of_unicode() -> None:
    assert tuple(list_versions())[-1] == UNICODE_VERSION == "18.0.0"
    widths = bytes(character_width(chr(code)) + 1 for code in range(sys.maxunicode + 1))
    digest = hashlib.sha256(widths).hexdigest()
    assert digest == "ad6b082381b6e4f9052b1d1a9f8be26b25afa3e10f7170fb7cb5a4e2d977979e"
