"""The inbox and the answer, as commands against a real node."""

from __future__ import annotations

import sys

import pytest

from tests.home import Home

QUESTION = 'printf "Overwrite %s? [y/N] " "$0"; read answer; echo "answered <$answer>"; exec cat'


@pytest.fixture
def asking(home: Home) -> str:
    """A session that asks; ended by the home."""
    key = home.start("bash", "-c", QUESTION, "a.txt", options=["--title", "copy"])
    home.wait_for(key, lambda item: item["ask"] is not None)
    return key


def entry_of(home: Home, key: str) -> dict[str, object] | None:
    found = [item for item in home.json("inbox") if f"{item['node']}/{item['session']}" == key]
    return found[0] if found else None


def test_asks_are_listed_longest_waiting_first(home: Home, asking: str) -> None:
    second = home.start("bash", "-c", QUESTION, "b.txt")
    home.wait_for(second, lambda item: item["ask"] is not None)
    listed = [f"{item['node']}/{item['session']}" for item in home.json("inbox")]
    assert listed.index(asking) < listed.index(second)
    entry = entry_of(home, asking)
    assert entry is not None
    assert entry["excerpt"] == "Overwrite a.txt? [y/N]"
    assert (entry["kind"], entry["title"], entry["claimed_by"]) == ("confirm", "copy", "")
    assert f"local/{entry['id']}" in home.ok("inbox")
    for key in (asking, second):
        home.ok("kill", key)
        home.wait_for(key, lambda item: item["ask"] is None)
    assert entry_of(home, asking) is None


def test_a_numbered_question_is_listed_with_its_answers(home: Home) -> None:
    key = home.start(sys.executable, "-m", "relaytui.demo.programs", "choice")
    home.wait_for(key, lambda item: item["ask"] is not None)
    options = "1 Fix the tests, 2 Revert the change, 3 Show me the failures first"
    assert f"How shall I go on? Enter a number [1-3]: {options}" in home.ok("inbox")
    home.ok("kill", key)


def test_next_passes_over_what_is_handled_snoozed_or_seen(home: Home, asking: str) -> None:
    for mark, undo in (
        (("claim",), ("claim", "--seconds", "0")),
        (("snooze",), ("snooze", "--off")),
    ):
        assert f"{home.json('inbox', 'next')['node']}/{home.json('inbox', 'next')['session']}" == asking
        home.ok("inbox", mark[0], asking, *mark[1:])
        done = home.run("inbox", "next")
        assert (done.returncode, done.stdout) == (14, "")
        home.ok("inbox", undo[0], asking, *undo[1:])
    home.ok("inbox", "ack", asking)
    assert home.run("inbox", "next").returncode == 14
    entry = entry_of(home, asking)
    assert entry is not None
    assert entry["acked_by"]
    assert "seen by" in home.ok("inbox")
    home.ok("kill", asking)


def test_an_ask_that_is_not_there_is_named(home: Home) -> None:
    done = home.run("inbox", "ack", "local/nothing.1")
    assert done.returncode == 11
    assert "no open ask 'local/nothing.1'" in done.stderr


def test_an_answer_to_another_ask_is_not_sent(home: Home, asking: str) -> None:
    done = home.run("answer", asking, "yes", "--expect", "other.9")
    assert done.returncode == 62
    assert "asks something else" in done.stderr
    session = home.session(asking)
    assert session["ask"] is not None
    home.ok("kill", asking)


def test_one_letter_is_yes_or_no(home: Home, asking: str) -> None:
    assert home.json("answer", asking, "N")["outcome"] == "accepted"


def test_a_session_that_asks_nothing_has_no_answer(home: Home) -> None:
    key = home.start("sleep", "1000")
    assert home.run("answer", key, "yes").returncode == 14
    home.ok("kill", key)


@pytest.mark.parametrize(
    "words",
    [("answer", "x"), ("answer", "x", "maybe"), ("answer", "x", "yes", "--text", "a"), ("answer", "x", "0")],
)
def test_a_malformed_answer_is_a_usage_error(home: Home, words: tuple[str, ...]) -> None:
    assert home.run(*words).returncode == 2


def test_an_unknown_key_is_refused_before_anything_is_sent(home: Home) -> None:
    assert home.run("answer", "x", "--keys", "down entre").returncode == 59
