"""Values in scripts: whatever they hold, nothing of it is run, in whatever quotes they stand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from relaytui.hub.jobs.workflow import WorkflowError, parse_workflow, resolve_script

SHELLS = [path for name in ("sh", "bash") if (path := shutil.which(name))]

HOSTILE = [
    "fix $(touch INJECTED)",
    "x; touch INJECTED",
    "x`touch INJECTED`",
    """it's "$(touch INJECTED)" '; touch INJECTED; '""",
    "two\nlines; touch INJECTED",
    "a\\",
    "  * two  words $HOME ${HOME} ",
    "-n",
    "",
    "END\ntouch INJECTED",
]

PLACES = {
    "unquoted": "printf %s ${a.v}",
    "double": 'printf %s "<${a.v}>"',
    "single": "printf %s '<${a.v}>'",
    "single, twice": "printf %s '<${a.v}|${a.v}>'",
    "beside quotes": """printf %s "don't "'say "'${a.v}'"'""",
    "after a comment": "# don't\nprintf %s ${a.v} # isn't",
    "after an escape": r"""printf '%s' \'\"${a.v}""",
    "substitution": 'printf %s "$(printf "<%s>" ${a.v})"',
    "substitution in quotes in one": """printf %s "$(printf "%s" "$(printf '<%s>' '${a.v}')")\"""",
    "backquotes": "printf %s `printf '<%s>' x` ${a.v}",
    "a default": "printf %s ${nothing:-${a.v}}",
    "a default in quotes": 'printf %s "${nothing:-<${a.v}>}"',
    "subshell": "(printf %s ${a.v})",
    "case": "case x in (x) printf %s ${a.v};; esac",
    "assignment": 'v=${a.v}; printf %s "$v"',
    "here-document": "cat <<END\n<'${a.v}'>\nEND\n",
    "here-document and more": 'cat <<-END; printf %s ${a.v}\n\t<"${a.v}">\n\tEND\n',
    "here-document in a substitution": 'printf %s "$(cat <<END\n<${a.v}>\nEND\n)"',
}


def expected(place: str, value: str) -> str:
    """What a script of `PLACES` prints; a substitution takes newlines off the end."""
    match place:
        case "single, twice":
            return f"<{value}|{value}>"
        case "beside quotes":
            return f"""don't say "{value}\""""
        case "after an escape":
            return f"'\"{value}"
        case "backquotes":
            return f"<x>{value}"
        case "here-document":
            return f"<'{value}'>\n"
        case "here-document and more":
            return f'<"{value}">\n{value}'
        case "double" | "single" | "a default in quotes":
            return f"<{value}>"
        case _ if "substitution" in place:
            return f"<{value}>"
    return value


def run(shell: str, script: str, value: str, directory: Path) -> str:
    text, env = resolve_script(script, {("a", "v"): value})
    done = subprocess.run(
        [shell, "-c", text], env=os.environ | env, cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.stderr == "", text
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_itself_and_runs_nothing(shell: str, place: str, tmp_path: Path) -> None:
    for value in HOSTILE:
        assert run(shell, PLACES[place], value, tmp_path) == expected(place, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_outside_quotes_a_value_is_one_word(shell: str, tmp_path: Path) -> None:
    for value in HOSTILE:
        assert run(shell, 'set -- ${a.v} x${a.v}; printf %s "$#"', value, tmp_path) == "2"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "script", ['printf %s "$(case x in x) printf %s ${a.v};; esac)"', "printf %s \"${no#'}'}${a.v}\""]
)
def test_where_quotes_are_read_wrongly_nothing_is_run_either(shell: str, script: str, tmp_path: Path) -> None:
    for value in HOSTILE:
        run(shell, script, value, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_only_whole_numbers_are_reckoned_with(shell: str, tmp_path: Path) -> None:
    assert run(shell, 'printf %s "$((2 * (${a.v} + 1)))"${a.v}', "20", tmp_path) == "4220"
    for value in ("a[$(touch INJECTED)]", "HOME", ""):
        with pytest.raises(WorkflowError, match="no whole number"):
            resolve_script("echo $((${a.v} + 1))", {("a", "v"): value})


def test_an_escaped_reference_is_text(tmp_path: Path) -> None:
    assert run("/bin/sh", r"""printf %s "\${a.v}" \${a.v}""", "x", tmp_path) == "${a.v}${a.v}"


def test_a_value_nobody_wrote_is_named() -> None:
    with pytest.raises(WorkflowError, match="'a' wrote no output 'w'"):
        resolve_script("echo '${a.w}'", {("a", "v"): "x"})


def test_a_here_document_taken_literally_cannot_hold_a_value() -> None:
    table = 'name = "w"\n[[step]]\nname = "a"\ncommand = ["x"]\n[[step]]\nname = "b"\nneeds = ["a"]\nscript = """\n'
    with pytest.raises(WorkflowError, match=r"step 'b': script: \$\{a\.v\} stands in a here-document .* off its END"):
        parse_workflow(table + 'cat <<\'END\'\n${a.v}\nEND\n"""')
    parse_workflow(table + 'cat <<\'END\'\n${HOME}\nEND\necho ${a.v}\n"""')
