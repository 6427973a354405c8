"""Policy fails closed: deny wins, limits hold, and what was not understood is the operator's."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind
from relaytui.hub.policy import Action, Answered, Question, Rule, decide

YES, ALWAYS, NO = AskOption("Yes", "1", selected=True), AskOption("Yes, and don't ask again", "2"), AskOption("No", "3")
MAKE = Question(
    "gpu-box", frozenset({"ci", "gpu"}), "claude", "make -j8", AskKind.CHOICE, (YES, ALWAYS, NO), confidence=1.0
)
ALLOW_MAKE = Rule("make", Action.ALLOW, program="claude", command="make *", answer="Yes", dry_run=False)
DENY_RM = Rule("rm", Action.DENY, command="rm *")


def test_no_rule_means_ask() -> None:
    assert decide(MAKE, [], [], 0.0).action is Action.ASK


def test_an_allow_that_matches_chooses_its_label() -> None:
    decision = decide(MAKE, [ALLOW_MAKE], [], 0.0)
    assert (decision.acts, decision.option, decision.rule) == (True, YES, "make")


def test_a_new_rule_only_says_what_it_would_do() -> None:
    decision = decide(MAKE, [replace(ALLOW_MAKE, dry_run=True)], [], 0.0)
    assert not decision.acts
    assert decision.reason == "rule make would choose 'Yes'"


def test_a_dry_run_does_not_shadow_a_rule_that_acts() -> None:
    rules = [replace(ALLOW_MAKE, name="new", dry_run=True), ALLOW_MAKE]
    assert decide(MAKE, rules, [], 0.0).rule == "make"


@pytest.mark.parametrize(
    "command", ["make x; rm -rf /", "make `x`", "make $(x)", "make x && y", "make x\nrm y", "make x | sh", "make x…"]
)
def test_a_command_that_may_hide_another_is_asked(command: str) -> None:
    assert decide(replace(MAKE, command=command), [ALLOW_MAKE], [], 0.0).action is Action.ASK


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": ()}, "was not parsed"),
        ({"confidence": 0.5}, "only 50% sure"),
        ({"options": (AskOption("Ja"), AskOption("Nein"))}, "no option is 'Yes'"),
        ({"options": (YES, YES)}, "2 options fit"),
        ({"kind": AskKind.PASSWORD}, "a password ask is never"),
        ({"kind": AskKind.TEXT}, "a text ask is never"),
        ({"command": ""}, "no rule matches"),
        ({"program": ""}, "no rule matches"),
        ({"program": "codex"}, "no rule matches"),
    ],
)
def test_what_was_not_understood_is_the_operators(change: dict[str, object], words: str) -> None:
    decision = decide(replace(MAKE, **change), [ALLOW_MAKE], [], 0.0)  # type: ignore[arg-type]  # fields by keyword
    assert not decision.acts
    assert words in decision.reason


def test_a_deny_is_found_inside_a_longer_command_and_where_the_command_is_not_known() -> None:
    rules = [Rule("any", Action.ALLOW, answer="Yes", dry_run=False), DENY_RM]
    assert decide(replace(MAKE, command="make && rm -rf build"), rules, [], 0.0).action is Action.DENY
    assert decide(replace(MAKE, command=""), rules, [], 0.0).action is Action.DENY
    assert decide(MAKE, rules, [], 0.0).acts


def test_a_cap_counts_within_its_window() -> None:
    rule = replace(ALLOW_MAKE, cap=2, window=60.0)
    before = [Answered("make", 10.0), Answered("make", 50.0), Answered("other", 55.0)]
    assert decide(MAKE, [rule], before, 60.0).reason == "rule make: its cap of 2 within 60 s is reached"
    assert decide(MAKE, [rule], before, 71.0).acts


def test_an_expired_rule_is_gone() -> None:
    rule = replace(ALLOW_MAKE, expires=100.0)
    assert decide(MAKE, [rule], [], 99.9).acts
    assert not decide(MAKE, [rule], [], 100.0).acts


def test_one_switch_suspends_all_of_it() -> None:
    assert not decide(MAKE, [ALLOW_MAKE], [], 0.0, suspended=True).acts


_words = st.sampled_from(["", "make -j8", "rm -rf /", "claude", "gpu-box", "*", "make *", "Yes", "No", "ci"])
_rules = st.lists(
    st.builds(
        Rule,
        st.sampled_from("abcde"),
        st.sampled_from(Action),
        _words,
        _words,
        _words,
        _words,
        st.none() | st.sampled_from(AskKind),
        _words,
        st.integers(0, 2),
        st.sampled_from([0.0, 10.0]),
        st.sampled_from([0.0, 5.0, 50.0]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda rule: rule.name,  # as in the config file
)
_questions = st.builds(
    Question,
    st.sampled_from(["gpu-box", "b"]),
    st.frozensets(st.sampled_from(["ci", "gpu"])),
    st.sampled_from(["", "claude", "codex"]),
    st.sampled_from(["", "make -j8", "rm -rf /", "make; rm x"]),
    st.sampled_from([AskKind.CONFIRM, AskKind.CHOICE]) | st.sampled_from(AskKind),
    st.lists(st.sampled_from([YES, ALWAYS, NO]), max_size=3).map(tuple),
    st.sampled_from([1.0, 0.8, 0.79, 0.0]),
)
_limits = st.builds(
    replace,
    st.just(ALLOW_MAKE),
    cap=st.integers(0, 2),
    window=st.sampled_from([0.0, 10.0]),
    expires=st.sampled_from([0.0, 5.0, 50.0]),
    dry_run=st.booleans(),
)
_answered = st.lists(st.builds(Answered, st.sampled_from("abcde"), st.floats(0, 20)), max_size=5)
_now = st.floats(0, 60)


@st.composite
def _matching(draw: st.DrawFn, action: Action, question: Question) -> Rule:
    """A rule that matches `question`: each part is left open, named, or named by a glob."""
    return Rule(
        "it",
        action,
        draw(st.sampled_from(["", "*", question.program])),
        draw(st.sampled_from(["", "*", question.command, f"{question.command[:3]}*"])),
        draw(st.sampled_from(["", "*", question.node])),
        draw(st.sampled_from(["", *sorted(question.tags)])),
        draw(st.sampled_from([None, question.kind])),
        draw(st.sampled_from(["", "Yes", "Yes*", "No"])),
        draw(st.integers(0, 2)),
        draw(st.sampled_from([0.0, 10.0])),
        draw(st.sampled_from([0.0, 61.0])),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@given(st.data(), _questions, _rules, _answered, _now)
def test_deny_wins_whatever_else_is_there_and_in_any_order(
    data: st.DataObject, question: Question, rules: list[Rule], answered: list[Answered], now: float
) -> None:
    deny = data.draw(_matching(Action.DENY, question))
    decision = decide(question, data.draw(st.permutations([*rules, deny])), answered, now)
    assert decision.action is Action.DENY
    if decision.acts:  # a deny may choose the option that says no; what is chosen is then its answer, not an allow's
        (chooser,) = [rule for rule in (*rules, deny) if rule.name == decision.rule]
        assert chooser.action is Action.DENY


@settings(max_examples=500)
@given(st.data(), st.just(MAKE) | _questions, _now, st.sampled_from([0.0, 5.0, 50.0]))
def test_nothing_is_answered_past_cap_window_or_expiry_or_without_being_understood(
    data: st.DataObject, question: Question, now: float, expires: float
) -> None:
    allow = replace(data.draw(_matching(Action.ALLOW, question)), expires=expires)
    rules = [allow, *(replace(data.draw(_limits), name=name) for name in "ab")]
    answered = data.draw(st.lists(st.builds(Answered, st.sampled_from(["it", "a"]), st.floats(0, now)), max_size=4))
    decision = decide(question, rules, answered, now)
    if not decision.acts:
        return
    (rule,) = [rule for rule in rules if rule.name == decision.rule]
    assert not rule.dry_run
    assert not rule.expires or now < rule.expires
    counted = [each for each in answered if each.rule == rule.name and (not rule.window or each.at > now - rule.window)]
    assert not rule.cap or len(counted) < rule.cap
    assert [option for option in question.options if fnmatchcase(option.label, rule.answer)] == [decision.option]
    assert question.kind in (AskKind.CONFIRM, AskKind.CHOICE)
    assert question.confidence >= 0.8


@given(st.data(), _questions, _rules, _answered, _now)
def test_an_unparsed_prompt_is_never_answered(
    data: st.DataObject, question: Question, rules: list[Rule], answered: list[Answered], now: float
) -> None:
    unparsed = replace(question, options=())
    allow = replace(data.draw(_matching(Action.ALLOW, unparsed)), dry_run=False)
    assert not decide(unparsed, [*rules, allow], answered, now).acts
