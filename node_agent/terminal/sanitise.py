"""Makes a string of unknown origin safe to show: titles, paths, notifications, excerpts, host names, error texts.

Every string that is not a screen cell passes here on the node and again before it is drawn, because a node may be
hostile. What could act on a terminal or hide text from a reader is shown as a mark instead of being removed, so that
an approval is never judged on less than what was written.
"""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"

_HIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b\u200c\u200e\u200f"  # zero width space and non-joiner, direction marks
    "\u2028-\u202e\u2060-\u206f"  # separators, bidi embeddings, overrides and isolates, invisible operators
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear annotations
    "\ud800-\udfff"  # lone surrogates, which no UTF-8 stream can carry
    "\U000e0000-\U000e01ef"  # tags and supplementary variation selectors, used to smuggle text
    "]"
    # A joiner belongs after a symbol, a variation selector after a symbol or a keycap's base, and only one of them.
    "|(?<![^\x00-\x7f\u200d])\u200d"
    "|(?<![^\x00-\x7f\u200d\ufe00-\ufe0f])(?<![0-9#*])[\ufe00-\ufe0f]"
)
_SPACES = "\t\n\v\f\r\x85\u2028\u2029"


def _mark(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SPACES:
        return " "
    if character < " ":
        return chr(0x2400 + ord(character))
    return REPLACEMENT


def sanitise(text: str, limit: int, *, multiline: bool = False) -> str:
    """Return at most `limit` code points of `text` with nothing in it that a terminal obeys or a reader cannot see.

    White space becomes a plain space (line feeds stay where `multiline`), C0 controls their Unicode pictures, and
    every other control, direction or invisible character U+FFFD. A longer text ends in "…". Idempotent.
    """
    if len(text) > limit:
        text = text[: max(0, limit - 1)] + "…" if limit > 0 else ""
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        return "\n".join(_HIDDEN.sub(_mark, line) for line in text.replace("\r\n", "\n").split("\n"))
    return _HIDDEN.sub(_mark, text)


def mask_hidden(text: str) -> str:
    """Return cell text of the same length with each control, direction or invisible character as U+FFFD."""
    if text.isprintable():
        return text
    return _HIDDEN.sub(REPLACEMENT, text)
