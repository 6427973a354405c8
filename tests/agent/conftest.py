"""A node that a module's tests share, each with a client and sessions of its own, or one that a test has to itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.client import Client
from tests.harness import Node, running_node, start_node


@pytest.fixture(scope="module")
def module_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that lives as long as the module. Its processes belong to no event loop, so each test may have its own."""
    node = asyncio.run(start_node(tmp_path_factory.mktemp("node")))
    yield node
    asyncio.run(node.stop())


@pytest.fixture
async def shared_node(module_node: Node) -> AsyncIterator[Node]:
    """The module's node; the test's clients are closed after it."""
    yield module_node
    await module_node.close_clients()


@pytest.fixture
async def client(shared_node: Node) -> Client:
    """A client of the shared node."""
    return await shared_node.connect()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node of the test's own."""
    async with running_node(tmp_path) as node:
        yield node
