"""The control protocol: golden bytes, cutting, garbage, versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.keeper.control import (
    ControlError,
    ExitStatus,
    Frame,
    FrameDecoder,
    SessionRecord,
    agree,
    encode_frame,
    preamble,
    record_from_wire,
    record_to_wire,
)
from node_agent.protocol.states import SessionState

frames = st.builds(
    Frame,
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=4),
    st.binary(max_size=10),
)


def test_a_preamble_has_these_bytes() -> None:
    assert preamble(1, 3) == b"RTKEEP\x01\x03"


def test_a_frame_has_these_bytes() -> None:
    frame = encode_frame({"op": "write", "n": 7, "session": "s1"}, b"ls\r")
    assert frame == bytes.fromhex("00000023 00000003") + b'{"op":"write","n":7,"session":"s1"}ls\r'


def test_arguments_that_are_no_utf8_survive() -> None:
    assert FrameDecoder().feed(encode_frame({"command": ["\udcff", "é"]})) == [Frame({"command": ["\udcff", "é"]})]


@pytest.mark.parametrize(("ours", "theirs", "common"), [((1, 1), (1, 1), 1), ((1, 3), (2, 5), 3), ((2, 9), (1, 2), 2)])
def test_the_highest_common_version_is_spoken(ours: tuple[int, int], theirs: tuple[int, int], common: int) -> None:
    assert agree(preamble(*theirs), *ours) == common


@pytest.mark.parametrize("theirs", [preamble(2, 3), b"SSH-2.0-", b"", preamble()[:5]])
def test_no_common_version_is_an_error(theirs: bytes) -> None:
    with pytest.raises(ControlError):
        agree(theirs, 1, 1)


@given(st.lists(frames, max_size=3), st.data())
def test_cutting_changes_nothing(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(*frame) for frame in sent)
    decoder = FrameDecoder()
    received: list[Frame] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    assert received == sent


@given(st.binary(max_size=200))
def test_garbage_raises_control_error_and_nothing_else(garbage: bytes) -> None:
    try:
        FrameDecoder().feed(garbage)
    except ControlError:
        pass


@pytest.mark.parametrize(
    "stream", ["ffffffff 00000000", "00000002 ffffffff", "00000002 00000000 5b5d", "00000001 00000000 7b"]
)
def test_a_broken_frame_is_refused(stream: str) -> None:
    with pytest.raises(ControlError):
        FrameDecoder().feed(bytes.fromhex(stream))


def test_a_record_goes_over_the_wire_and_unknown_fields_are_ignored() -> None:
    record = SessionRecord("s1", SessionState.EXITED, 5, 10, 2, 80, 24, 1.5, "r", 3, ExitStatus(None, 15, 2.5, ""))
    wire = record_to_wire(record)
    assert wire["state"] == "exited"
    assert wire["exit"] == [None, 15, 2.5, ""]
    assert record_from_wire({**wire, "colour": "red", "exit": [*wire["exit"], "later"]}) == record
