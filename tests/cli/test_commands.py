"""The commands against a real node: what they print, what they leave, what they end with."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import time

import pytest

from relaytui.config import NodeConfig, Transport
from tests.home import RELAYTUI, Home


def test_start_list_stop_remove(home: Home) -> None:
    key = home.start("sh", "-c", "echo ready; exec cat", options=["--title", "cats", "--tag", "a", "--tag", "b"])
    assert re.fullmatch(r"local/\w+", key)
    session = home.wait_for(key, lambda item: item["bytes"] >= 7)
    assert session["title"] == "cats"
    assert session["tags"] == ["a", "b"]
    assert session["size"] == [120, 40]
    assert session["command"] == ["sh", "-c", "echo ready; exec cat"]
    assert session["cwd"] == home.env["HOME"]
    assert session["exited"] is None

    assert home.run("rm", key).returncode == 54
    home.ok("stop", key, "--grace", "1")
    session = home.wait_for(key, lambda item: item["exited"] is not None)
    assert session["exited"]["signal"] in (1, 15)
    home.ok("rm", key)
    assert home.session(key) is None


def test_list_filters(home: Home) -> None:
    one = home.start("cat", options=["--title", "first of two", "--tag", "red"])
    two = home.start("cat", options=["--title", "second", "--tag", "red", "--tag", "blue"])

    def listed(*options: str) -> set[str]:
        return {f"{item['node']}/{item['id']}" for item in home.json("ls", *options)}

    assert {one, two} <= listed()
    assert listed("--tag", "red", "--tag", "blue") == {two}
    assert listed("--search", "FIRST two") == {one}
    assert listed("--state", "exited", "--tag", "red") == set()
    assert home.run("ls", "--node", "nowhere").returncode == 10
    for key in (one, two):
        home.ok("kill", key)


def test_a_tag_may_be_a_fact_of_the_node_as_in_a_requirement(home: Home) -> None:
    machine = platform.machine()
    key = home.ok("start", "--detach", "--requires", machine, "--tag", "green", "--", "cat").strip()

    def listed(*options: str) -> list[str]:
        return [f"{item['node']}/{item['id']}" for item in home.json("ls", *options)]

    deadline = time.monotonic() + 30  # an agent that has just been started still looks at its machine
    while not home.json("node", "ls")[0]["facts"]:
        assert time.monotonic() < deadline
    assert listed("--tag", machine.upper(), "--tag", "green") == [key]
    assert listed("--tag", f"not-{machine}", "--tag", "green") == []
    home.ok("kill", key)


def test_the_exit_status_is_kept(home: Home) -> None:
    key = home.start("sh", "-c", "exit 3")
    session = home.wait_for(key, lambda item: item["exited"] is not None)
    assert session["exited"]["code"] == 3
    assert session["attention"] == "exited"
    assert "✗ failed 3" in home.ok("ls")


def test_environment_directory_and_size(home: Home) -> None:
    script = 'import os; print(os.getcwd(), os.environ["X"], os.environ["RELAY_SESSION"], *os.get_terminal_size())'
    options = ["--cwd", "/", "--env", "X=a b", "--size", "91x17"]
    key = home.start(sys.executable, "-c", script, options=options)
    assert home.wait_printed(key, "91") == f"/ a b {key.partition('/')[2]} 91 17\n"


def test_update_changes_title_and_tags(home: Home) -> None:
    key = home.start("cat", options=["--tag", "x"])
    assert home.json("update", key, "--title", "named", "--tag", "y")["title"] == "named"
    assert home.session(key)["tags"] == ["y"]
    home.ok("update", key, "--tag", "")
    assert home.session(key)["tags"] == []
    assert home.run("update", key).returncode == 2
    home.ok("kill", key)


def test_send_types_text_and_keys(home: Home) -> None:
    key = home.start("sh", "-c", 'stty -echo; echo ready; while read line; do echo "got <$line>"; done')
    home.wait_printed(key, "ready")
    home.ok("send", key, "hello there", "key:enter")
    home.wait_printed(key, "got <hello there>")
    home.ok("send", key, "key:hex:6869", "key:enter")
    home.wait_printed(key, "got <hi>")
    home.ok("send", key, text="from stdin\n")
    home.wait_printed(key, "got <from stdin>")
    reply = home.json("send", key, "x")
    assert reply["bytes"] == 1
    home.ok("send", key, "key:ctrl+c")
    home.wait_for(key, lambda item: item["exited"] is not None)
    assert home.run("send", key, "late").returncode == 53


def test_send_needs_its_id(home: Home) -> None:
    assert home.run("send").returncode == 2


def test_logs_as_lines_and_as_bytes(home: Home) -> None:
    program = r"printf '\033[31mred\033[m\n'; seq 1 100; printf 'x%.0s' $(seq 150); echo; sleep 1000"
    key = home.start("bash", "-c", program, options=["--size", "80x24"])
    lines = home.wait_printed(key, "x" * 150).splitlines()
    assert lines == ["red", *map(str, range(1, 101)), "x" * 150]
    assert home.ok("logs", key, "--tail", "2").splitlines() == ["100", "x" * 150]
    assert "\x1b[31mred\x1b[m" in home.ok("logs", key, "--color")
    raw = home.ok("logs", key, "--raw")
    assert raw.startswith("\x1b[31mred\x1b[m")
    assert home.ok("logs", key, "--raw", "--offset", "5") == raw[5:]
    assert home.json("logs", key)["offset"] == len(raw.replace("\n", "\r\n"))
    home.ok("kill", key)


def test_logs_follow_until_the_session_ends(home: Home) -> None:
    key = home.start("sh", "-c", "echo before; read x; seq 1 5000; printf unfinished")
    with home.terminal("logs", key, "--follow") as follower:
        follower.wait_for(b"before")
        home.ok("send", key, "go", "key:enter")
        assert follower.wait() == 0
    lines = [line for line in follower.output.decode().splitlines() if line]
    assert lines == ["before", "go", *map(str, range(1, 5001)), "unfinished"]


def test_the_alternate_screen_is_logged_as_its_last_screen(home: Home) -> None:
    key = home.start("sh", "-c", r"seq 1 50; printf '\033[?1049h\033[H\033[2Jfull screen'; sleep 1000")
    assert home.wait_printed(key, "full screen") == "full screen\n"
    home.ok("kill", key)


def test_ids_are_found_by_key_id_title_and_beginning(home: Home) -> None:
    key = home.start("cat", options=["--title", "the only one of its name"])
    for word in (key, key.partition("/")[2], "the only one of its name"):
        assert home.run("logs", word).returncode == 0
    done = home.run("logs", "no such")
    assert (done.returncode, done.stdout) == (11, "")
    assert done.stderr.count("\n") == 1
    home.start("cat", options=["--title", "double"])
    home.start("cat", options=["--title", "double"])
    done = home.run("logs", "double")
    assert done.returncode == 12
    assert "may be local/" in done.stderr


def test_nodes_are_added_listed_and_removed(home: Home) -> None:
    home.ok("node", "add", "box", "me@box.invalid", "--tag", "gpu", "--later")
    assert home.run("node", "add", "box", "box.invalid").returncode == 10
    home.ok("node", "rm", "box")
    assert home.run("node", "rm", "box").returncode == 10
    assert home.run("node", "rm", "local").returncode == 10
    (local,) = home.json("node", "ls")
    assert local.keys() >= {"name", "uuid", "state", "since", "error", "agent", "keeper", "sessions", "asking"}
    assert local["state"] == "connected"


def test_a_node_that_does_not_answer_makes_a_partial_list(home: Home) -> None:
    key = home.start("cat")
    home.configure(NodeConfig("gone", transport=Transport.UNIX, socket=str(home.directory / "nobody.sock")))
    try:
        done = home.run("ls", "--json")
        assert done.returncode == 3
        assert key.partition("/")[2] in {item["id"] for item in json.loads(done.stdout)}
        assert done.stderr.startswith("gone:")
        assert done.stderr.count("\n") == 1
        assert home.run("node", "ls").returncode == 3
        assert home.run("logs", key).returncode == 0
    finally:
        home.config_file.unlink()


@pytest.mark.parametrize(
    "words", [["bogus"], ["ls", "--nonsense"], ["start", "--env", "novalue"], ["logs", "--json", "-f"]]
)
def test_a_wrong_command_line_is_one_line(home: Home, words: list[str]) -> None:
    done = home.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_whoever_reads_no_further_is_no_error(home: Home) -> None:
    key = home.start("sh", "-c", "seq 1 5000; sleep 1000")
    home.wait_printed(key, "5000")
    reader = subprocess.Popen([*RELAYTUI, "logs", key], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.env)
    assert reader.stdout is not None
    assert reader.stderr is not None
    with reader:
        reader.stdout.read(1)
        reader.stdout.close()
        assert reader.stderr.read() == b""
        assert reader.wait(20) == 0
    home.ok("kill", key)
