"""What stands beside the bytes: metadata, exit records, recordings for export."""

from __future__ import annotations

import json
from pathlib import Path

from node_agent.journal.cast import export_cast
from node_agent.journal.index import Moment
from node_agent.journal.meta import (
    EXIT_NAME,
    META_NAME,
    ExitRecord,
    SessionMeta,
    read_exit,
    read_meta,
    reserve_exit,
    write_exit,
    write_meta,
)
from node_agent.journal.reader import JournalReader
from node_agent.journal.writer import JournalWriter

META = SessionMeta(
    id="s1",
    request="r",
    command=("make", "-j\udcff"),
    cwd="/src",
    env_keys=("PATH", "TERM"),
    columns=80,
    rows=24,
    title="build",
    tags=("ci",),
    started=1000.5,
    boot="b",
    order=1,
)


def at(seconds: float) -> Moment:
    return Moment(int(seconds * 1e9), int(seconds * 1e9))


def test_metadata_comes_back_and_can_be_replaced(tmp_path: Path) -> None:
    write_meta(str(tmp_path), META)
    write_meta(str(tmp_path), META._replace(seen=True))
    assert read_meta(str(tmp_path)) == META._replace(seen=True)
    assert (tmp_path / META_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [META_NAME]


def test_metadata_of_another_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    fields = {**META._asdict(), "colour": "red"}
    del fields["seen"]
    (tmp_path / META_NAME).write_text(json.dumps(fields))
    assert read_meta(str(tmp_path)) == META
    (tmp_path / META_NAME).write_text('{"id": "s1"}')
    assert read_meta(str(tmp_path)) is None
    assert read_meta(str(tmp_path / "nowhere")) is None


def test_an_exit_record_takes_the_space_that_was_reserved(tmp_path: Path) -> None:
    reserve_exit(str(tmp_path))
    assert read_exit(str(tmp_path)) is None
    size = (tmp_path / EXIT_NAME).stat().st_size
    write_exit(str(tmp_path), ExitRecord(signal=9, at=5.0, head=77))
    assert read_exit(str(tmp_path)) == ExitRecord(signal=9, at=5.0, head=77)
    assert (tmp_path / EXIT_NAME).stat().st_size == size


def test_the_first_exit_record_stands(tmp_path: Path) -> None:
    reserve_exit(str(tmp_path))
    write_exit(str(tmp_path), ExitRecord(code=0))
    write_exit(str(tmp_path), ExitRecord(reason="reboot"))
    assert read_exit(str(tmp_path)) == ExitRecord(code=0)


def test_a_recording_has_output_sizes_gaps_and_the_exit(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path), segment_bytes=8)
    writer.append(b"dropped!", at(1))
    writer.append("naïve ".encode()[:3], at(2))
    writer.drop_oldest(at(2))
    writer.append("naïve ".encode()[3:], at(2.5))
    writer.note_resize(100, 30, at(3))
    writer.append(b"\xff", at(4.25))
    writer.close()
    with JournalReader(str(tmp_path)) as reader:
        lines = list(export_cast(reader, META, ExitRecord(signal=15)))
    assert json.loads(lines[0]) == {
        "version": 3,
        "term": {"cols": 80, "rows": 24, "type": "xterm-256color"},
        "timestamp": 1000,
        "command": "make -j?",
        "title": "build",
    }
    assert [line if line.startswith("#") else json.loads(line) for line in lines[1:]] == [
        "# bytes 0 to 8 were dropped\n",
        [0.0, "o", "na"],
        [0.5, "o", "ïve "],
        [0.5, "r", "100x30"],
        [1.25, "o", "\ufffd"],
        [0.0, "x", "143"],
    ]
