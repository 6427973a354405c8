"""The preamble and what is agreed on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.protocol.errors import RemoteProtocolError
from node_agent.protocol.version import MAX_BANNER, PreambleReader, Versions, agree, preamble


@given(st.binary(max_size=300).filter(lambda b: b"RELAYTUI" not in b), st.binary(max_size=50), st.integers(1, 40))
def test_a_banner_before_the_line_is_skipped_however_it_is_cut(banner: bytes, rest: bytes, size: int) -> None:
    stream = banner + b"\n" + preamble(Versions(1, 3)) + rest
    reader = PreambleReader()
    versions = None
    while versions is None:
        versions = reader.feed(stream[:size])
        stream = stream[size:]
    assert versions == Versions(1, 3)
    assert reader.rest + stream == rest
    assert reader.banner == banner + b"\n"


def test_the_word_inside_a_line_is_not_the_preamble() -> None:
    assert PreambleReader().feed(b"see RELAYTUI-NODE 1 1\n") is None


def test_endless_banner_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="no node agent answered"):
        PreambleReader().feed(b"x" * (MAX_BANNER + 1))


@pytest.mark.parametrize("line", [b"RELAYTUI-NODE x 1\n", b"RELAYTUI-NODE 1\n", b"RELAYTUI-NODE 1 99999999\n"])
def test_a_line_without_versions_is_refused(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        PreambleReader().feed(line)


@pytest.mark.parametrize(
    ("ours", "theirs", "common"),
    [((1, 1), (1, 1), 1), ((1, 3), (2, 5), 3), ((1, 2), (3, 4), None), ((4, 5), (1, 3), None)],
)
def test_the_highest_common_is_agreed(ours: tuple[int, int], theirs: tuple[int, int], common: int | None) -> None:
    assert agree(Versions(*ours), Versions(*theirs)) == common
