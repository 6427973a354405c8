"""Deploys: the values one is given when it is run, `${deploy.name}` in its commands, and the list its nodes need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import tomli_w

from relaytui.hub.jobs.workflow import GIVEN, Workflow, WorkflowError, fill, references


def given_values(workflow: Workflow) -> set[str]:
    """The names of the values it needs and was not given yet."""
    return {name for step in workflow.steps for source, name in references(step.spec) if source == GIVEN}


def with_values(workflow: Workflow, values: Mapping[str, str]) -> Workflow:
    """The deploy with these values in their places; raises WorkflowError unless they are just those it needs."""
    if not workflow.deploy:
        raise WorkflowError(f'{workflow.name}: is no deploy; add kind = "deploy", or use `relaytui workflow run`')
    wanted = given_values(workflow)
    if missing := sorted(wanted - set(values)):
        raise WorkflowError(f"{workflow.name}: needs {', '.join(missing)}; add --set {missing[0]}=VALUE")
    if unknown := sorted(set(values) - wanted):
        raise WorkflowError(
            f"{workflow.name}: takes no {', '.join(unknown)}; it takes {', '.join(sorted(wanted)) or 'none'}"
        )
    texts = {(GIVEN, name): value for name, value in values.items()}
    steps = []
    for step in workflow.steps:
        command = tuple(fill(word, texts) for word in step.spec.command)
        steps.append(dataclasses.replace(step, spec=dataclasses.replace(step.spec, command=command)))
    return dataclasses.replace(workflow, steps=tuple(steps))


def allow_list_text(workflow: Workflow) -> str:
    """What a node's owner writes to deploy.toml for it; a value that is only known later is left for them to say."""
    if not workflow.deploy:
        raise WorkflowError(f'{workflow.name}: is no deploy; add kind = "deploy"')
    names: dict[str, str] = {}
    steps = []
    for step in workflow.steps:
        places = {place: f"{{{place[1]}}}" for place in references(step.spec)}
        names |= {name: "say which texts may stand here, as a regular expression" for _, name in places}
        steps.append([fill(word, places) for word in step.spec.command])
    table: dict[str, object] = {"steps": steps} | ({"values": names} if names else {})
    return tomli_w.dumps({workflow.name: table}, multiline_strings=False)
