"""What the kernel's terminal layer is asked: sizes, modes, the foreground group, interrupts. No state of its own."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import sys
import termios
from typing import Any, List, Tuple

from node_agent.keeper.control import MAX_LINE, TerminalModes

_IUTF8 = 0x4000  # Linux; termios has the name from Python 3.13 on
_TIOCGPTPEER = 0x5441  # Linux 4.13: the slave of a master, whatever /dev/pts is mounted
_TIOCSIG = 0x40045436  # Linux: a signal to the foreground group, as if typed
_SIGNAL_CHARACTERS = (
    (termios.VINTR, signal.SIGINT),
    (termios.VQUIT, signal.SIGQUIT),
    (termios.VSUSP, signal.SIGTSTP),
)
_DISABLED = b"\0"  # _POSIX_VDISABLE


def open_terminal(columns: int, rows: int) -> Tuple[int, int]:
    """A new terminal: (master, slave)."""
    master, slave = os.openpty()
    set_size(master, columns, rows)
    if sys.platform == "linux":
        modes = termios.tcgetattr(slave)
        modes[0] |= _IUTF8  # backspace in a cooked line erases a character, not a byte
        termios.tcsetattr(slave, termios.TCSANOW, modes)
    os.set_blocking(master, False)
    return master, slave


def set_size(master: int, columns: int, rows: int) -> None:
    """Change the size; the kernel tells the foreground group (SIGWINCH)."""
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_modes(master: int) -> TerminalModes:
    """The flags that say who edits the line; raises OSError where the terminal is gone."""
    iflag, _, _, lflag = _attributes(master)[:4]
    return TerminalModes(
        icanon=bool(lflag & termios.ICANON),
        echo=bool(lflag & termios.ECHO),
        isig=bool(lflag & termios.ISIG),
        icrnl=bool(iflag & termios.ICRNL),
        foreground=foreground_group(master),
    )


def foreground_group(master: int) -> int:
    """The foreground process group, 0 where there is none."""
    try:
        return max(0, os.tcgetpgrp(master))
    except OSError:
        return 0


def open_line_after(master: int, open_line: int, data: bytes) -> int:
    """Bytes in the unfinished line once `data` is written after `open_line` bytes of it, or -1 if the kernel would cut.

    In canonical mode a line holds `MAX_LINE` bytes and what follows is thrown away. In any other mode there are no
    lines, so the answer is 0.
    """
    iflag, _, _, lflag, _, _, characters = _attributes(master)
    if not lflag & termios.ICANON:
        return 0
    ends = [b"\n", characters[termios.VEOF], characters[termios.VEOL], characters[termios.VKILL]]
    ends.append(characters[termios.VEOL2])
    if iflag & termios.ICRNL:
        ends.append(b"\r")
    if lflag & termios.ISIG:
        ends += [characters[index] for index, _ in _SIGNAL_CHARACTERS]
    lines = re.split(b"[" + re.escape(b"".join(end for end in ends if end != _DISABLED)) + b"]", data)
    lengths = [len(line) for line in lines]
    lengths[0] += open_line
    return -1 if max(lengths) > MAX_LINE else lengths[-1]


def deliver_signal(master: int, typed: bytes) -> bool:
    """Do for one typed signal character what the kernel does when it can read it: flush, and signal the foreground.

    A program that has stopped reading leaves typed bytes queued in the kernel, and the interrupt behind them would
    wait for ever. False where `typed` is no such character now, or the system cannot do it.
    """
    lflag, characters = _attributes(master)[3], _attributes(master)[6]
    if sys.platform != "linux" or not lflag & termios.ISIG or lflag & termios.NOFLSH or len(typed) != 1:
        return False
    for index, number in _SIGNAL_CHARACTERS:
        if typed == characters[index] != _DISABLED:
            slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                termios.tcflush(master, termios.TCOFLUSH)
                termios.tcflush(slave, termios.TCIFLUSH)
            finally:
                os.close(slave)
            fcntl.ioctl(master, _TIOCSIG, int(number))
            return True
    return False


def _attributes(master: int) -> List[Any]:
    try:
        return termios.tcgetattr(master)
    except termios.error as error:
        raise OSError(*error.args) from error
