"""The exit codes are one table: code, README and error classes agree."""

from __future__ import annotations

import re
from pathlib import Path

from node_agent.protocol.errors import ErrorCode, RequestError
from relaytui.attach.terminal import NoTerminalError
from relaytui.cli.exits import REFUSALS, CommandError, Exit, exit_code_of
from relaytui.config import ConfigError
from relaytui.fleet.filters import FilterError
from relaytui.fleet.keys import AmbiguousId, UnknownId
from relaytui.link import errors as link_errors
from relaytui.link.errors import LinkError

README = Path(__file__).parents[2] / "README.md"


def link_error_classes() -> list[type[LinkError]]:
    return [item for item in vars(link_errors).values() if isinstance(item, type) and issubclass(item, LinkError)]


def documented_codes() -> set[int]:
    text = README.read_text("utf-8")
    table = text.split("### Exit codes")[1].split("###")[0]
    rows = re.findall(r"^\| ([0-9, ]+) \|", table, re.MULTILINE)
    return {int(number) for row in rows for number in row.split(",")}


def codes_in_use() -> dict[str, int]:
    codes = {item.name: int(item) for item in Exit}
    codes |= {f"refusal {code.value}": int(REFUSALS[code]) for code in ErrorCode}
    codes |= {item.__name__: item.exit_code for item in link_error_classes()}
    return codes


def test_readme_documents_every_code_and_no_other() -> None:
    assert documented_codes() == set(codes_in_use().values())


def test_each_case_has_a_code_of_its_own() -> None:
    shared = {"UNKNOWN_ID", "refusal no_session"}  # a session that is gone is one that is not there
    names: dict[int, set[str]] = {}
    for name, code in codes_in_use().items():
        names.setdefault(code, set()).add(name)
    assert [group for group in names.values() if len(group) > 1 and group != shared] == []


def test_errors_of_other_layers_carry_the_codes_of_the_table() -> None:
    assert ConfigError.exit_code == Exit.CONFIG
    assert UnknownId.exit_code == Exit.UNKNOWN_ID
    assert AmbiguousId.exit_code == Exit.AMBIGUOUS_ID
    assert FilterError.exit_code == Exit.FILTER
    assert NoTerminalError.exit_code == Exit.NO_TERMINAL


def test_a_refusal_a_command_error_and_a_bug() -> None:
    assert exit_code_of(RequestError(ErrorCode.BAD_SIZE, "")) == 58
    assert exit_code_of(CommandError("", Exit.PARTIAL)) == 3
    assert exit_code_of(ValueError()) is None
