"""Segments, index, reader: offsets never lie, whatever was dropped or torn."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.journal.index import (
    Body,
    Checkpoint,
    Gap,
    Input,
    Moment,
    Record,
    Resize,
    Time,
    decode,
    encode,
)
from node_agent.journal.reader import JournalReader, Missing
from node_agent.journal.segments import index_name, list_segments, log_name
from node_agent.journal.writer import JournalWriter

SECOND = 1_000_000_000
u64 = st.integers(0, 2**64 - 1)
bodies: st.SearchStrategy[Body] = st.one_of(
    st.just(Time()),
    st.builds(Input, u64, st.integers(0, 2**32 - 1), st.text(max_size=20)),
    st.builds(Resize, st.integers(0, 65535), st.integers(0, 65535)),
    st.builds(Checkpoint, st.text(max_size=20)),
    st.builds(Gap, u64),
)
records = st.builds(Record, u64, st.builds(Moment, u64, u64), bodies)


def at(seconds: float) -> Moment:
    return Moment(int(seconds * SECOND), int((1000 + seconds) * SECOND))


def read_all(reader: JournalReader, offset: int = 0) -> tuple[bytes, list[Missing]]:
    """Everything from `offset` on, and what was missing."""
    data, missing = b"", []
    while True:
        piece = reader.read(offset, 1000)
        if isinstance(piece, Missing):
            missing.append(piece)
            offset = piece.end
        elif piece:
            data += piece
            offset += len(piece)
        else:
            return data, missing


def test_an_index_record_has_these_bytes() -> None:
    record = Record(0x0102, Moment(3, 4), Input(5, 6, "send"))
    assert encode(record).hex(" ") == (
        "00 10 02 d1 00 00 00 00 00 00 01 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 04 "
        "00 00 00 00 00 00 00 05 00 00 00 06 73 65 6e 64"
    )


@given(st.lists(records))
def test_records_survive_the_way_to_disk_and_back(written: list[Record]) -> None:
    assert list(decode(b"".join(map(encode, written)))) == written


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_torn_tail_costs_the_torn_record_alone(written: list[Record], data: st.DataObject) -> None:
    encoded = [encode(record) for record in written]
    cut = data.draw(st.integers(1, len(encoded[-1])))
    assert list(decode(b"".join(encoded)[:-cut])) == written[:-1]


def test_a_record_of_a_later_version_is_skipped() -> None:
    unknown = bytearray(encode(Record(1, Moment(2, 3), Time())))
    unknown[2] = 200
    unknown[3] = (sum(unknown) - unknown[3]) & 0xFF
    known = Record(4, Moment(5, 6), Time())
    assert list(decode(bytes(unknown) + encode(known))) == [known]


def test_offsets_go_on_over_segments(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path), segment_bytes=1000)
    with JournalReader(str(tmp_path)) as reader:
        sent = b""
        for number in range(100):
            piece = b"%04d " % number * 20
            assert writer.append(piece, at(number)) == len(piece)
            sent += piece
            assert reader.read(writer.head - len(piece), 9999) == piece
        writer.close()
        assert [segment.base for segment in list_segments(str(tmp_path))] == list(range(0, 10_000, 1000))
        assert read_all(reader) == (sent, [])
        assert reader.read(2500, 100) == sent[2500:2600]
        assert (reader.first, reader.head) == (0, len(sent))
        assert reader.read(len(sent) + 5, 10) == b""


def test_a_reader_that_waits_at_the_end_of_a_segment_goes_on_in_the_next(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path), segment_bytes=10)
    with JournalReader(str(tmp_path)) as reader:
        writer.append(b"0123456789", at(0))
        assert reader.read(0, 99) == b"0123456789"
        assert reader.read(10, 99) == b""
        writer.append(b"next", at(1))
        assert reader.read(10, 99) == b"next"
    writer.close()


def test_the_cap_drops_the_oldest_segments_and_records_the_gap(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path), cap=4000, segment_bytes=1000)
    sent = b""
    for number in range(400):
        piece = b"%09d\n" % number * 10
        writer.append(piece, at(number))
        sent += piece
        assert sum(s.cost for s in list_segments(str(tmp_path))) <= 4000 + 100 + 28
    writer.close()
    with JournalReader(str(tmp_path)) as reader:
        first = reader.first
        assert 0 < first == writer.first
        assert read_all(reader) == (sent[first:], [Missing(0, first)])
        assert any(isinstance(r.body, Gap) and r.offset == first for r in reader.records())


def test_a_dropped_segment_a_reader_has_open_can_still_be_read(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path), segment_bytes=10)
    with JournalReader(str(tmp_path)) as reader:
        writer.append(b"0123456789", at(0))
        assert reader.read(0, 5) == b"01234"
        writer.append(b"abc", at(1))
        assert writer.drop_oldest(at(2)) > 0
        assert reader.read(5, 5) == b"56789"
        assert reader.read(10, 5) == b"abc"
        assert reader.read(0, 5) == Missing(0, 10)
    writer.close()


def test_a_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    for piece in (b"one ", b"two ", b"three"):
        writer = JournalWriter(str(tmp_path), segment_bytes=6)
        writer.append(piece, at(0))
        writer.close()
    with JournalReader(str(tmp_path)) as reader:
        assert read_all(reader) == (b"one two three", [])


def test_the_index_tells_what_happened_when(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path))
    writer.append(b"a" * 10, at(1))
    writer.append(b"b" * 10, at(1.01))
    writer.append(b"c" * 10, at(2))
    writer.note_input(1, 3, "send", at(2.5))
    writer.note_resize(80, 24, at(3))
    writer.note_checkpoint(20, "checkpoint", at(4))
    writer.close()
    with JournalReader(str(tmp_path)) as reader:
        assert list(reader.records()) == [
            Record(0, at(1), Time()),
            Record(20, at(2), Time()),
            Record(30, at(2.5), Input(1, 3, "send")),
            Record(30, at(3), Resize(80, 24)),
            Record(20, at(4), Checkpoint("checkpoint")),
        ]
        assert reader.moment_at(15) == at(1)
        assert reader.moment_at(25) == at(2)


def test_an_index_that_grows_without_output_ends_its_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node_agent.journal.writer.INDEX_BYTES", 1000)
    writer = JournalWriter(str(tmp_path))
    for number in range(100):
        writer.note_input(number, 1, "attach", at(number))
        writer.append(b"x", at(number))
    writer.close()
    assert len(list_segments(str(tmp_path))) > 3
    assert all(segment.index_size < 1100 for segment in list_segments(str(tmp_path)))


def test_a_full_disk_takes_what_fits_and_keeps_the_index_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(str(tmp_path))
    room = 10
    write = os.write

    def bounded_write(fd: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(fd, data[:room])
        room -= written
        return written

    monkeypatch.setattr("node_agent.journal.writer.os.write", bounded_write)
    assert writer.append(b"0123456789abc", at(0)) == 10
    assert writer.append(b"abc", at(1)) == 0
    room = 20
    assert writer.append(b"abc", at(2)) == 3  # and 17 bytes of a record that needs 28
    room = 1000
    assert writer.append(b"def", at(3)) == 3
    writer.close()
    with JournalReader(str(tmp_path)) as reader:
        assert read_all(reader) == (b"0123456789abcdef", [])
        assert list(reader.records()) == [Record(13, at(3), Time())]


def test_names_sort_as_numbers_and_strangers_are_ignored(tmp_path: Path) -> None:
    for name in ("note.log", "1.log", log_name(5), log_name(2**64 - 1), index_name(7), "00000000000000000009.log.gz"):
        (tmp_path / name).touch()
    assert [segment.base for segment in list_segments(str(tmp_path))] == [5, 2**64 - 1]
    assert list_segments(str(tmp_path / "nothing")) == []
