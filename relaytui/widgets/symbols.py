"""The characters of the console's chrome, in a Unicode and an ASCII set."""

from __future__ import annotations

from dataclasses import dataclass

from relaytui.widgets.view import Status


@dataclass(frozen=True)
class Border:
    """The pieces of a frame; `dashed` is the horizontal edge behind which rows are hidden."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    horizontal: str
    vertical: str
    dashed: str


@dataclass(frozen=True)
class Symbols:
    """One set. All are one column wide."""

    status: dict[Status, str]
    light: Border
    heavy: Border
    round: Border
    ellipsis: str
    separator: str
    marker: str  # before what has the focus, where colour alone would say it
    pointer: str  # the chosen line of a list
    menu: str  # something that can be cycled
    pause: str  # before what is suspended
    bar: str  # what is done of something
    rail: str  # what is left of it
    enter: str
    shown_by_marker: bool  # draw the marker even where colours are there

    def fold(self, text: str) -> str:
        """`text` as this set can show it: the ASCII set marks what it cannot."""
        return text if self is UNICODE else text.encode("ascii", "replace").decode("ascii")


UNICODE = Symbols(
    status={
        Status.ASKING: "◆",
        Status.WORKING: "▶",
        Status.IDLE: "·",
        Status.DONE: "✓",
        Status.FAILED: "✗",
        Status.UNKNOWN: "?",
        Status.LOST: "↯",
    },
    light=Border("┌", "┐", "└", "┘", "─", "│", "┄"),
    heavy=Border("┏", "┓", "┗", "┛", "━", "┃", "┅"),
    round=Border("╭", "╮", "╰", "╯", "─", "│", "┄"),
    ellipsis="…",
    separator="·",
    marker="▸",
    pointer="▸",
    menu="▾",
    pause="‖",
    bar="━",
    rail="─",
    enter="↵",
    shown_by_marker=False,
)

ASCII = Symbols(
    status={
        Status.ASKING: "!",
        Status.WORKING: ">",
        Status.IDLE: ".",
        Status.DONE: "v",
        Status.FAILED: "x",
        Status.UNKNOWN: "?",
        Status.LOST: "~",
    },
    light=Border("+", "+", "+", "+", "-", "|", "."),
    heavy=Border("#", "#", "#", "#", "=", "#", ":"),
    round=Border("+", "+", "+", "+", "-", "|", "."),
    ellipsis="~",
    separator="-",
    marker="*",
    pointer=">",
    menu="v",
    pause="=",
    bar="=",
    rail="-",
    enter="enter",
    shown_by_marker=True,
)
