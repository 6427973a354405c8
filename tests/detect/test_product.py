"""The labelled cases once more, through the product: `relaytui start`, `send`, and what `ls --json` says of them.

The verdicts must be those of the detector alone; what is different is everything around it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.detect.harness import Case, load_cases
from tests.home import Home

PATIENCE = 30.0
"""Seconds a fact may take on a busy machine, where each look is a process of its own."""

_KEY_NAMES = {"c-c": "ctrl+c", "c-d": "ctrl+d", "c-x": "ctrl+x"}
CASES = [case for case in load_cases() if not case.setup and not any("or" in step for step in case.step)]
FEW = [case for case in CASES if case.quick and not case.requires][:3]
MANY = [case for case in CASES if case not in FEW][::5]


def chunks(keys: str) -> list[str]:
    """The keys of a case as the words of `relaytui send`."""
    parts = re.findall(r"<[a-z-]+>|[^<]+|<", keys)
    return [f"key:{_KEY_NAMES.get(p[1:-1], p[1:-1])}" if len(p) > 2 and p[0] == "<" else f"text:{p}" for p in parts]


class Played:
    """One case, played through the command line."""

    def __init__(self, home: Home, case: Case) -> None:
        self._home = home
        self._case = case
        directory = home.directory / re.sub(r"\W+", "-", case.name)
        directory.mkdir()
        for name, content in case.files.items():
            Path(directory, name).write_text(content, encoding="utf-8")
        env = {"HOME": str(directory), "LC_ALL": "C.UTF-8", **case.env}
        words = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
        options = ["--cwd", str(directory), "--size", "80x24", *words]
        self.key = home.start("bash", "-c", case.command, options=options)

    def run(self) -> None:
        for number, step in enumerate(self._case.step):
            try:
                self._step(step)
            except AssertionError as error:
                raise AssertionError(f"{self._case.name}, step {number} ({step}): {error}") from error

    def _step(self, step: dict[str, Any]) -> None:
        before = self._home.session(self.key)["ask"]
        if "send" in step:
            self._home.ok("send", self.key, *chunks(str(step["send"])))
        if "see" in step:
            self._until(lambda: re.search(step["see"], self._home.ok("logs", self.key), re.M))
        expected = step.get("expect")
        if expected == "working":
            self._stays_at_work(step)
        elif expected is not None:
            is_new = "send" in step and expected == "asking" and not step.get("same")
            known = before["id"] if before and is_new else None
            self._home.wait_for(self.key, lambda item: _says(item, expected, known), PATIENCE)
        if expected == "asking":
            kinds = step.get("kinds") or [step["kind"]]
            ask = self._home.wait_for(self.key, lambda item: item["ask"] is not None, PATIENCE)["ask"]
            assert ask["kind"] in kinds, ask
            assert re.search(step.get("question", ""), ask["excerpt"]), ask
            if step.get("same") and before is not None:
                assert ask["id"] == before["id"]

    def _stays_at_work(self, step: dict[str, Any]) -> None:
        end = time.monotonic() + max(step.get("hold", 2.0), step.get("least", 0.0))
        self._home.wait_for(self.key, lambda item: item["attention"] not in ("asking", "idle"), PATIENCE)
        while time.monotonic() < end:
            assert self._home.session(self.key)["attention"] not in ("asking", "idle")

    def _until(self, is_true: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_true():
            assert time.monotonic() < deadline, "never seen"


def _says(item: dict[str, Any], expected: str, known: str | None) -> bool:
    return item["attention"] == expected and (known is None or (item["ask"] or {}).get("id") not in (None, known))


def play(home: Home, case: Case) -> None:
    if case.missing:
        pytest.skip(f"not installed: {', '.join(case.missing)}")
    played = Played(home, case)
    try:
        played.run()
    finally:
        home.run("kill", played.key)


@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name)
def test_a_few_cases(home: Home, case: Case) -> None:
    play(home, case)


@pytest.mark.full
@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", MANY, ids=lambda case: case.name)
def test_many_cases(home: Home, case: Case) -> None:
    play(home, case)


def test_there_are_enough() -> None:
    assert len(FEW) + len(MANY) >= 20
