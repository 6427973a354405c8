"""The README's way of queueing work, run as it stands there; of what it asks of a machine only the size is changed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.home import RELAYTUI, Home, open_home
from tests.pty_program import on_terminal

pytestmark = pytest.mark.timeout(240)

README = Path(__file__).parents[2] / "README.md"
GPU = "NVIDIA H100, 81559, 80000, 3"


def commands() -> str:
    """The first block of commands in the section."""
    section = README.read_text("utf-8").split("## Queue work where it can run")[1].split("\n## ")[0]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found is not None
    assert "mem>=64G" in found[1]
    return found[1].replace("mem>=64G", "mem>=64M")


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)
    return path


def test_the_jobs_of_the_readme(tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        home.configure(home.node("gpu-box"))
        relaytui = program(tmp_path / "bin" / "relaytui", f'#!/bin/sh\nexec {shlex.join(RELAYTUI)} "$@"\n')
        driver = program(tmp_path / "driver" / "nvidia-smi", f"#!/bin/sh\necho '{GPU}'\n")
        program(tmp_path / "home" / "nightly.sh", "#!/bin/sh\necho 'nightly on a GPU'\n")
        (tmp_path / "home" / "train.py").write_text("print('loss 0.25')\n")
        paths = {"bin": f"{relaytui.parent}:{home.env['PATH']}", "gpu": f"{driver.parent}:{home.env['PATH']}"}
        _has_a_gpu(home, paths["gpu"])
        with on_terminal(
            ["bash", "-e", "-c", commands()], columns=120, rows=30, env={**home.env, "PATH": paths["bin"]}
        ) as terminal:
            terminal.wait_for(b"loss 0.25", timeout=60)
            terminal.wait_for(rb"nightly on a GPU", timeout=60)
            assert terminal.wait(timeout=60) == 0
            assert b"local" in terminal.output.rpartition(b"nightly on a GPU")[2]  # smoke names every node
        (job,) = [job for job in home.json("job", "ls") if job["command"] == ["./nightly.sh"]]
        assert (job["state"], job["node"]) == ("done", "gpu-box")


def _has_a_gpu(home: Home, path: str) -> None:
    """Start the agent of gpu-box where the driver's program is."""
    done = home.run("node", "show", "gpu-box", env={"PATH": path})
    assert done.returncode == 0, done.stderr
    facts = home.json("node", "show", "gpu-box")
    assert "H100" in str(facts), facts
