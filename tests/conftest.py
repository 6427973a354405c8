"""Fixtures that tests of several packages share."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.client import Client
from tests.harness import Node, start_node
from tests.home import Home, open_home

# A program under test must ask its terminal for the size, not the terminal that the tests run in.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# Programs under test start hundreds of times: each would compile all of relaytui for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What tests do in their own process must not reach the config, cache and state of whoever runs them.
_OWN = tempfile.TemporaryDirectory(prefix="relaytui-test-")
for name in ("CONFIG", "CACHE", "STATE"):
    os.environ[f"RELAYTUI_{name}_DIR"] = str(Path(_OWN.name) / name.lower())

# A busy machine is no failure, and a test leaves no files behind.
settings.register_profile("relaytui", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("relaytui")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: tests wait for real programs a third of the time."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + processors // 2


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """An operator's home with one node, shared by the tests of a module; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="relaytui-test-") as directory, open_home(Path(directory)) as opened:
        yield opened


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
