"""Draws the dialogs of coding agents as they draw them, and says what was chosen.

    python dialogs.py NAME

Raw mode, a menu with a pointer that the arrows move, Enter to hand in. It stands in for programs that cannot run here:
what it draws follows their screens, word for word where the rules go by the words.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty

_BOX = [f"│ {text:<40} │" for text in ("Bash command", "", "  rm -rf build", "  Remove the build directory", "")]
DIALOGS: dict[str, tuple[list[str], list[str], int]] = {
    # name: rows above the options, options, where the pointer starts
    "claude": (
        ["╭" + 42 * "─" + "╮", *_BOX, f"│ {'Do you want to proceed?':<40} │"],
        [
            "Yes",
            "Yes, and don't ask again for rm commands in /src",
            "No, and tell Claude what to do differently (esc)",
        ],
        0,
    ),
    "starts-on-no": (
        ["WARNING: bypass permissions mode", "", "Do you accept the risk?"],
        ["No, exit", "Yes, I accept"],
        0,
    ),
    "trust": (["Do you trust the files in this folder?", "", "  /src", ""], ["Yes, proceed", "No, exit"], 0),
    "long": (["Which model should answer?"], [f"model {number}" for number in range(1, 13)], 5),
}


def draw(name: str, at: int, spinner: str, note: str) -> None:
    rows, options, _ = DIALOGS[name]
    lines = [*([f"{spinner} waiting"] if spinner else []), *rows]
    for number, option in enumerate(options):
        lines.append(f"{'❯' if number == at else ' '} {number + 1}. {option}")
    lines.append(note)
    os.write(1, ("\x1b[H\x1b[2J" + "\r\n".join(lines) + "\r\n").encode())


def run(name: str, is_animated: bool, is_stuck: bool) -> str:
    """The label that was handed in, or "" for escape."""
    options, at = DIALOGS[name][1], DIALOGS[name][2]
    frame = 0
    events = select.epoll()
    events.register(0, select.EPOLLIN)
    while True:
        draw(name, at, "⠋⠙⠹⠸⠼⠴⠦⠧"[frame % 8] if is_animated else "", "Enter to confirm · Esc to cancel")
        while not events.poll(0.1 if is_animated else None):
            frame += 1
            os.write(1, f"\x1b7\x1b[H{'⠋⠙⠹⠸⠼⠴⠦⠧'[frame % 8]}\x1b8".encode())
        data = os.read(0, 64)
        if data == b"\x1b":
            return ""
        if is_stuck:
            continue
        if data in (b"\x1b[A", b"\x1b[B"):
            at = (at + (1 if data == b"\x1b[B" else -1)) % len(options)
        elif data == b"\r":
            return options[at]


def main() -> None:
    name, *flags = sys.argv[1:]
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        chosen = run(name, "animated" in flags, "stuck" in flags)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    os.write(1, f"\x1b[H\x1b[2Jchosen: {chosen}\n".encode())
    time.sleep(600)


if __name__ == "__main__":
    main()
