"""The words of `relaytui send` and what they mean."""

from __future__ import annotations

import pytest

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sending import Chunk
from relaytui.cli.send import parse_chunks


@pytest.mark.parametrize(
    ("word", "chunk"),
    [
        ("yes", Chunk(text="yes")),
        ("key:enter", Chunk(key="enter")),
        ("key:ctrl+c", Chunk(key="ctrl+c")),
        ("key:f5", Chunk(key="f5")),
        ("key:shift+tab", Chunk(key="shift+tab")),
        ("key:alt+x", Chunk(key="alt+x")),
        ("key:+", Chunk(key="+")),
        ("key:hex:1b5b41", Chunk(data="1b5b41")),
        ("text:key:enter", Chunk(text="key:enter")),
        ("text:", Chunk(text="")),
        ("keyboard", Chunk(text="keyboard")),
    ],
)
def test_a_word_is_text_or_a_key(word: str, chunk: Chunk) -> None:
    assert parse_chunks([word]) == (chunk,)


@pytest.mark.parametrize("word", ["key:entre", "key:", "key:hyper+x", "key:hex:1", "key:hex:zz"])
def test_an_unknown_key_is_refused_before_anything_is_sent(word: str) -> None:
    with pytest.raises(RequestError, match="nothing was sent") as caught:
        parse_chunks(["rm -rf build", word])
    assert caught.value.code is ErrorCode.BAD_KEY


def test_a_near_miss_is_named() -> None:
    with pytest.raises(RequestError, match="did you mean enter"):
        parse_chunks(["key:entre"])
