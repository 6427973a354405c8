"""What a node is asked for when an attempt is to start."""

from __future__ import annotations

from collections.abc import Mapping

from node_agent.protocol.colors import Colors
from node_agent.protocol.sessions import StartSession
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.workflow import resolve, resolve_script


def start_request(job: Job, values: Mapping[tuple[str, str], str], colors: Colors | None) -> StartSession:
    """The session of a job's current attempt; `values` are what the steps it needs wrote, by step and name, `colors`
    what its programs hear of the operator's terminal.

    Raises WorkflowError for one they did not write.
    """
    spec = job.spec
    command, script, env = spec.command, spec.script, dict(spec.env)
    if spec.workflow:
        command = tuple(resolve(word, values) for word in command)
        script, variables = resolve_script(script, values)
        env = {name: resolve(value, values) for name, value in env.items()} | variables
    return StartSession(
        request="",
        command=command or ("sh", "-c", script),
        cwd=spec.cwd,
        env=env,
        title=spec.title,
        tags=spec.tags,
        job=job.id,
        token=job.token,
        own_directory=spec.carries_files and not spec.cwd,
        deploy=spec.deploy,
        colors=colors,
    )
