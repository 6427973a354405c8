"""A journal as an asciicast v3 recording (docs.asciinema.org/manual/asciicast/v3).

The recording is text: bytes that are no UTF-8 become U+FFFD and offsets in it are not journal offsets. Input is not in
it, because the journal does not keep it.
"""

from __future__ import annotations

import codecs
import json
from typing import Iterator, Optional

from node_agent.journal.index import Gap, Moment, Record, Resize, Time
from node_agent.journal.meta import ExitRecord, SessionMeta
from node_agent.journal.reader import JournalReader, Missing

_CHUNK = 64 * 1024


def export_cast(reader: JournalReader, meta: SessionMeta, exit_record: Optional[ExitRecord] = None) -> Iterator[str]:
    """The lines of the recording, each with its newline, from the oldest byte kept to the head at this moment."""
    header = {
        "version": 3,
        "term": {"cols": meta.columns, "rows": meta.rows, "type": "xterm-256color"},
        "timestamp": int(meta.started),
        "command": " ".join(meta.command).encode("utf-8", "replace").decode(),
        "title": meta.title,
    }
    yield _line({name: value for name, value in header.items() if value != ""})
    writer = _Events(reader)
    head = reader.head
    for record in reader.records():
        yield from writer.output_until(min(record.offset, head))
        yield from writer.take(record)
    yield from writer.output_until(head)
    yield from writer.finish()
    if exit_record is not None:
        status = exit_record.code if exit_record.code is not None else 128 + (exit_record.signal or 0)
        yield _line([0.0, "x", str(status)])


class _Events:
    """Cuts output at the moments the index knows and keeps the time since the last event."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._offset = reader.first
        self._now: Optional[Moment] = None
        self._told: Optional[Moment] = None

    def take(self, record: Record) -> Iterator[str]:
        if isinstance(record.body, Time):
            self._now = record.moment
        elif isinstance(record.body, Resize):
            self._now = record.moment
            yield _line([self._interval(), "r", f"{record.body.columns}x{record.body.rows}"])
        elif isinstance(record.body, Gap):
            yield f"# bytes {record.body.start} to {record.offset} were dropped\n"

    def output_until(self, end: int) -> Iterator[str]:
        while self._offset < end:
            data = self._reader.read(self._offset, min(_CHUNK, end - self._offset))
            if isinstance(data, Missing):
                yield f"# bytes {data.start} to {data.end} were dropped\n"
                self._offset = data.end
                continue
            if not data:
                return
            self._offset += len(data)
            text = self._decoder.decode(data)
            if text:
                yield _line([self._interval(), "o", text])

    def finish(self) -> Iterator[str]:
        text = self._decoder.decode(b"", True)
        if text:
            yield _line([0.0, "o", text])

    def _interval(self) -> float:
        """Seconds since the last event."""
        if self._now is None:
            return 0.0
        since = self._told or self._now
        self._told = self._now
        return round(max(0, self._now.boot - since.boot) / 1e9, 3)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
