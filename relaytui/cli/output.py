"""What commands print: tables and JSON on stdout, narration on stderr, nothing a node wrote unsanitised."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from node_agent.terminal.sanitise import sanitise

_TEXT_LIMIT = 400


def fail(message: str) -> None:
    """Print the one line a failed command says."""
    print(f"relaytui: {clean(message)}", file=sys.stderr)


def narrate(message: str) -> None:
    """Print a remark that is not data."""
    print(clean(message), file=sys.stderr)


def print_json(data: Any) -> None:
    """Print `data` as JSON, readable where somebody reads it."""
    print(json.dumps(data, indent=2 if sys.stdout.isatty() else None))


def clean(text: str) -> str:
    """`text` as one line that no terminal obeys."""
    return sanitise(text, _TEXT_LIMIT)


def age(seconds: float) -> str:
    """A length of time in its largest unit: `41 s`, `12 m`, `3 h`, `5 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings, columns two blanks apart; on a terminal the last column is cut to fit."""
    from wcwidth import wcwidth  # only tables need it

    def width(text: str) -> int:
        return sum(max(0, wcwidth(character)) for character in text)

    cells = [[clean(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(headings))]
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for row in cells:
        padded = [cell + " " * (widths[column] - width(cell)) for column, cell in enumerate(row[:-1])]
        line = "  ".join([*padded, row[-1]]).rstrip()
        while width(line) > limit:
            line = line[:-1] if width(line[:-1]) > limit else line[:-2] + "…"
        print(line)
