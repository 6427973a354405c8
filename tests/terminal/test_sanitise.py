"""Strings of unknown origin lose every way to act on a terminal or to hide from a reader."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.terminal.sanitise import mask_hidden, sanitise

LEGITIMATE = (
    "plain",
    "",
    "naïve — “quotes”",
    "漢字 かな",
    "✳ Claude Code",
    "⚠️ Proceed?",
    "👨‍👩‍👧",
    "❤️‍🔥",
    "1️⃣ 2️⃣",
    "\ue0b0 main",
)


@pytest.mark.parametrize("text", LEGITIMATE)
def test_legitimate_text_is_left_alone(text: str) -> None:
    assert sanitise(text, 100) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\x07b\x00", "a␇b␀"),
        ("a\tb\nc\r\nd", "a b c  d"),
        ("a\x9b6n", "a\ufffd6n"),
        ("a\x7f", "a\ufffd"),
        ("rm\u202e fr- /", "rm\ufffd fr- /"),
        ("a\u2066b\u2069", "a\ufffdb\ufffd"),
        ("pass\u200bword", "pass\ufffdword"),
        ("\ufeffx\u00ady", "\ufffdx\ufffdy"),
        ("a\u200db", "a\ufffdb"),
        ("a\ufe0f\ufe0f", "a\ufffd\ufffd"),
        ("\u200d\u200d", "\ufffd\ufffd"),
        ("hi\U000e0041\U000e0101", "hi\ufffd\ufffd"),
        ("bad\udcff", "bad\ufffd"),
        ("a\u2028b", "a b"),
    ],
)
def test_hidden_and_acting_characters_are_shown(text: str, shown: str) -> None:
    assert sanitise(text, 100) == shown


def test_length_is_capped_visibly() -> None:
    assert [sanitise("abcdef", limit) for limit in (6, 5, 1, 0)] == ["abcdef", "abcd…", "…", ""]


def test_line_feeds_stay_where_asked() -> None:
    assert sanitise("a\r\nb\x1b\nc\td", 100, multiline=True) == "a\nb␛\nc d"


@given(st.text(alphabet=st.characters(), max_size=60), st.integers(0, 40), st.booleans())
def test_result_is_bounded_idempotent_and_without_controls(text: str, limit: int, multiline: bool) -> None:
    once = sanitise(text, limit, multiline=multiline)
    assert len(once) <= limit
    assert sanitise(once, limit, multiline=multiline) == once
    assert not [c for c in once if unicodedata.category(c) in ("Cc", "Cs") and not (multiline and c == "\n")]
    once.encode()


@given(st.text(alphabet=st.characters(), max_size=30))
def test_masked_cells_keep_their_number_of_characters(text: str) -> None:
    masked = mask_hidden(text)
    assert len(masked) == len(text)
    assert not [c for c in masked if unicodedata.category(c) in ("Cc", "Cs")]
