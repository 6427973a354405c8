"""A node that a test has to itself; tests/conftest.py has one that a module's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness import Node, running_node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node of the test's own."""
    async with running_node(tmp_path) as node:
        yield node
