"""libvterm's conformance files against the vt engine: every section passes but those named here, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from node_agent.terminal.vt.engine import VtEngine
from tests.terminal.libvterm import FILES, Runner

C1 = "8-bit C1 controls and GR are off: the bytes are UTF-8"
DOUBLE_WIDTH = "rows of double width are not kept apart; xterm-256color programs do not use them"
NO_FONTS = "fonts and super- and subscript are not part of a cell"
EXPECTED: dict[tuple[str, str], str] = {
    ("14state_encoding", "SS2"): C1,
    ("14state_encoding", "SS3"): C1,
    ("14state_encoding", "LS1R"): C1,
    ("14state_encoding", "LS2R"): C1,
    ("14state_encoding", "LS3R"): C1,
    ("15state_mode", "Insert/Replace Mode"): "the glyph is looked for after the same push has moved it",
    (
        "16state_resize",
        "Resize shrink moves cursor",
    ): "the file runs without reflow; here the row wraps and the cursor follows",
    ("26state_query", "DA"): "the answer says VT220 with colour",
    ("26state_query", "XTVERSION"): "the answer is our name",
    ("26state_query", "S8C1T on DSR"): C1,
    ("28state_dbl_wh", "Double Width, Single Height"): DOUBLE_WIDTH,
    ("30state_pen", "Reset"): NO_FONTS,
    ("30state_pen", "Font Selection"): NO_FONTS,
    ("30state_pen", "Super/Subscript"): NO_FONTS,
    ("30state_pen", "Bold+ANSI colour == highbright"): "bold does not brighten a colour; the reader's terminal decides",
    (
        "63screen_resize",
        "Resize taller attempts to pop scrollback",
    ): "libvterm's harness invents the row that comes back",
    ("64screen_pen", "Font"): NO_FONTS,
    ("64screen_pen", "Super/subscript"): NO_FONTS,
    (
        "64screen_pen",
        "EL sets only colours to end of line, not other attrs",
    ): "as in xterm, only the background colours blanks",
    ("64screen_pen", "Set default colours"): "default colours belong to the reader",
    ("67screen_dbl_wh", "Double Width, Single Height"): DOUBLE_WIDTH,
    ("67screen_dbl_wh", "Double Height"): DOUBLE_WIDTH,
    ("67screen_dbl_wh", "Late change"): DOUBLE_WIDTH,
    ("67screen_dbl_wh", "DWL doesn't spill over on scroll"): DOUBLE_WIDTH,
}

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="libvterm's files are not beside the checkout")
PATHS = sorted(FILES.glob("*.test"))


def run(path: Path) -> Runner:
    return Runner(VtEngine, path)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_file(path: Path) -> None:
    runner = run(path)
    failed = {section for section, _, _ in runner.failures}
    expected = {section for name, section in EXPECTED if name == path.stem}
    assert failed - expected == set(), [failure for failure in runner.failures if failure[0] not in expected]
    assert expected - failed == set(), "these pass now: take them off the list"


def passing(*questions: str) -> tuple[int, int]:
    """How many sections that ask one of these questions pass, and how many there are."""
    sections = passed = 0
    for path in PATHS:
        runner = run(path)
        failed = {section for section, _, _ in runner.failures}
        of_interest = {section for section, asked in runner.sections.items() if asked & set(questions)}
        sections += len(of_interest)
        passed += len(of_interest - failed)
    return passed, sections


def test_cursor_and_screen_sections_that_pass() -> None:
    assert passing("?cursor", "?screen_row", "?screen_text") == (113, 117)


def test_sections_that_look_at_cells_too_pass() -> None:
    cells = ("?screen_chars", "?screen_cell", "?screen_eol", "?screen_attrs_extent")
    assert passing("?cursor", "?screen_row", "?screen_text", *cells) == (128, 140)
