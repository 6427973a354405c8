"""Commands pay only for what they use: the list must not wait for Textual or SSH to be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from relaytui.cli.root import COMMANDS

HEAVY = ("textual", "rich", "asyncssh", "cryptography", "pyte", "sqlite3")


def modules_after(statement: str) -> set[str]:
    """The top-level modules a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    return set(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_nothing_heavy(command: str) -> None:
    loaded = modules_after(f"from relaytui.cli.root import root\nassert root.get_command(None, {command!r})")
    assert "relaytui" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_unix_link_imports_nothing_heavy() -> None:
    assert modules_after("import relaytui.link.unix, relaytui.link.supervisor").isdisjoint(HEAVY)
