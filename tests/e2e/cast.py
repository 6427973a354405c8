"""The sessions of the end-to-end test: real programs of every kind, on three nodes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

SMALL, LARGE = (36, 15), (80, 24)
STAY = "exec sleep 1000"

_WIDE = r"printf '漢字かな交じり文\r\n한국어 텍스트 |\r\ne\314\201te\314\201 ┌─┐ ✓ Ω\r\n全角ＡＢＣ end\r\n'"
_COLOURS = r"for i in 1 2 3 4 5 6 7; do printf '\033[3%sm%s red\033[m \033[7mrev\033[m\n' $i $i; done"
_BOX = r"printf '\033[?1049h\033[2J\033[3;5H┌────────┐\033[4;5H│ Save?  │\033[5;5H└────────┘\033[4;14H'"
_REGION = (
    r"seq 1 9; printf '\033[3;7r\033[7;1H'; for i in a b c d e; do printf '%s\n' $i; done; printf '\033[r\033[12;3Hend'"
)
_PROGRESS = r"printf 'fetch 10 %%\rfetch 50 %%\rfetch 100 %%\n'; printf 'abc\b\bX\033[K\ttab\n'"


@dataclass(frozen=True)
class Role:
    """One session: what it runs, where, and whether a second run would show the same."""

    title: str
    node: str
    command: tuple[str, ...]
    size: tuple[int, int] = SMALL
    is_repeatable: bool = True  # else tmux is shown the session's own output again


def roles(directory: Path) -> list[Role]:
    """The cast; `directory` gets the files they show and edit."""
    text = directory / "text.txt"
    text.write_text("".join(f"line {number} of a text\n" for number in range(1, 201)))
    edited = directory / "edited.txt"
    edited.write_text("first\n")
    vim = ("vim", "-n", "-u", "NONE", "-i", "NONE")
    return [
        Role("editor", "alpha", (*vim, edited.name)),
        Role("reader", "alpha", ("less", text.name)),
        Role("monitor", "alpha", _shell(f"top -n 1 -w {SMALL[0] - 1}; {STAY}"), is_repeatable=False),
        Role("workbench", "alpha", ("env", "PS1=$ ", "bash", "--norc", "--noprofile")),
        Role("repl", "alpha", (sys.executable, "-q", "-I")),
        Role("wide", "beta", _shell(f"{_WIDE}; {STAY}")),
        Role("flood", "beta", _shell(f"seq 1 100000; {STAY}")),
        Role("colours", "beta", _shell(f"{_COLOURS}; {STAY}")),
        Role("dialog", "beta", _shell(f"{_BOX}; {STAY}")),
        Role("region", "beta", _shell(f"{_REGION}; {STAY}")),
        Role("progress", "gamma", _shell(f"{_PROGRESS}; {STAY}")),
        Role("upgrade", "gamma", _shell('printf "Proceed? [y/N] "; read answer; echo "got <$answer>"; ' + STAY)),
        Role("source", "gamma", (*vim, "-c", "40", text.name), LARGE),
        Role("manual", "gamma", ("less", "-S", text.name), LARGE),
        # In the last place, under the toasts: its tile is not compared.
        Role(
            "bell",
            "gamma",
            _shell(f"mkfifo {directory}/bell; while read -r word; do echo $word; done <> {directory}/bell"),
        ),
    ]


def _shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)
