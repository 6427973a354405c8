"""The programs of the demo: `python -m relaytui.demo.programs NAME` builds, logs or asks, as real ones do.

Each runs until its terminal is closed, so that there is always something to see and somebody to answer.
"""

from __future__ import annotations

import getpass
import itertools
import random
import sys
import time
from collections.abc import Callable

_CRATES = ("base64", "bytes", "crypto", "futures", "http", "indexmap", "parser", "relay-core", "serde", "tokio", "url")


def build() -> None:
    """A build: finished lines above, a progress bar below."""
    total = 240
    for run in itertools.count(1):
        print(f"\x1b[1mnightly build {run}\x1b[m")
        for step in range(1, total + 1):
            name = random.choice(_CRATES)  # noqa: S311 - decoration
            filled = "█" * (30 * step // total)
            print(f"\r\x1b[K\x1b[32m   Compiling\x1b[m {name} v0.{step % 9}.{step % 4}")
            print(f"[{step}/{total}] {filled:░<30} {100 * step // total:3} %", end="", flush=True)
            time.sleep(0.25)
        print(f"\n\x1b[32m    Finished\x1b[m in {total * 0.25:.0f} s\n")


def flood() -> None:
    """A log that never pauses."""
    levels = ("\x1b[34mINFO \x1b[m", "\x1b[34mINFO \x1b[m", "\x1b[33mWARN \x1b[m", "\x1b[31mERROR\x1b[m")
    for number in itertools.count(1):
        milliseconds = number * 37 % 900
        print(f"{number:08} {levels[number * 7 % 4]} request /api/v1/items/{number % 977} {milliseconds} ms")
        if number % 50 == 0:
            sys.stdout.flush()
            time.sleep(0.01)


def upgrade() -> None:
    """A question with yes and no."""
    while True:
        print("The following packages will be upgraded:\n  libssl3 openssl linux-image-amd64 vim")
        print("4 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
        print("After this operation, 412 MB of additional disk space will be used.")
        answer = input("Do you want to continue? [Y/n] ").strip().lower()
        if answer in ("", "y", "yes"):
            for package in ("libssl3", "openssl", "linux-image-amd64", "vim"):
                print(f"Setting up {package} ...", flush=True)
                time.sleep(1.5)
        else:
            print("Abort.")
        time.sleep(8)
        print()


def choice() -> None:
    """A question with numbered answers."""
    while True:
        print("Three tests fail after the change in link/pace.py.\n")
        print("How shall I go on?")
        print("  1. Fix the tests\n  2. Revert the change\n  3. Show me the failures first")
        answer = input("Enter a number [1-3]: ").strip()
        if answer not in ("1", "2", "3"):
            print(f"{answer!r} is none of them.\n")
            continue
        print(f"Going on with {answer} ...", flush=True)
        for dots in range(12):
            print("." * dots, end="\r", flush=True)
            time.sleep(0.7)
        print("\nDone.\n")


def password() -> None:
    """A password, which is not echoed; none is right, and none is kept."""
    print("Restoring the backup of 02:00 to /srv/data needs the vault.")
    while True:
        getpass.getpass("Vault password: ")
        print("Sorry, try again.")
        time.sleep(3)


PROGRAMS: dict[str, Callable[[], None]] = {
    "build": build,
    "flood": flood,
    "upgrade": upgrade,
    "choice": choice,
    "password": password,
}

if __name__ == "__main__":
    try:
        PROGRAMS[sys.argv[1]]()
    except (KeyboardInterrupt, EOFError):
        pass
