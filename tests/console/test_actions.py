"""The registry: unique keys, a reason for what cannot be done, one key sheet, no orphan."""

from __future__ import annotations

import subprocess
import sys

import pytest

from relaytui.actions.action import LEGACY_CONFLICTS, Action, Group, Registry, Scope, Situation
from relaytui.actions.catalog import ACTIONS
from relaytui.actions.sheet import SHEET, key_sheet
from relaytui.screens.grid_actions import GridActions
from relaytui.screens.inbox import InboxActions
from relaytui.screens.jobs import JobActions
from relaytui.screens.performer import handler_name

NOTHING = Situation()
IDLE = Situation(session="local/a1", is_running=True, is_reachable=True, sessions=2, shown=2)


def test_the_key_sheet_is_what_the_registry_says() -> None:
    assert SHEET.read_text(encoding="utf-8") == key_sheet(), "run `python -m relaytui.actions.sheet`"


PERFORMERS = {
    Scope.GRID: GridActions,
    Scope.EMPTY: GridActions,
    Scope.INBOX: InboxActions,
    Scope.JOBS: JobActions,
}


@pytest.mark.parametrize(
    ("scope", "action"),
    [(scope, action) for scope in PERFORMERS for action in ACTIONS if action.counts_in(scope)],
    ids=lambda value: value.id if isinstance(value, Action) else value.name,
)
def test_every_action_can_be_carried_out_wherever_it_counts(scope: Scope, action: Action) -> None:
    assert callable(getattr(PERFORMERS[scope], handler_name(action)))


@pytest.mark.parametrize("performer", [GridActions, InboxActions, JobActions], ids=lambda value: value.__name__)
def test_no_handler_without_an_action(performer: type) -> None:
    known = {handler_name(action) for action in ACTIONS}
    assert {name for name in dir(performer) if name.startswith("do_")} <= known


@pytest.mark.parametrize("action", list(ACTIONS), ids=lambda action: action.id)
def test_every_help_text_fits_the_help_of_a_terminal_of_120_columns(action: Action) -> None:
    assert len(action.help) <= 76


def test_a_key_means_the_same_on_every_screen_that_shares_its_action() -> None:
    for action in ACTIONS:
        for scope in action.also:
            assert all(ACTIONS.for_key(scope, key) is action for key in action.keys)


@pytest.mark.parametrize(
    ("action", "situation", "reason"),
    [
        ("ask.next", NOTHING, "no session is asking"),
        ("ask.answer", NOTHING, "there is no session yet; c starts one"),
        ("ask.answer", IDLE, "local/a1 is not asking"),
        ("session.attach", Situation(session="gpu/b2", sessions=1), "gpu cannot be reached just now; v shows why"),
        ("session.attach", Situation(session="local/a1", is_reachable=True, sessions=1), "local/a1 has ended"),
        ("session.remove", IDLE, "local/a1 still runs; x stops it"),
        ("session.zoom", Situation(sessions=3), "no session is selected"),
        ("session.split", Situation(session="local/a1", sessions=1, shown=1), "there is only one session"),
        ("view.unfilter", IDLE, "there is no filter to clear"),
        ("node.retry", IDLE, "every node is connected"),
        ("ask.claim", IDLE, "local/a1 is not asking"),
        ("ask.claim", NOTHING, "nothing is asked here"),
        ("ask.ack", Situation(has_ask=True, node="gpu"), "gpu cannot be reached just now; v shows why"),
        ("ask.snooze", Situation(has_ask=True, node="gpu", is_reachable=True), ""),
        ("job.why", NOTHING, "no job is selected"),
        ("job.retry", Situation(job="7f"), "job 7f has not ended; x cancels it"),
        ("job.cancel", Situation(job="7f", has_job_ended=True), "job 7f has ended; R queues it again"),
        ("session.attach", Situation(job="7f"), "job 7f has no session"),
        ("session.new", NOTHING, ""),
        ("console.quit", NOTHING, ""),
    ],
)
def test_a_disabled_action_says_why(action: str, situation: Situation, reason: str) -> None:
    assert ACTIONS[action].reason(situation) == reason


def test_the_footer_offers_only_what_can_be_done() -> None:
    offered = [action.id for action in ACTIONS.footer(IDLE)]
    assert "ask.answer" not in offered
    assert offered[0] == "session.attach"
    asking = Situation(**{**IDLE.__dict__, "is_asking": True, "asking": 1})
    assert [action.id for action in ACTIONS.footer(asking)][:2] == ["ask.next", "ask.answer"]


@pytest.mark.parametrize("key", LEGACY_CONFLICTS)
def test_keys_a_terminal_cannot_deliver_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="cannot deliver"):
        Registry([Action("x", "x", "x", (key,), Group.CONSOLE)])


def test_two_actions_never_share_a_key_or_an_id() -> None:
    one = Action("x", "x", "x", ("a",), Group.CONSOLE)
    with pytest.raises(ValueError, match="are called x"):
        Registry([one, one])
    with pytest.raises(ValueError, match="want the key a"):
        Registry([one, Action("y", "y", "y", ("a",), Group.CONSOLE)])


def test_widgets_need_no_link_and_no_fleet() -> None:
    """A widget that reaches a machine would do so behind the actions' back."""
    code = (
        "import importlib, pkgutil, sys, relaytui.widgets as w\n"
        "for m in pkgutil.iter_modules(w.__path__): importlib.import_module('relaytui.widgets.' + m.name)\n"
        "bad = [m for m in sys.modules if m.startswith(('relaytui.link', 'relaytui.fleet', 'relaytui.hub'))]\n"
        "sys.exit(', '.join(bad) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
