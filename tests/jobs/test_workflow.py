"""Workflows are read strictly, and their faults are said with their place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from relaytui.hub.jobs.schedule import ScheduleError, last_due, parse_schedule
from relaytui.hub.jobs.workflow import WorkflowError, parse_outputs, parse_workflow, references, resolve

NIGHTLY = """
name = "nightly"
schedule = "0 3 * * *"
requires = "linux or darwin"
env = { LEVEL = "2" }

[[step]]
name = "test"
needs = ["build"]
requires = "gpu"
inputs = ["build:dist/app.tar"]
script = "./test ${build.version}"

[[step]]
name = "build"
command = ["make", "-j8"]
outputs = ["dist/app.tar"]
env = { LEVEL = "3" }
retries = 2
"""


def test_steps_come_after_those_they_need_and_inherit_from_the_workflow() -> None:
    workflow = parse_workflow(NIGHTLY)
    build, test = workflow.steps
    assert (build.name, test.name) == ("build", "test")
    assert build.spec.requires == "linux or darwin"
    assert test.spec.requires == "(linux or darwin), (gpu)"
    assert (build.spec.env, test.spec.env) == ({"LEVEL": "3"}, {"LEVEL": "2"})
    assert (build.spec.workflow, build.spec.step, build.spec.retries) == ("nightly", "build", 2)
    assert test.inputs == (("build", "dist/app.tar"),)
    assert references(test.spec) == {("build", "version")}


STEP = '[[step]]\nname = "a"\ncommand = ["x"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "not TOML"),
        ('name = "n"', "no step"),
        (STEP, "name must be letters"),
        ('name = "n"\n' + STEP + STEP, "step 2: there is another step 'a'"),
        ('name = "n"\n' + STEP + "need = []", "unknown key 'need'; did you mean 'needs'?"),
        ('name = "n"\n' + STEP + 'needs = ["b"]', "step 'a': needs 'b', which is no step"),
        ('name = "n"\n' + STEP + 'needs = ["a"]', "in a circle: a → a"),
        ('name = "n"\n' + STEP + "retries = -1", "retries must not be negative"),
        ('name = "n"\n' + STEP + "retries = true", "retries must be a whole number"),
        ('name = "n"\n' + STEP + "env = {A = 1}", "env must be a table of texts"),
        ('name = "n"\n' + STEP + 'script = "x"', "either command or script"),
        ('name = "n"\n' + STEP + 'requires = "mem>="', "character 6: expected a value"),
        ('name = "n"\n' + STEP + 'outputs = ["../x"]', "must lie inside"),
        ('name = "n"\n' + STEP + 'inputs = ["b:x"]', "it does not need 'b'"),
        ('name = "n"\n' + STEP + 'cwd = "${b.dir}"', "cwd cannot use ${b.dir}"),
        ('name = "n"\ncwd = "${b.dir}"\n' + STEP, "cwd cannot use ${b.dir}"),
        ('name = "n"\nschedule = "daily"\n' + STEP, "is no cron expression"),
        ('name = "n"\nkind = "ritual"\n' + STEP, "neither"),
        ('name = "n"\nkind = "deploy"\n[[step]]\nname = "a"\nscript = "x"', "no script"),
        ('name = "n"\nkind = "smoke"\n' + STEP, "step: a smoke sends a job of its own"),
        ('name = "n"\nkind = "smoke"\ntimeout = 0', "timeout must be more than 0"),
        ('name = "n"\ntimeout = 3\n' + STEP, "timeout: only a workflow with kind"),
        ('name = "n"\nstep = ["x"]', "step 1: must be a table"),
    ],
)
def test_faults_are_one_line_with_their_place(text: str, words: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        parse_workflow(text, "nightly.toml")
    assert str(caught.value).startswith("nightly.toml: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_outputs_of_a_step_are_put_in_and_missing_ones_named() -> None:
    outputs = {("build", name): value for name, value in parse_outputs("version=1.2\nnoise\n bad-name=x\n").items()}
    assert resolve("v${build.version} $HOME", outputs) == "v1.2 $HOME"
    with pytest.raises(WorkflowError, match="'build' wrote no output 'date'"):
        resolve("${build.date}", outputs)


def test_a_schedule_runs_once_however_long_the_hub_slept() -> None:
    night = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    assert last_due("0 3 * * *", night - timedelta(hours=1), night - timedelta(minutes=1)) is None
    assert last_due("0 3 * * *", night - timedelta(hours=1), night) == night
    assert last_due("0 3 * * *", night - timedelta(days=5), night + timedelta(hours=1)) == night


def test_a_time_that_the_clock_skips_still_runs() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 3, 28, 12, 0, tzinfo=berlin)
    after = datetime(2026, 3, 29, 12, 0, tzinfo=berlin)
    assert last_due("30 2 * * *", before, after) is not None


@pytest.mark.parametrize("expression", ["", "x", "60 * * * *", "* * * *", "@daily and more"])
def test_bad_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ScheduleError, match="is no cron expression"):
        parse_schedule(expression)
