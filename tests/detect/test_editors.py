"""Editors in a shell: one the operator typed alerts nobody, one that a program opened and waits for does."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.home import Home

pytestmark = pytest.mark.skipif(shutil.which("vim") is None, reason="not installed: vim")


def editing(item: Any) -> bool:
    return item["ask"] is not None and item["ask"]["kind"] == "editor"


@pytest.mark.parametrize(
    ("typed", "is_told"),
    [("vim notes", False), ("sh -c 'vim notes; true'", True)],
    ids=["typed", "opened by a program"],
)
def test_who_is_told_of_an_editor(home: Home, typed: str, is_told: bool) -> None:
    key = home.start("bash", "--norc", "-i")
    home.wait_for(key, lambda item: item["attention"] == "idle")
    home.ok("send", key, f"text:{typed}", "key:enter")
    ask = home.wait_for(key, editing)["ask"]
    assert ask["quiet"] is not is_told
    home.ok("kill", key)
