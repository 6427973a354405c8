"""Following a session as lines: each once, soft wraps joined, screens of full-screen programs left out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from relaytui.cli.lines import LineFollower


def finished(follower: LineFollower, data: bytes) -> list[str]:
    return ["".join(str(span[0]) for span in line) for line in follower.feed(data)]


def rest(follower: LineFollower) -> list[str]:
    return ["".join(str(span[0]) for span in line) for line in follower.rest()]


def test_a_line_is_finished_when_the_cursor_is_below_it() -> None:
    follower = LineFollower(20, 5)
    assert finished(follower, b"one\r\ntwo") == ["one"]
    assert follower.unfinished() == "two"
    assert finished(follower, b" and\r\n") == ["two and"]


def test_lines_that_scroll_away_are_not_lost() -> None:
    follower = LineFollower(20, 5)
    data = b"".join(b"line %d\r\n" % number for number in range(20_000))
    assert finished(follower, data) == [f"line {number}" for number in range(20_000)]


def test_soft_wraps_are_joined() -> None:
    follower = LineFollower(10, 5)
    assert finished(follower, b"x" * 34 + b"\r\n") == ["x" * 34]


def test_a_line_longer_than_the_screen_is_one_line() -> None:
    follower = LineFollower(12, 4)
    assert [finished(follower, b"x" * 30) for _ in range(10)] == [[]] * 10
    assert finished(follower, b"\r\nnext\r\n") == ["x" * 300, "next"]


def test_of_a_line_longer_than_the_history_nothing_is_lost() -> None:
    follower = LineFollower(2, 3)
    words = "".join(f"{number}," for number in range(5000))
    parts = finished(follower, f"{words}.\r\n".encode())
    assert "".join(parts) == f"{words}."


def test_a_progress_bar_is_one_line() -> None:
    follower = LineFollower(20, 5)
    assert finished(follower, b"10 %\r50 %\r100 %\r\n") == ["100 %"]


def test_the_alternate_screen_is_left_out() -> None:
    follower = LineFollower(20, 5)
    assert finished(follower, b"before\r\n\x1b[?1049h\x1b[Hvim\r\n~\r\n~\x1b[?1049lafter\r\n") == ["before", "after"]


def test_what_is_printed_after_a_clear_is_new() -> None:
    follower = LineFollower(20, 5)
    assert finished(follower, b"a\r\nb\r\nc\r\n") == ["a", "b", "c"]
    assert finished(follower, b"\x1b[H\x1b[2J") == []
    assert finished(follower, b"d\r\n") == ["d"]


def test_the_rest_is_what_stands_on_the_screen() -> None:
    follower = LineFollower(20, 5)
    assert finished(follower, b"one\r\n$ ") == ["one"]
    assert rest(follower) == ["$"]
    assert rest(follower) == []


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("abc ", min_size=1, max_size=50).map(str.rstrip), max_size=60), st.integers(1, 40))
def test_any_chunking_gives_the_same_lines(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\r\n" for line in lines).encode()
    follower = LineFollower(12, 4)
    found = [line for start in range(0, len(data), size) for line in finished(follower, data[start : start + size])]
    assert found == lines
