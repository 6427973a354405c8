"""The wire: golden bytes, cutting, garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.protocol.errors import LocalProtocolError, RemoteProtocolError
from node_agent.protocol.frames import MAX_PAYLOAD, Frame, FrameDecoder, FrameType, encode_frame, encode_json

frames = st.builds(
    Frame,
    st.sampled_from(FrameType),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=200),
)


def test_a_frame_has_these_bytes() -> None:
    assert (
        encode_frame(FrameType.BYTES, 3, 0x0102, b"ab")
        == bytes.fromhex("00000002 06 00000003 0000000000000102") + b"ab"
    )


def test_a_json_frame_is_compact_utf8() -> None:
    assert encode_json(FrameType.REQUEST, {"op": "hello", "t": "é"}, number=7)[17:] == '{"op":"hello","t":"é"}'.encode()


@given(st.lists(frames), st.data())
def test_cutting_changes_nothing(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(f.type, f.stream, f.number, f.payload) for f in sent)
    decoder = FrameDecoder()
    received: list[Frame] = []
    while stream:
        size = data.draw(st.integers(1, max(1, len(stream))))
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    assert received == sent


@given(st.binary(max_size=400))
def test_garbage_raises_remote_protocol_error_whole_or_bytewise(garbage: bytes) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[Frame], str]:
        decoder = FrameDecoder()
        received: list[Frame] = []
        try:
            for piece in pieces:
                received += decoder.feed(piece)
        except RemoteProtocolError as error:
            return received, str(error)
        return received, ""

    whole = FrameDecoder()
    got: list[Frame] = []
    error = ""
    try:
        for frame in whole.feed(garbage):
            got.append(frame)
    except RemoteProtocolError as raised:
        error = str(raised)
    assert outcome([garbage[i : i + 1] for i in range(len(garbage))]) == (got, error)


def test_a_huge_length_is_refused_before_its_payload() -> None:
    with pytest.raises(RemoteProtocolError, match="over the limit"):
        list(FrameDecoder().feed(encode_frame(FrameType.BYTES)[4:].rjust(17, b"\xff")))


def test_a_broken_decoder_stays_broken() -> None:
    decoder = FrameDecoder()
    with pytest.raises(RemoteProtocolError):
        list(decoder.feed(b"\xff" * 17))
    with pytest.raises(RemoteProtocolError):
        list(decoder.feed(encode_frame(FrameType.PING)))


def test_we_never_send_over_the_limit() -> None:
    with pytest.raises(LocalProtocolError):
        encode_frame(FrameType.BYTES, payload=bytes(MAX_PAYLOAD + 1))


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_payload_that_is_no_json_object_is_the_other_sides_fault(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Frame(FrameType.REQUEST, 0, 1, payload).json()
