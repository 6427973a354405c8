"""Answers to prompts of the Node.js libraries that installers are made with, each by label.

`NODE_PATH` names a `node_modules` that has them (`npm install @clack/prompts @inquirer/prompts`); dialogs.py stands in
for them elsewhere.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.asks import Outcome
from tests.answers.steps import answer, asking, screen
from tests.client import Client


def _modules(package: str) -> Path | None:
    """The directory of installed modules that has `package`."""
    places = [Path(place) for place in os.environ.get("NODE_PATH", "").split(os.pathsep) if place]
    return next((place for place in places if (place / package).is_dir()), None)


def needs_package(package: str) -> pytest.MarkDecorator:
    is_there = shutil.which("node") is not None and _modules(package) is not None
    return pytest.mark.skipif(not is_there, reason=f"{package} is not installed in NODE_PATH")


PROGRAM = """
import * as library from '{package}';
const taken = await library.{question};
console.log('\\ntook ' + JSON.stringify(taken));
setInterval(() => {{}}, 1000);
"""


async def take(client: Client, tmp_path: Path, package: str, question: str, how: dict[str, Any], says: str) -> None:
    """Ask by the library, answer, and see what the program got."""
    modules = _modules(package)
    assert modules is not None
    (tmp_path / "node_modules").symlink_to(modules)
    program = tmp_path / "setup.mjs"
    program.write_text(PROGRAM.format(package=package, question=question))
    session = await client.start("node", str(program))
    reply = await answer(client, await asking(client, session.id), **how)
    assert reply.outcome is Outcome.ACCEPTED, reply
    await screen(client, session.id, f"took {says}")


COLOURS = "[{value: 'red', label: 'Red'}, {value: 'green', label: 'Green'}, {value: 'blue', label: 'Blue'}]"


@needs_package("@clack/prompts")
@pytest.mark.parametrize(
    ("question", "how", "says"),
    [
        (f"select({{message: 'Pick?', options: {COLOURS}}})", {"label": "Green"}, '"green"'),
        (f"select({{message: 'Pick?', options: {COLOURS}, initialValue: 'blue'}})", {"label": "Red"}, '"red"'),
        ("confirm({message: 'Install dependencies?'})", {"yes": False}, "false"),
        ("confirm({message: 'Delete it?', initialValue: false})", {"label": "Yes"}, "true"),
        ("text({message: 'Name?'})", {"text": "ann b"}, '"ann b"'),
        ("text({message: 'Where?', placeholder: './app'})", {"text": "./elsewhere"}, '"./elsewhere"'),
        ("password({message: 'Password?'})", {"secret": "s3cret"}, '"s3cret"'),
    ],
)
async def test_prompts_of_clack(client: Client, tmp_path: Path, question: str, how: dict[str, Any], says: str) -> None:
    await take(client, tmp_path, "@clack/prompts", question, how, says)


CHOICES = "[{value: 'red', name: 'Red'}, {value: 'green', name: 'Green'}, {value: 'blue', name: 'Blue'}]"


@needs_package("@inquirer/prompts")
@pytest.mark.parametrize(
    ("question", "how", "says"),
    [
        (f"select({{message: 'Pick?', choices: {CHOICES}}})", {"label": "Green"}, '"green"'),
        (f"rawlist({{message: 'Pick?', choices: {CHOICES}}})", {"text": "3"}, '"blue"'),
        ("confirm({message: 'Go on?'})", {"yes": False}, "false"),
        ("confirm({message: 'Delete it?', default: false})", {"yes": True}, "true"),
        ("input({message: 'Name?'})", {"text": "ann b"}, '"ann b"'),
        ("password({message: 'Password?', mask: true})", {"secret": "s3cret"}, '"s3cret"'),
    ],
)
async def test_prompts_of_inquirer(
    client: Client, tmp_path: Path, question: str, how: dict[str, Any], says: str
) -> None:
    await take(client, tmp_path, "@inquirer/prompts", question, how, says)
