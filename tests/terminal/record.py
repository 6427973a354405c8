"""Records what real programs print, as test data: `python -m tests.terminal.record [name …]`.

Each runs at 80×24 in a directory made for it, with no configuration of the user's, so that a recording says nothing of
the machine it was made on. A name without its program installed is passed over.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.pty_program import PtyProgram

RECORDINGS = Path(__file__).parent / "recordings"
QUIET = 0.4
"""Seconds without output after which a program is taken to wait for the next keys."""

LONGEST = 8.0
"""Seconds a program may print on after keys."""

TEXT = "".join(f"{n:3d}  the quick brown fox jumps over the lazy dog, Привет, 漢字かな, naïve ☕️\n" for n in range(90))
CODE = '''"""A module."""

import sys


class Greeter:
    def __init__(self, name: str) -> None:
        self.name = name  # who is greeted

    def greet(self) -> str:
        return f"hello {self.name}" + "!" * 3


for index in range(10):
    print(Greeter(sys.argv[1]).greet(), index, None, 3.14)
'''


class Script(NamedTuple):
    """A program and what is typed into it, each after the program has gone quiet."""

    argv: list[str]
    keys: list[str]


PAGE_DOWN, DOWN, RIGHT, F3, F10 = "\x1b[6~", "\x1b[B", "\x1b[C", "\x1bOR", "\x1b[21~"
SCRIPTS = {
    "vim": Script(
        ["vim", "-u", "NONE", "-N", "-n", "-c", "syntax on", "-c", "set nu ruler hls", "code.py"],
        ["\x06", "gg", "/self\r", "n", "n", "2dd", "u", "oadded\x1b", ":split text\r", "\x05" * 5, "V3jd", ":qa!\r"],
    ),
    "nano": Script(
        ["nano", "-I", "text"], [PAGE_DOWN, "typed ", "\x0b\x0b", "\x17quick\r", "\x07", "\x18", "\x18", "n"]
    ),
    "less": Script(["less", "-R", "text"], [" ", "/fox\r", "n", "b", "G", "h", "q", "q"]),
    "htop": Script(["htop", "-d", "5", "-p", "{pid}"], [DOWN, "\x1bOS", "\x1b", "t", "\x1b[15~", "q"]),
    "mc": Script(
        ["mc", "-u", "-d", "-X"], [DOWN * 3, F3, PAGE_DOWN, F10, "\t", "\x1b9", RIGHT, DOWN, "\x1b\x1b", F10, "\r"]
    ),
    "tmux": Script(
        ["tmux", "-S", "socket", "-f", "tmux.conf", "new-session", "sh"],
        ["cat text\r", '\x02"', "head -30 code.py\r", "\x02%", "\x02[", "\x1b[5~", "q", "\x02z", "\x02&", "y"],
    ),
    "fzf": Script(["sh", "-c", "fzf --preview 'cat code.py' <text"], ["fox", " 1", DOWN, "\x1b[A", "\x15", "\r"]),
    "dialog": Script(
        ["dialog", "--menu", "Choose one", "15", "50", "4", "1", "first", "2", "second", "3", "third"],
        [DOWN, DOWN, "\t", "\t", "\r"],
    ),
    "git-add-p": Script(["git", "-c", "color.ui=always", "add", "-p"], ["?\r", "y\r", "s\r", "n\r", "q\r"]),
    "python": Script(
        ["python3", "-q"],
        ["import sys\r", "def f(x):\r", "  return x * 2\r", "\r", "f('漢')\r", "1/0\r", "\x10", "\x03", "exit()\r"],
    ),
    "ipython": Script(
        ["ipython", "--no-banner", "--colors=linux"],
        ["x = [n ** 2 for n in range(5)]\r", "x\r", "x.ap\t", "pend(3)\r", "1/0\r", "\x12x =", "\x03", "exit\r"],
    ),
}


def environment(home: Path) -> dict[str, str]:
    """No more than programs need."""
    kept = {name: os.environ[name] for name in ("PATH", "PYENV_ROOT") if name in os.environ}
    fixed = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PS1": "$ ", "SHELL": "/bin/sh", "USER": "user"}
    return {**kept, **fixed, "HOME": str(home), "LESSHISTFILE": "-", "GIT_CONFIG_NOSYSTEM": "1"}


def prepare(home: Path) -> None:
    """Files for the programs to show."""
    (home / "text").write_text(TEXT)
    (home / "code.py").write_text(CODE)
    (home / "tmux.conf").write_text('set -g status-right ""\nset -g status-left "[main] "\nset -g escape-time 0\n')
    git = ["git", "-c", "user.name=user", "-c", "user.email=user@example.org", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "code.py"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=home, env=environment(home), check=True)
    (home / "code.py").write_text(CODE.replace("hello", "good day").replace("range(10)", "range(20)"))


def record(script: Script, home: Path) -> bytes:
    """Everything the program prints until it ends or all has been typed."""
    sleeper = subprocess.Popen(["sleep", "600"])
    argv = [word.format(pid=sleeper.pid) for word in script.argv]
    launch = ["env", "-C", str(home), *argv]
    program = PtyProgram(launch, columns=80, rows=24, env=environment(home))
    try:
        until_quiet(program)
        for keys in script.keys:
            program.type(keys.encode())
            until_quiet(program)
    except OSError:
        pass  # it ended early
    finally:
        program.close()
        sleeper.kill()
        sleeper.wait()
    return program.output


def until_quiet(program: PtyProgram) -> None:
    """Read until the program rests; one that never does is left after `LONGEST`."""
    for _ in range(int(LONGEST / QUIET)):
        if not program.read(QUIET):
            return


def main(names: list[str]) -> None:
    RECORDINGS.mkdir(exist_ok=True)
    for name in names or SCRIPTS:
        script = SCRIPTS[name]
        if shutil.which(script.argv[0]) is None:
            print(f"{name}: {script.argv[0]} is not installed", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="demo") as directory:
            home = Path(directory)
            prepare(home)
            output = record(script, home)
        for word, instead in ((directory, "/home/user"), (f"{getpass.getuser()}@{socket.gethostname()}", "user@host")):
            output = output.replace(word.encode(), instead.encode())
        (RECORDINGS / f"{name}.raw").write_bytes(output)
        print(f"{name}: {len(output)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
