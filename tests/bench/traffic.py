"""What benches of the terminal feed: made up from a fixed seed, so that every run measures the same bytes."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import ptyprocess

SIZE = 1_000_000
FLOOD = 200_000
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"
_TEXT = "the quick brown fox jumps over lazy dog error warning info started finished in ms"
_WORDS = _TEXT.split(" ")


def _words(source: random.Random, count: int) -> str:
    return " ".join(source.choices(_WORDS, k=count))


def _filled(lines: list[str], size: int = SIZE) -> bytes:
    """The lines, over and over, up to `size` bytes."""
    block = "".join(lines).encode()
    return block * (size // len(block) + 1)


def plain_log() -> bytes:
    source = random.Random(1)
    return _filled(
        [f"2026-11-20 12:00:{n % 60:02d} worker[{n % 17}] {_words(source, 8)} id={n}\r\n" for n in range(9000)]
    )


def twice_returned_log() -> bytes:
    """Lines that the program ended by CR LF itself, as it comes out of a terminal that puts a CR before each LF."""
    return plain_log().replace(b"\r\n", b"\r\r\n")


def yes() -> bytes:
    return b"y\r\n" * (SIZE // 3)


def bare_line_feeds() -> bytes:
    source = random.Random(2)
    return _filled([f"{_words(source, 3)}\n" for _ in range(3000)])


def tabs() -> bytes:
    source = random.Random(3)
    return _filled(["\t".join(source.choices(_WORDS, k=6)) + "\r\n" for _ in range(3000)])


def colored_log() -> bytes:
    source = random.Random(4)
    colors = ["32", "33", "31;1", "36"]
    return _filled(
        [
            f"\x1b[2m12:00:{n % 60:02d}\x1b[0m \x1b[{source.choice(colors)}mINFO\x1b[0m {_words(source, 8)}\r\n"
            for n in range(3000)
        ]
    )


def dense_color() -> bytes:
    """A pen of its own for every word: 16, 256 and 16 million colours, most never seen before."""
    source = random.Random(5)

    def pen() -> str:
        r, g, b = (source.randrange(256) for _ in range(3))
        forms = (f"{30 + r % 8}", f"38;5;{r}", f"38;2;{r};{g};{b}", f"1;4;48;5;{g}")
        return source.choice(forms)

    lines = ["".join(f"\x1b[{pen()}m{source.choice(_WORDS)} " for _ in range(10)) + "\x1b[0m\r\n" for _ in range(6000)]
    return _filled(lines)


def wide_text() -> bytes:
    return _filled(["漢字かな交じり文 テスト 😀🎉 ok é e\u0301 ✔ ⚠️ 한국어 text 👩\u200d🚀 done\r\n"])


def fresh_wide_text() -> bytes:
    """Words of many scripts, emoji and combining marks, short and never the same twice, some lines over the edge."""
    source = random.Random(10)

    def letters(first: int, stop: int, most: int = 6) -> str:
        return "".join(chr(source.randrange(first, stop)) for _ in range(source.randint(1, most)))

    def word() -> str:
        kind = source.random()
        if kind < 0.35:
            return letters(0x4E00, 0x9FA0)
        if kind < 0.5:
            return letters(0xAC00, 0xD7A0)
        if kind < 0.6:
            return letters(0x3041, 0x3097)
        if kind < 0.75:
            return "".join(source.choices("abcdefghijklmnopqrstuvwxyzéèüñß", k=source.randint(3, 8)))
        if kind < 0.85:
            return letters(0x1F300, 0x1F3FA, most=1)
        if kind < 0.88:
            return "".join(source.choice("aeiou") + letters(0x300, 0x340, most=1) for _ in range(source.randint(1, 6)))
        return source.choice(["👩\u200d🚀", "👨\u200d👩\u200d👧", "⚠️", "❤️", "👍🏽", "🇺🇸", "🇩🇪", "…", "│", "→"])

    lines: list[str] = []
    size = 0
    while size < SIZE:
        lines.append(" ".join(word() for _ in range(source.randint(4, 14))) + "\r\n")
        size += len(lines[-1].encode())
    return "".join(lines).encode()


def full_screen_updates() -> bytes:
    """As a process monitor: the cursor placed for each cell, colours, a few characters."""
    source = random.Random(6)
    return _filled(
        [
            f"\x1b[{source.randint(1, 24)};{source.randint(1, 70)}H\x1b[{source.choice(['32', '1;34', '7', '39'])}m"
            f"{source.randint(0, 99):3d}%\x1b[m"
            for _ in range(20_000)
        ]
    )


def agent_frame(source: random.Random, tick: int) -> bytes:
    """One redraw of a coding agent's composer: spinner, two changed lines, the box under them."""
    spinner = "·✢✳✶✻✽"[tick % 6]
    return (
        f"\x1b[?2026h\x1b[4A\r\x1b[2K\x1b[38;2;215;119;87m{spinner}\x1b[39m \x1b[38;2;215;119;87mThinking…\x1b[39m "
        f"\x1b[2m({tick // 10}s · {source.randint(1, 99)}.{tick % 10}k tokens · esc to interrupt)\x1b[22m\r\n\x1b[2K"
        f"  ⎿ {_words(source, 6)}\r\n\x1b[2K\x1b[38;2;136;136;136m╭{'─' * 76}╮\x1b[39m\r\n"
        f"\x1b[38;2;136;136;136m│\x1b[39m > {' ' * 73}\x1b[38;2;136;136;136m│\x1b[39m\r\n"
        f"\x1b[38;2;136;136;136m╰{'─' * 76}╯\x1b[39m\x1b[?2026l"
    ).encode()


