"""Flow control of byte and screen streams, as scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.core.byte_stream import FAR_BEHIND, ByteMode, ByteStream, Step, StepKind
from node_agent.core.screen_stream import FRAME_REST, SYNC_LIMIT, ScreenStream

FRAME = 65536


def test_no_more_than_the_window_is_unacked() -> None:
    stream = ByteStream(ByteMode.FOLLOW, 100, 10_000)
    assert stream.next_step(50_000, 0, False, FRAME) == Step(StepKind.BYTES, 100, 10_000)
    stream.sent_bytes(100, 10_000)
    assert stream.next_step(50_000, 0, False, FRAME) is None
    stream.ack(5_100)
    assert stream.next_step(50_000, 0, False, FRAME) == Step(StepKind.BYTES, 10_100, 5_000)


def test_what_was_never_sent_cannot_be_acked() -> None:
    stream = ByteStream(ByteMode.FOLLOW, 0, 10_000)
    stream.sent_bytes(0, 1_000)
    stream.ack(99_999)
    assert stream.acked == 1_000


def test_an_attach_begins_with_a_snapshot_and_goes_on_from_it() -> None:
    stream = ByteStream(ByteMode.ATTACH, None, 65536)
    assert stream.next_step(500, 400, False, FRAME) == Step(StepKind.SNAPSHOT)
    stream.sent_snapshot(400)
    assert stream.next_step(500, 400, False, FRAME) == Step(StepKind.BYTES, 400, 100)


def test_far_behind_means_a_snapshot_and_the_next_one_waits_for_its_ack() -> None:
    stream = ByteStream(ByteMode.ATTACH, 0, 65536)
    assert stream.next_step(FAR_BEHIND + 1, FAR_BEHIND + 1, False, FRAME) == Step(StepKind.SNAPSHOT)
    stream.sent_snapshot(FAR_BEHIND + 1)
    head = 3 * FAR_BEHIND
    assert stream.next_step(head, head, False, FRAME) is None
    stream.ack(100)  # of bytes sent before the snapshot
    assert stream.next_step(head, head, False, FRAME) is None
    stream.ack(FAR_BEHIND + 1)
    assert stream.next_step(head, head, False, FRAME) == Step(StepKind.SNAPSHOT)


def test_a_screen_that_lags_itself_is_no_reason_for_a_snapshot() -> None:
    stream = ByteStream(ByteMode.ATTACH, 0, 65536)
    assert stream.next_step(10 * FAR_BEHIND, 1_000, False, FRAME) == Step(StepKind.BYTES, 0, FRAME)


def test_a_follower_ends_with_its_session_and_a_download_where_the_journal_ended() -> None:
    follow = ByteStream(ByteMode.FOLLOW, 10, 65536)
    assert follow.next_step(10, 10, False, FRAME) is None
    assert follow.next_step(10, 10, True, FRAME) == Step(StepKind.END)
    download = ByteStream(ByteMode.DOWNLOAD, 0, 65536, stop=20)
    assert download.next_step(100, 100, False, FRAME) == Step(StepKind.BYTES, 0, 20)
    download.sent_bytes(0, 20)
    assert download.next_step(200, 200, False, FRAME) == Step(StepKind.END)


@given(
    st.sampled_from(ByteMode),
    st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 400_000), st.booleans()), max_size=60),
)
def test_every_byte_is_sent_once_or_skipped_by_a_snapshot(mode: ByteMode, moves: list[tuple[int, int, bool]]) -> None:
    stream = ByteStream(mode, 0, 65536)
    head = position = 0
    for grown, acked, is_painted in moves:
        head += grown
        step = stream.next_step(head, head if is_painted else 0, False, FRAME)
        if step is None:
            stream.ack(acked)
            continue
        if step.kind is StepKind.SNAPSHOT:
            assert mode is ByteMode.ATTACH
            stream.sent_snapshot(head)
            position = head
        else:
            assert step.offset == position
            assert 0 < step.length <= min(FRAME, head - position)
            stream.sent_bytes(step.offset, step.length)
            position += step.length
        assert position - stream.acked <= 65536


def test_one_screen_frame_is_in_flight() -> None:
    stream = ScreenStream(0.1)
    assert stream.due_at(5.0, False) == 5.0
    assert stream.sent(5.0) == 1
    stream.mark_dirty()
    assert stream.due_at(6.0, False) is None
    stream.ack(7)
    assert stream.due_at(6.0, False) is None
    stream.ack(1)
    assert stream.due_at(6.0, False) == 5.1


def test_frames_keep_their_distance_and_a_clean_screen_sends_none() -> None:
    stream = ScreenStream(2.0)
    stream.ack(stream.sent(10.0))
    assert stream.due_at(10.5, False) is None
    stream.mark_dirty()
    assert stream.due_at(10.5, False) == 12.0
    stream.tune(0.0)
    due = stream.due_at(10.5, False)
    assert due is not None
    assert due <= 10.5
    stream.clean()
    assert stream.due_at(10.5, False) is None


def test_a_screen_that_takes_long_to_read_is_sent_less_often() -> None:
    stream = ScreenStream(0.01)
    stream.ack(stream.sent(10.0, took=0.1))
    stream.mark_dirty()
    assert stream.due_at(10.0, False) == pytest.approx(10.0 + 0.1 * FRAME_REST)
    stream.ack(stream.sent(11.0, took=0.0001))
    stream.mark_dirty()
    assert stream.due_at(11.0, False) == pytest.approx(11.01)


def test_a_synchronised_update_is_waited_for_but_not_for_ever() -> None:
    stream = ScreenStream(0.0)
    assert stream.due_at(1.0, True) == 1.0 + SYNC_LIMIT
    assert stream.due_at(1.1, True) == 1.0 + SYNC_LIMIT
    assert stream.due_at(1.1, False) == 1.1
