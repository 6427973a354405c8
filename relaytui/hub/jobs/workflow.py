r"""Workflows: several jobs in one TOML file, each on a node that has what it needs.

    name = "nightly"
    schedule = "0 3 * * *"          # optional, cron's five fields, the hub's time zone
    requires = "linux"              # of every step

    [[step]]
    name = "build"
    command = ["make", "-j8"]       # or: script = "…", run by sh
    requires = "mem>=16G"
    outputs = ["dist/app.tar"]      # files fetched back when it is done

    [[step]]
    name = "test"
    needs = ["build"]
    requires = "gpu"
    inputs = ["build:dist/app.tar"] # an output of a step it needs, put at the same path
    script = "./test --version ${build.version}"

A step may also write `name=value` lines to the file `$RELAY_OUTPUT`; steps that need it read them as `${step.name}`.
In `command` and `env` that is the value itself. In a script it is a quoted variable of the shell: one word outside
quotes, the value alone inside double or single ones (which it parts), and in `$((…))` a whole number, or the step
fails. Nothing in a value is run, except by what the script itself hands it to, as `eval` or `sh -c`; `\${step.name}` is
that text.

With `kind = "deploy"` a step is a command that the node's owner has listed for a deploy of the workflow's name, and
`${deploy.name}` is a value given when it is run. With `kind = "smoke"` there are no steps: a run sends a job through
every node, has `timeout` seconds for it (30 unless given), and alerts when one does not come back.

This module reads and checks; it neither submits nor runs.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from relaytui.hub.jobs.model import JobSpec
from relaytui.hub.jobs.requirement import RequirementError, parse_requirement
from relaytui.hub.jobs.schedule import ScheduleError, parse_schedule
from relaytui.hub.jobs.shell import ShellError, with_variables

GIVEN = "deploy"
"""Stands in the place of a step's name for the values that a deploy is given."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NUMBER = re.compile(r"-?[0-9]+")
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_-]+)\.([A-Za-z_][A-Za-z0-9_]*)\}")


class WorkflowError(Exception):
    """A workflow cannot be used; one line that names the place and the remedy."""


@dataclass(frozen=True)
class Step:
    """One job of a workflow; `spec.after` stays empty here, the names it needs stand in `needs`."""

    name: str
    spec: JobSpec
    needs: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()  # (step, path)
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workflow:
    """`steps` are ordered so that each comes after those it needs."""

    name: str
    steps: tuple[Step, ...]
    schedule: str = ""
    deploy: bool = False  # every command must be on the node's allow-list
    smoke: bool = False  # without steps: a job of its own goes through every node
    timeout: float = 30.0  # seconds a smoke has
    source: str = field(default="", compare=False)


_WORKFLOW_KEYS = {
    "name": str,
    "schedule": str,
    "requires": str,
    "kind": str,
    "cwd": str,
    "env": dict,
    "step": list,
    "timeout": float,
}
_STEP_KEYS: dict[str, type] = {
    "name": str,
    "needs": list,
    "inputs": list,
    "outputs": list,
    "command": list,
    "script": str,
    "title": str,
    "cwd": str,
    "env": dict,
    "tags": list,
    "requires": str,
    "node": str,
    "prefer": list,
    "exclusive": list,
    "priority": int,
    "retries": int,
    "backoff": float,
    "repeatable": bool,
    "queue_limit": float,
    "run_limit": float,
    "ask_limit": float,
}
_TYPE_WORDS = {str: "text", list: "a list of texts", dict: "a table of texts", int: "a whole number", float: "a number"}


