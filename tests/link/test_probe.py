"""How an agent is looked for on a node: through any login shell, amid any noise."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaytui.link.errors import AgentFailed, AgentMissing, LinkError, SshConfigInvalid
from relaytui.link.probe import MARKER, ReportReader, bridge_command, parse_report, probe_command

SHELLS = [name for name in ("sh", "bash", "dash", "zsh", "csh", "tcsh", "fish", "ksh") if shutil.which(name)]


@pytest.fixture
def agent(tmp_path: Path) -> str:
    """An agent in a directory with a blank in its name, that reports its arguments."""
    path = tmp_path / "my programs" / "node-agent"
    path.parent.mkdir()
    path.write_text('#!/bin/sh\necho "{\\"socket\\": \\"/run/a.sock\\", \\"version\\": \\"$*\\"}"\n')
    path.chmod(0o755)
    return f"'{path}'"


def output_of(shell: str, command: str, home: Path) -> bytes:
    """What a login shell prints for `command`; fish leaves files in the home and temp directories."""
    env = {**os.environ, "HOME": str(home), "TMPDIR": str(home)}
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        env.pop(name, None)
    return subprocess.run([shell, "-c", command], capture_output=True, check=True, timeout=20, env=env).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_passes_the_command_on_unchanged(shell: str, agent: str, tmp_path: Path) -> None:
    reader = ReportReader("box")
    assert reader.feed(output_of(shell, probe_command("box", agent, "/data/my state"), tmp_path))
    assert reader.outcome().version == "probe --start --state /data/my state"


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_tells_that_there_is_no_agent(shell: str, tmp_path: Path) -> None:
    reader = ReportReader("box")
    assert reader.feed(output_of(shell, probe_command("box", "no-such-agent", ""), tmp_path))
    with pytest.raises(AgentMissing, match="no node agent there"):
        reader.outcome()


def test_a_home_directory_is_the_nodes_own(tmp_path: Path, agent: str) -> None:
    command = bridge_command("box", "~/my\\ programs/node-agent", "~/state")
    output = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        check=True,
        timeout=20,
        env={"HOME": str(tmp_path), "PATH": "/bin"},
    )
    assert f"bridge --state {tmp_path}/state".encode() in output.stdout


@pytest.mark.parametrize("word", ["it's", 'say "hi"', "a!b", "a\\b", "$HOME", "`id`", "a\nb"])
def test_what_a_shell_might_read_differently_is_refused(word: str) -> None:
    with pytest.raises(SshConfigInvalid):
        probe_command("box", "node-agent", word)


REPORT = b'{"socket":"/run/a.sock","version":"1"}\n'


@pytest.mark.parametrize(
    "output",
    [
        f"\n{MARKER}\n".encode() + REPORT,
        f"Welcome\r\n{MARKER} is what I say\nnot this\n".encode()[:9] + f"\n{MARKER}\n".encode() + REPORT,
        f"motd: {MARKER}\n\n{MARKER}\n".encode() + REPORT + b"trailing noise",
    ],
)
def test_the_report_is_found_however_it_is_cut(output: bytes) -> None:
    for size in (1, 3, 4096):
        reader = ReportReader("box")
        done = [reader.feed(output[at : at + size]) for at in range(0, len(output), size)]
        assert any(done)
        assert reader.outcome().socket == "/run/a.sock"


def test_an_agents_own_stream_is_recognised_behind_a_banner() -> None:
    reader = ReportReader("box")
    assert not reader.feed(b"Last login: today\r\n")
    assert reader.feed(b"RELAYTUI-NODE 1 1\n")
    assert reader.stream
    assert reader.seen == b"Last login: today\r\nRELAYTUI-NODE 1 1\n"


@pytest.mark.parametrize(
    ("line", "stderr", "words"),
    [
        ("{}", "", "no report"),
        ("[1]", "", "no report"),
        ('{"error": "disk \\u001b[31m full"}', "", "disk .* full"),
        ("", "warning\nstate is on nfs; use --state\n", "state is on nfs"),
    ],
)
def test_an_agent_that_does_not_start_says_why(line: str, stderr: str, words: str) -> None:
    with pytest.raises(AgentFailed, match=words) as caught:
        parse_report("box", line, stderr)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200), st.text(max_size=50))
def test_any_output_gives_a_report_or_one_line(output: bytes, stderr: str) -> None:
    reader = ReportReader("box")
    reader.feed(output)
    try:
        report = reader.outcome(stderr)
    except LinkError as error:
        text = str(error)
    else:
        text = report.version
    assert "\n" not in text