def agent_redraws() -> bytes:
    source = random.Random(7)
    return b"\r\n" * 8 + b"".join(agent_frame(source, tick) for tick in range(1500))


def recorded_agents() -> bytes | None:
    """The redraws of three real agents, over and over; None where the recordings are not beside the checkout."""
    if not RECORDINGS.is_dir():
        return None
    whole = b"".join((RECORDINGS / f"{name}.raw").read_bytes() + b"\x1bc" for name in ("claude", "codex", "opencode"))
    return whole * (SIZE // len(whole) + 1)


def recorded_vim() -> bytes | None:
    """Real vim scrolling and editing this file with colours on; None where it is not installed."""
    if shutil.which("vim") is None:
        return None
    argv = ["vim", "-u", "NONE", "-N", "-n", "-R", "-c", "syntax on", "-c", "set nu ruler", __file__]
    child = ptyprocess.PtyProcess.spawn(argv, dimensions=(24, 80), env={"TERM": "xterm-256color", "LANG": "C.UTF-8"})
    output = bytearray()
    for key in [b"\x1b", *[b"j"] * 30, *[b"\x06"] * 6, *[b"\x02"] * 6, *[b"\x05"] * 30, b"/def\r", *[b"n"] * 20] * 3:
        child.write(key)
        time.sleep(0.03)  # vim draws one key at a time only when they come one at a time
        output += child.read(65536)
    child.terminate(force=True)
    child.wait()
    child.close()
    return bytes(output) * (SIZE // len(output) + 1)


def floods() -> dict[str, bytes]:
    """One sequence over and over: what costs most a byte."""
    sequences = {
        "REP": b"a\x1b[9999b\r\n",
        "ED": b"\x1b[2J",
        "EL": b"\x1b[1K\x1b[K",
        "IL": b"\x1b[24L",
        "DL": b"\x1b[M",
        "RI": b"\x1bM",
        "LF": b"\n",
        "ICH": b"abc\x1b[80@\r",
        "ECH": b"\x1b[H\x1b[999X",
        "DECALN": b"\x1b#8",
        "RIS": b"\x1bc",
        "1049": b"\x1b[?1049h\x1b[?1049l",
        "DECSLRM, SU": b"\x1b[?69h\x1b[3;70s\x1b[S",
        "DECIC": b"\x1b['}",
        "BEL": b"\a",
        "DA1": b"\x1b[c",
        "CPR": b"\x1b[6n",
        "OSC 0": b"\x1b]0;x\a",
        "combining": "e\u0301\u0301".encode(),
        "ZWJ": "👩\u200d🚀".encode(),
        "malformed UTF-8": b"\xff\xc3",
    }
    return {name: sequence * (FLOOD // len(sequence)) for name, sequence in sequences.items()}