def parse_workflow(text: str, source: str = "workflow") -> Workflow:
    """Read a workflow; raises WorkflowError with the place of the first fault."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WorkflowError(f"{source}: not TOML: {error}; correct that line") from error
    try:
        return _workflow(data, source)
    except WorkflowError as error:
        raise WorkflowError(f"{source}: {error}") from error


def _workflow(data: Mapping[str, Any], source: str) -> Workflow:
    _check(data, _WORKFLOW_KEYS, "")
    name = _named(data, "workflow")
    if (kind := data.get("kind", "workflow")) not in ("workflow", "deploy", "smoke"):
        raise WorkflowError(f'kind: {kind!r} is neither "workflow" nor "deploy" nor "smoke"')
    if "schedule" in data:
        try:
            parse_schedule(data["schedule"])
        except ScheduleError as error:
            raise WorkflowError(f"schedule: {error}") from error
    if kind == "smoke":
        return _smoke(name, data, source)
    if "timeout" in data:
        raise WorkflowError('timeout: only a workflow with kind = "smoke" has one; give steps a run_limit')
    tables = data.get("step", [])
    if not tables:
        raise WorkflowError("no step; add a [[step]] with a name and a command")
    deploy = kind == "deploy"
    steps = {}
    for number, table in enumerate(tables, start=1):
        step = _step(table, number, data, name, deploy)
        if step.name in steps:
            raise WorkflowError(f"step {number}: there is another step {step.name!r}; rename one")
        steps[step.name] = step
    if deploy and GIVEN in steps:
        raise WorkflowError(f"step {GIVEN!r}: in a deploy that name stands for the values it is given; rename it")
    given = frozenset([GIVEN]) if deploy else frozenset[str]()
    return Workflow(name, tuple(_ordered(steps, given)), data.get("schedule", ""), deploy=deploy, source=source)


def _smoke(name: str, data: Mapping[str, Any], source: str) -> Workflow:
    for key in ("step", "requires", "cwd", "env"):
        if key in data:
            raise WorkflowError(f"{key}: a smoke sends a job of its own through every node; remove it")
    if (timeout := float(data.get("timeout", Workflow.timeout))) <= 0:
        raise WorkflowError("timeout must be more than 0 seconds")
    return Workflow(name, (), data.get("schedule", ""), smoke=True, timeout=timeout, source=source)


def _step(table: Any, number: int, workflow: Mapping[str, Any], workflow_name: str, deploy: bool) -> Step:
    where = f"step {number}"
    if not isinstance(table, dict):
        raise WorkflowError(f"{where}: must be a table; write [[step]]")
    where = f"step {table['name']!r}" if isinstance(table.get("name"), str) else where
    _check(table, _STEP_KEYS, f"{where}: ")
    name = _named(table, where)
    if ("command" in table) == ("script" in table):
        raise WorkflowError(f"{where}: give either command or script")
    if deploy:
        _check_deploy(table, workflow, where)
    try:
        with_variables(table.get("script", ""), _REFERENCE, lambda _match, _is_number: "x")
    except ShellError as error:
        raise WorkflowError(f"{where}: script: {error}") from error
    values = {key: _value(value) for key, value in table.items() if key not in ("name", "needs", "inputs", "outputs")}
    values["env"] = {**workflow.get("env", {}), **values.get("env", {})}
    values["cwd"] = values.get("cwd") or workflow.get("cwd", "")
    if match := _REFERENCE.search(values["cwd"]):  # files are carried there, too, where no values are known
        raise WorkflowError(f"{where}: cwd cannot use {match[0]}; change the directory in the step's script")
    values["title"] = values.get("title") or f"{workflow_name} {name}"
    values["requires"] = _requirement(workflow.get("requires", ""), values.get("requires", ""), where)
    spec = JobSpec(**values, workflow=workflow_name, step=name, deploy=workflow_name if deploy else "")
    inputs = tuple(_input(text, where) for text in table.get("inputs", []))
    outputs = tuple(_inside(path, where) for path in table.get("outputs", []))
    return Step(name, spec, tuple(table.get("needs", [])), inputs, outputs)


def _requirement(whole: str, own: str, where: str) -> str:
    for text, place in ((whole, "requires"), (own, f"{where}: requires")):
        try:
            parse_requirement(text)
        except RequirementError as error:
            raise WorkflowError(f"{place}: {error}") from error
    return f"({whole}), ({own})" if whole.strip() and own.strip() else whole.strip() or own.strip()


def _check_deploy(table: Mapping[str, Any], workflow: Mapping[str, Any], where: str) -> None:
    if "script" in table:
        raise WorkflowError(f"{where}: a deploy runs exact commands, no script; use command")
    for key in ("cwd", "env", "inputs", "outputs"):
        if key in table or key in workflow:
            raise WorkflowError(f"{where}: {key} of a deploy is for the node's owner to say, in its list; remove it")


def _ordered(steps: Mapping[str, Step], given: Set[str]) -> Iterable[Step]:
    for step in steps.values():
        for need in step.needs:
            _known(need, steps, f"step {step.name!r}: needs")
        for source, path in step.inputs:
            if source not in step.needs:
                raise WorkflowError(f"step {step.name!r}: input {source}:{path}: it does not need {source!r}")
            if path not in steps[source].outputs:
                raise WorkflowError(f"step {step.name!r}: input {source}:{path}: {source!r} has no such output")
        for source, _ in references(step.spec):
            if source not in step.needs and source not in given:
                raise WorkflowError(f"step {step.name!r}: uses ${{{source}.…}} and does not need {source!r}")
    try:
        order = TopologicalSorter({name: step.needs for name, step in steps.items()}).static_order()
        return [steps[name] for name in order]
    except CycleError as error:
        raise WorkflowError(f"steps need each other in a circle: {' → '.join(error.args[1])}") from error


def _known(name: str, steps: Mapping[str, Step], where: str) -> None:
    if name not in steps:
        raise WorkflowError(f"{where} {name!r}, which is no step{_near(name, steps)}")


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check(table: Mapping[str, Any], keys: Mapping[str, type], where: str) -> None:
    for key, value in table.items():
        if key not in keys:
            raise WorkflowError(f"{where}unknown key {key!r}{_near(key, keys)}")
        wanted = keys[key]
        fits = isinstance(value, (int, float) if wanted is float else wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise WorkflowError(f"{where}{key} must be {_TYPE_WORDS.get(wanted, 'true or false')}")
        items = (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) and key != "step" else ()
        )
        if not all(isinstance(item, str) for item in items):
            raise WorkflowError(f"{where}{key} must be {_TYPE_WORDS[wanted]}")
        if isinstance(value, int | float) and not isinstance(value, bool) and value < 0 and key != "priority":
            raise WorkflowError(f"{where}{key} must not be negative")


def _named(table: Mapping[str, Any], where: str) -> str:
    name: str = table.get("name", "")
    if not _NAME.fullmatch(name):
        raise WorkflowError(f"{where}: name must be letters, digits, '-' and '_', at most 64, not {name!r}")
    return name


def _input(text: str, where: str) -> tuple[str, str]:
    step, colon, path = text.partition(":")
    if not (step and colon and path):
        raise WorkflowError(f'{where}: input {text!r} must be "step:path"')
    return step, path


def _inside(path: str, where: str) -> str:
    if path.startswith(("/", "~")) or ".." in path.split("/") or not path:
        raise WorkflowError(f"{where}: output {path!r} must lie inside the step's directory")
    return path


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def references(spec: JobSpec) -> set[tuple[str, str]]:
    """Every `${step.name}` a job uses, as (step, name)."""
    texts = (*spec.command, spec.script, *spec.env.values())
    return {(match[1], match[2]) for text in texts for match in _REFERENCE.finditer(text)}


def resolve(text: str, outputs: Mapping[tuple[str, str], str]) -> str:
    """Put the values in for `${step.name}`; raises WorkflowError for one that the step did not write."""

    return _REFERENCE.sub(lambda match: _output(match, outputs), text)


def resolve_script(script: str, outputs: Mapping[tuple[str, str], str]) -> tuple[str, dict[str, str]]:
    """The script with variables for `${step.name}`, and what the variables hold; raises WorkflowError as `resolve`."""
    names: dict[tuple[str, str], str] = {}
    env: dict[str, str] = {}

    def variable(match: re.Match[str], is_number: bool) -> str:
        value = _output(match, outputs)
        if is_number and not _NUMBER.fullmatch(value):  # some shells run what stands in a text they reckon with
            raise WorkflowError(f"{match[0]} is {value!r}, which is no whole number, and stands in $((…))")
        name = names.setdefault((match[1], match[2]), f"RELAY_VALUE_{len(names) + 1}")
        env[name] = value
        return name

    try:
        return with_variables(script, _REFERENCE, variable), env
    except ShellError as error:
        raise WorkflowError(f"script: {error}") from error


def _output(match: re.Match[str], outputs: Mapping[tuple[str, str], str]) -> str:
    try:
        return outputs[match[1], match[2]]
    except KeyError:
        raise WorkflowError(f"step {match[1]!r} wrote no output {match[2]!r}") from None


def fill(text: str, values: Mapping[tuple[str, str], str]) -> str:
    """Put in those of the values that there are."""
    return _REFERENCE.sub(lambda match: values.get((match[1], match[2]), match[0]), text)


def parse_outputs(text: str) -> dict[str, str]:
    """The `name=value` lines a step wrote to `$RELAY_OUTPUT`; other lines are ignored."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, mark, value in pairs if mark and name.strip().isidentifier()}
