"""The requirement language: what it reads, what it says of bad input, and its three-valued logic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaytui.hub.jobs.requirement import (
    AllOf,
    AnyOf,
    Capabilities,
    Comparison,
    Not,
    Requirement,
    RequirementError,
    Tag,
    Truth,
    judge,
    parse_requirement,
)

GIB = 1024**3
NODE = Capabilities(
    frozenset({"gpu", "cuda12", "Lab-A"}),
    {
        "os": "linux",
        "arch": "x86_64",
        "memory": 64 * GIB,
        "cores": 32,
        "gpus": ["NVIDIA H100", "NVIDIA H100"],
        "battery": False,
    },
)


@pytest.mark.parametrize(
    ("source", "truth"),
    [
        ("", Truth.YES),
        ("gpu", Truth.YES),
        ("GPU", Truth.YES),
        ("lab-a", Truth.YES),
        ("tpu", Truth.NO),
        ("!windows", Truth.YES),
        ("not gpu", Truth.NO),
        ("linux", Truth.YES),
        ("x86_64", Truth.YES),
        ("arch=x86_64", Truth.YES),
        ("arch == X86_64", Truth.YES),
        ("arch!=x86_64", Truth.NO),
        ("mem>=64G", Truth.YES),
        ("mem > 64G", Truth.NO),
        ("memory>=65536M", Truth.YES),
        ("mem<1T", Truth.YES),
        ("gpus>=2", Truth.YES),
        ("gpus=2", Truth.YES),
        ("gpus>2", Truth.NO),
        ('gpus="NVIDIA H100"', Truth.YES),
        ("cores>=16, mem>=32G and gpu", Truth.YES),
        ("tpu or gpu", Truth.YES),
        ("tpu or gpu, mem>=1T", Truth.NO),
        ("(tpu or gpu), mem>=1G", Truth.YES),
        ("battery", Truth.NO),
        ("battery=false", Truth.YES),
        ("vram>=80G", Truth.UNKNOWN),
        ("!(vram>=80G)", Truth.UNKNOWN),
        ("vram>=80G or gpu", Truth.YES),
        ("vram>=80G, tpu", Truth.NO),
        ("vram>=80G, gpu", Truth.UNKNOWN),
        ("arch>=3", Truth.UNKNOWN),
    ],
)
def test_a_requirement_is_judged(source: str, truth: Truth) -> None:
    judgement = judge(parse_requirement(source), NODE)
    assert judgement.truth is truth
    assert bool(judgement.reasons) == (truth is not Truth.YES)


@pytest.mark.parametrize(
    ("source", "position", "reason"),
    [
        ("gpu,", 4, "expected a tag or a fact"),
        ("gpu or", 6, "expected a tag or a fact"),
        ("and gpu", 0, "not 'and'"),
        ("gpu mem>=1", 4, "expected 'and', 'or' or the end"),
        ("mem>=", 5, "expected a value after mem>="),
        ("mem>=lots", 5, "compares numbers"),
        ("(gpu", 4, "a parenthesis is not closed"),
        ("gpu)", 3, "expected 'and', 'or' or the end"),
        ('name="x', 5, "a quote is not closed"),
        ("gpu ; rm", 4, "';' means nothing here"),
        (">=3", 0, "not '>='"),
        ("!" * 60 + "gpu", 50, "nested too deeply"),
        ("(" * 600, 50, "nested too deeply"),
    ],
)
def test_bad_expressions_give_position_and_reason(source: str, position: int, reason: str) -> None:
    with pytest.raises(RequirementError) as caught:
        parse_requirement(source)
    assert reason in caught.value.reason
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("tpu", "needs tpu"),
        ("mem>=128G", "needs mem>=128G, has 64G"),
        ("vram>=80G", "needs vram>=80G, vram is not known here"),
        ("!gpu", "must not be gpu"),
        ("tpu or mem>=1T", "needs tpu or needs mem>=1T, has 0.0625T"),
    ],
)
def test_reasons_say_what_is_missing(source: str, reason: str) -> None:
    assert judge(parse_requirement(source), NODE).reasons == (reason,)


_names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(lambda name: name not in ("and", "or", "not"))
_atoms = st.builds(Tag, _names) | st.builds(
    Comparison, _names, st.sampled_from([">=", "<=", "=", "!=", "<", ">"]), st.integers(0, 99).map(str)
)


def _join(kind: type[AllOf] | type[AnyOf]) -> st.SearchStrategy[Requirement]:
    return st.lists(_requirements, min_size=2, max_size=3).map(
        lambda parts: kind(tuple(part for part in parts if not isinstance(part, kind)) or (Tag("x"), Tag("y")))
    )


_requirements: st.SearchStrategy[Requirement] = st.deferred(
    lambda: _atoms | st.builds(Not, _requirements) | _join(AllOf) | _join(AnyOf)
)
_facts = st.dictionaries(_names, st.integers(0, 99) | st.booleans() | st.lists(_names, max_size=3) | _names, max_size=6)


@given(_requirements, st.frozensets(_names, max_size=4), _facts)
def test_written_and_read_again_a_requirement_judges_the_same(
    requirement: Requirement, tags: frozenset[str], facts: dict[str, object]
) -> None:
    node = Capabilities(tags, facts)
    assert judge(parse_requirement(str(requirement)), node).truth is judge(requirement, node).truth


@given(_requirements, st.frozensets(_names, max_size=4), _facts, _facts)
def test_learning_more_facts_never_turns_a_known_answer(
    requirement: Requirement, tags: frozenset[str], known: dict[str, object], more: dict[str, object]
) -> None:
    """Only comparisons may be unknown: with the tags' names kept out, yes and no are final."""
    numbers = {name: value for name, value in more.items() if name not in known}
    if any(isinstance(part, Tag) for part in _parts(requirement)):
        return
    before = judge(requirement, Capabilities(tags, known)).truth
    after = judge(requirement, Capabilities(tags, known | numbers)).truth
    assert before in (Truth.UNKNOWN, after)


def _parts(requirement: Requirement) -> list[Requirement]:
    match requirement:
        case Not(operand):
            return _parts(operand)
        case AllOf(operands) | AnyOf(operands):
            return [atom for part in operands for atom in _parts(part)]
        case _:
            return [requirement]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_position_inside_it(source: str) -> None:
    position = 0
    try:
        parse_requirement(source)
    except RequirementError as error:
        position = error.position
    assert 0 <= position <= len(source)
