"""Asks one question after another, changes the one on screen when it is told to, and notes what it was answered.

    python racing_program.py line|menu

Each answer is a line `number answer` in the session's file `taken`; no two questions have the same number.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from pathlib import Path

HERE = Path(os.environ["RACES"]) / os.environ["RELAY_SESSION"]
OPTIONS = ("No, exit", "Yes, go on")


class Program:
    def __init__(self, is_menu: bool) -> None:
        self.is_menu = is_menu
        self.number = 0
        self.at = 0

    def ask(self) -> None:
        self.number += 1
        self.at = 0
        if self.is_menu:
            self.draw()
        else:
            os.write(1, f"\r\nRemove file {self.number}? [y/n] ".encode())

    def draw(self) -> None:
        rows = [f"Do you accept risk {self.number}?", ""]
        rows += [f"{'❯' if place == self.at else ' '} {place + 1}. {label}" for place, label in enumerate(OPTIONS)]
        os.write(1, ("\x1b[H\x1b[2J" + "\r\n".join(rows) + "\r\n").encode())

    def change(self, *_: object) -> None:
        self.ask()
        (HERE / "changed").touch()

    def take(self, answer: str) -> None:
        with (HERE / "taken").open("a") as file:
            file.write(f"{self.number} {answer}\n")
        self.ask()

    def run(self) -> None:
        self.ask()
        while data := os.read(0, 1024):
            if not self.is_menu:
                self.take(data.decode().strip())
            elif data in (b"\x1b[A", b"\x1b[B"):
                self.at = (self.at + (1 if data == b"\x1b[B" else -1)) % len(OPTIONS)
                self.draw()
            elif data == b"\r":
                self.take(OPTIONS[self.at])


def main() -> None:
    HERE.mkdir(parents=True)
    (HERE / "pid").write_text(str(os.getpid()))
    program = Program(sys.argv[1] == "menu")
    signal.signal(signal.SIGUSR1, program.change)
    if program.is_menu:
        tty.setraw(0, termios.TCSANOW)
    program.run()


if __name__ == "__main__":
    main()
