"""The labelled cases: real programs in real PTYs. The quick ones always, every one of them with `-m full`."""

from __future__ import annotations

import pytest

from node_agent.io.probe import RefusingReader
from node_agent.io.rule_files import RuleFiles
from tests.detect.harness import Case, Result, load_cases, run_cases

CASES = load_cases()
QUICK = [case for case in CASES if case.quick]


@pytest.fixture(scope="module")
def quick_results() -> dict[str, Result]:
    return run_cases([case for case in QUICK if not case.missing], RuleFiles().book)


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_quick_case(case: Case, quick_results: dict[str, Result]) -> None:
    if case.missing:
        pytest.skip(f"not installed: {', '.join(case.missing)}")
    assert not quick_results[case.name].failures


def test_there_are_enough_cases_and_half_are_negative() -> None:
    windows = sum(step.get("expect") in ("working", "exited") for case in CASES for step in case.step)
    waits = sum(step.get("expect") in ("asking", "idle") for case in CASES for step in case.step)
    assert len(CASES) >= 100
    assert windows >= 100
    assert waits >= 100


@pytest.mark.full
@pytest.mark.timeout(900)
def test_every_case() -> None:
    cases = [case for case in CASES if not case.missing]
    results = run_cases(cases, RuleFiles().book, at_once=6)
    assert {name: result.failures for name, result in results.items() if result.failures} == {}


@pytest.mark.full
@pytest.mark.timeout(900)
def test_every_case_without_kernel_evidence() -> None:
    cases = [case for case in CASES if not case.missing]
    results = run_cases(cases, RuleFiles().book, RefusingReader(), at_once=6)
    alarmed = [name for name, result in results.items() if result.false_alarms]
    waits = sum(result.waits for result in results.values())
    hits = sum(result.hits for result in results.values())
    misled = [case.name for case in cases if case.refused == "fooled"]
    assert [name for name in alarmed if name not in misled] == []
    assert hits / waits >= 0.85
