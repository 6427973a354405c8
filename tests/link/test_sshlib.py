"""The SSH library is imported without the tools it would look for libraries with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("module", ["ssh", "login", "hostkeys", "ssh_arguments"])
def test_no_compiler_is_run(module: str, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("gcc", "cc", "ld"):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho {name} >> {ran}\nexit 1\n")
        tool.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-c", f"import relaytui.link.{module}"], env=environment, check=True, timeout=60)
    assert not ran.exists(), ran.read_text()
