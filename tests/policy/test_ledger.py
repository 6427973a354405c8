"""What policy did, on disk: every answer counts, however long ago, and none is lost to a line that a crash has cut."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from relaytui.hub.ledger import LOG_LIMIT, Entry, Ledger
from relaytui.hub.policy import Answered

SENDING = Entry(1.0, "yes", "", "box", "a", "a.1", "sending")
DRY = Entry(2.0, "dry", "would choose", "box", "a", "a.2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.jsonl"


def test_an_answer_counts_however_much_came_after_it(path: Path) -> None:
    ledger = Ledger(path)
    ledger.add(SENDING)
    with path.open("a") as file:
        file.writelines([json.dumps(asdict(DRY)) + "\n"] * (LOG_LIMIT + 5))
    assert ledger.answered() == [Answered("yes", 1.0)] == Ledger(path).answered()
    assert len(ledger.entries()) == LOG_LIMIT
    ledger.add(SENDING)
    assert len(ledger.answered()) == 2
    path.unlink()
    assert ledger.answered() == []
    ledger.add(SENDING)
    assert len(ledger.answered()) == 1


def test_a_line_that_was_cut_takes_no_other_along(path: Path) -> None:
    ledger = Ledger(path)
    ledger.add(SENDING)
    with path.open("a") as file:
        file.write('{"at": 1.0, "rule": "y')
    assert len(ledger.answered()) == 1
    ledger.add(SENDING)
    assert len(ledger.answered()) == 2 == len(Ledger(path).answered())


def test_what_does_not_fit_on_the_disk_may_not_be_sent(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda file, data: len(data) - 1)
    with pytest.raises(OSError) as caught:
        Ledger(path).add(SENDING)
    assert caught.value.errno == errno.ENOSPC
