"""What runs in the sessions of a chaos run: each keeps its own account of what it printed or was given.

`python programs.py writer SEED STOP ACCOUNT` and so on; a program is started by its path, with nothing of this project.
"""

from __future__ import annotations

import os
import random
import sys
import time
import tty
from pathlib import Path

PATH = Path(__file__)
SETTLED = "\x1b[m\x1b[r\x1b[?1049l"


def writer(seed: str, stop: str, account: str) -> None:
    """Print colourful, moving, wide output until `stop` exists; all of it is in `account` before it is printed."""
    tty.setraw(0)
    rng = random.Random(int(seed))
    with open(account, "ab", 0) as file:
        is_last = False
        while not is_last:
            is_last = os.path.exists(stop)
            data = ((SETTLED if is_last else "") + _picture(rng)).encode()
            file.write(data)
            _print(data)
            time.sleep(0.004)


def recorder(account: str, queries: str) -> None:
    """Keep in `account` all that is typed; ask the terminal `queries` times where its cursor is while at it."""
    tty.setraw(0)
    _print(b"ready")
    due = int(queries)
    with open(account, "ab", 0) as file:
        while data := os.read(0, 4096):
            file.write(data)
            _print(b".")
            if due:
                _print(b"\x1b[6n")
                due -= 1


def _picture(rng: random.Random) -> str:
    parts = []
    for _ in range(rng.randrange(5, 25)):
        kind = rng.randrange(8)
        if kind == 0:
            parts.append(f"\x1b[{rng.randrange(1, 25)};{rng.randrange(1, 81)}H")
        elif kind == 1:
            parts.append(f"\x1b[38;2;{rng.randrange(256)};{rng.randrange(256)};{rng.randrange(256)}m")
        elif kind == 2:
            parts.append(rng.choice(["漢字かな", "한국어", "🙂", "é", "\x1b[1m", "\x1b[7m", "\x1b[m", "\x1b[K"]))
        elif kind == 3 and rng.random() < 0.1:
            parts.append(
                rng.choice(["\x1b[?1049h", "\x1b[?1049l", "\x1b[2J", "\x1b[3;20r", "\x1b[r", "\x1b[L", "\x1b[M"])
            )
        else:
            parts.append("".join(rng.choices("abcdefghij 0123456789", k=rng.randrange(10, 70))) + "\r\n")
    return "".join(parts)


def _print(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    if sys.argv[1] == "writer":
        writer(*sys.argv[2:])
    else:
        recorder(*sys.argv[2:])
