"""A session that was lost with its machine, as the operator brings it back."""

from __future__ import annotations

import os
import signal

from tests.home import Home
from tests.processes import processes_of


def reboot(home: Home) -> None:
    """End everything of this home at once, and let the machine be in another life."""
    pids = processes_of(home.directory)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
    home.env["RELAY_BOOT_ID"] = "another"
    home.ok("node", "show", "local")  # starts the agent, however long that takes


def test_a_lost_session_is_started_again_on_the_operators_word(home: Home) -> None:
    asked = home.start("sh", "-c", "echo $COLOUR; exec cat", options=["--restart", "ask", "--env", "COLOUR=blue"])
    left = home.start("cat", options=["--restart", "auto"])
    home.ok("update", left, "--restart", "never")
    home.wait_printed(asked, "blue")
    reboot(home)
    home.wait_for(asked, lambda session: session["ask"] is not None)
    assert "lost: reboot" in home.ok("inbox")
    assert "started as" in home.run("answer", asked, "yes").stderr
    note = home.wait_for(asked, lambda session: session["note"].startswith("goes on as "))["note"]
    home.wait_printed(f"local/{note.split()[-1]}", "blue")
    states = {session["id"]: (session["state"], session["restart"]) for session in home.json("ls")}
    assert states[left.partition("/")[2]] == ("lost", "never")
    assert len(states) == 3
