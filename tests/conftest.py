"""Fixtures that tests of several packages share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.home import Home, open_home

# A program under test must ask its terminal for the size, not the terminal that the tests run in.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# A busy machine is no failure, and a test leaves no files behind.
settings.register_profile("relaytui", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("relaytui")


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """An operator's home with one node, shared by the tests of a module; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="relaytui-test-") as directory, open_home(Path(directory)) as opened:
        yield opened
