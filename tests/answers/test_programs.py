"""Answers to real programs, each by label, and the programs say what they took."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.asks import Outcome
from node_agent.protocol.states import AskKind, EventKind
from tests.answers.steps import answer, asking, following, screen
from tests.client import Client
from tests.harness import Node
from tests.sshd import needs_sshd, open_sshd

DIALOGS = str(Path(__file__).with_name("dialogs.py"))
SAYS = "; status=$?; echo; echo said $status; sleep 600"


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def took(dialog: str) -> str:
    """A shell command that runs a dialog, which answers on stderr, and says what it took."""
    return f"out=$({dialog} 3>&1 1>&2 2>&3); echo; echo took $out; sleep 600"


async def accepted(client: Client, command: str, says: str, words: str = "", **how: object) -> None:
    """Run a shell command, answer what it asks, and see what it says then."""
    session = await client.start("bash", "-c", command)
    ask = await asking(client, session.id, words)
    reply = await answer(client, ask, **how)
    assert reply.outcome is Outcome.ACCEPTED, (reply, ask)
    await screen(client, session.id, says)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("claude", "Yes"),
        ("claude", "No, and tell Claude what to do differently"),
        ("starts-on-no", "Yes, I accept"),
        ("starts-on-no", "No, exit"),
        ("trust", "No, exit"),
        ("long", "model 1"),
        ("long", "model 12"),
    ],
)
async def test_dialogs_of_coding_agents_by_label(client: Client, name: str, label: str) -> None:
    session = await client.start(sys.executable, DIALOGS, name)
    reply = await answer(client, await asking(client, session.id), label=label)
    assert (reply.outcome, reply.chosen) == (Outcome.ACCEPTED, label)
    await screen(client, session.id, f"chosen: {label}")


async def test_yes_is_the_plain_yes_wherever_the_cursor_starts(client: Client) -> None:
    for name, yes, label in (("claude", True, "Yes"), ("starts-on-no", True, "Yes, I accept"), ("claude", False, "No")):
        session = await client.start(sys.executable, DIALOGS, name)
        reply = await answer(client, await asking(client, session.id), yes=yes)
        assert reply.outcome is Outcome.ACCEPTED
        await screen(client, session.id, f"chosen: {label}")


async def test_a_dialog_under_a_spinner_is_judged_again_until_it_is_answered(client: Client) -> None:
    session = await client.start(sys.executable, DIALOGS, "starts-on-no", "animated")
    reply = await answer(client, await asking(client, session.id), yes=True)
    assert reply.outcome is Outcome.ACCEPTED, reply
    await screen(client, session.id, "chosen: Yes, I accept")


async def test_a_mark_that_does_not_move_is_never_submitted(client: Client) -> None:
    session = await client.start(sys.executable, DIALOGS, "starts-on-no", "stuck")
    ask = await asking(client, session.id)
    reply = await answer(client, ask, label="Yes, I accept")
    assert "does not move" in reply.why
    assert reply.outcome is Outcome.UNCONFIRMED  # the option's number was tried last, and may submit
    assert (await asking(client, session.id)).id == ask.id


async def test_a_submit_that_the_program_does_not_take_is_unconfirmed(client: Client) -> None:
    session = await client.start(sys.executable, DIALOGS, "starts-on-no", "stuck")
    reply = await answer(client, await asking(client, session.id), label="No, exit")
    assert reply.outcome is Outcome.UNCONFIRMED, reply


@needs("git")
async def test_git_add_in_hunks(client: Client, tmp_path: Path) -> None:
    setup = (
        f"cd {tmp_path} && git init -q . && git config user.email a@b && git config user.name x && seq 40 > f &&"
        " git add f && git commit -qm 1 && sed -i 's/^3$/three/; s/^33$/tt/' f && "
    )
    session = await client.start("bash", "-c", setup + "git add -p; git diff --cached --stat; sleep 600")
    first = await asking(client, session.id, "(1/2)")
    assert (await answer(client, first, label="n")).outcome is Outcome.ACCEPTED
    second = await asking(client, session.id, "(2/2)")
    assert (await answer(client, first, label="y")).outcome is Outcome.REFUSED
    assert (await answer(client, second, yes=True)).outcome is Outcome.ACCEPTED
    assert "1 file changed, 1 insertion(+), 1 deletion(-)" in await screen(client, session.id, "1 file changed")


@needs("whiptail")
@pytest.mark.parametrize(("label", "says"), [("Yes", "said 0"), ("No", "said 1")])
async def test_whiptail_yes_or_no(client: Client, label: str, says: str) -> None:
    await accepted(client, f"whiptail --yesno 'Restart services?' 8 40{SAYS}", says, label=label)


@needs("whiptail")
async def test_whiptail_menu_and_fields(client: Client) -> None:
    menu = took("whiptail --menu 'Which one?' 12 40 3 a alpha b beta c gamma")
    await accepted(client, menu, "took b", label="b beta")
    field = took("whiptail --inputbox 'Your name?' 10 40")
    await accepted(client, field, "took ann", text="ann")
    secret = took("whiptail --passwordbox 'Password?' 10 40")
    await accepted(client, secret, "took s3cret", secret="s3cret")


@needs("dialog")
@pytest.mark.parametrize(("label", "says"), [("Yes", "said 0"), ("No", "said 1")])
async def test_dialog_yes_or_no(client: Client, label: str, says: str) -> None:
    await accepted(client, f"dialog --yesno 'Go on?' 7 40{SAYS}", says, label=label)


@needs("dialog")
async def test_dialog_menu(client: Client) -> None:
    menu = took("dialog --menu 'Which one?' 12 40 3 a alpha b beta c gamma")
    await accepted(client, menu, "took c", label="c gamma")


@needs("fzf")
async def test_fzf_takes_the_line_of_that_label_and_no_other(client: Client) -> None:
    await accepted(
        client, "out=$(printf 'alpha\\nbeta\\nbeta two\\n' | fzf); echo took $out; sleep 600", "took beta", label="beta"
    )
    session = await client.start("bash", "-c", "printf 'alpha\\nbeta two\\n' | fzf; sleep 600")
    reply = await answer(client, await asking(client, session.id), label="beta")
    assert reply.outcome is Outcome.REFUSED, reply


async def test_select_of_bash_and_read_of_one_key(client: Client) -> None:
    await accepted(client, "select a in red green blue; do echo took $a; sleep 600; done", "took green", label="green")
    await accepted(client, "read -n1 -p 'Overwrite? [y/N] ' a; echo; echo took $a; sleep 600", "took y", yes=True)
    await accepted(client, "read -e -p 'Name: ' a; echo took $a; sleep 600", "took ann b", text="ann b")
    await accepted(client, "echo 'Press Enter to continue'; read a; echo went on; sleep 600", "went on", yes=True)


@needs_sshd
async def test_an_unknown_host_key_is_refused_and_accepted(client: Client, tmp_path: Path) -> None:
    async with open_sshd(tmp_path / "sshd") as server:
        options = f"-F /dev/null -o UserKnownHostsFile={tmp_path}/known -o IdentityFile={server.identity}"
        command = f"ssh {options} -p {server.port} 127.0.0.1 echo logged-in; s=$?; echo; echo said $s; sleep 600"
        await accepted(client, command, "said 255", "continue connecting", label="No")
        assert not (tmp_path / "known").exists()
        await accepted(client, command, "logged-in", "continue connecting", label="Yes")


async def test_a_password_is_typed_and_stands_nowhere(client: Client, shared_node: Node) -> None:
    program = "import getpass; p = getpass.getpass(); print('took', len(p)); import time; time.sleep(600)"
    session = await client.start(sys.executable, "-c", program)
    ask = await asking(client, session.id)
    assert ask.kind is AskKind.PASSWORD
    refused = await answer(client, ask, text="s3cret-word")
    assert refused.outcome is Outcome.REFUSED
    reply = await answer(client, ask, secret="s3cret-word")
    assert (reply.outcome, reply.chosen) == (Outcome.ACCEPTED, "secret")
    await screen(client, session.id, "took 11")
    for path in shared_node.paths.state.rglob("*"):
        if path.is_file():
            assert b"s3cret-word" not in path.read_bytes(), path


async def test_a_secret_is_refused_where_it_would_be_seen(client: Client) -> None:
    session = await client.start("bash", "-c", "read -p 'Password: ' p; sleep 600")
    reply = await answer(client, await asking(client, session.id), secret="s3cret")
    assert reply.outcome is Outcome.REFUSED
    assert "s3cret" not in (await screen(client, session.id, "Password:"))


async def test_an_answer_is_an_event_that_names_who_and_what(client: Client) -> None:
    await client.subscribe(after=client.last_event)
    session = await client.start("bash", "-c", "read -p 'Proceed? [y/n] ' a; sleep 600")
    ask = await asking(client, session.id)
    await answer(client, ask, yes=True, policy="rule 3")
    event = await client.until(lambda: next((e for e in client.events if e.kind is EventKind.ASK_ANSWERED), None))
    assert (event.data["ask"], event.data["operator"], event.data["outcome"]) == (ask.id, "ann", "accepted")
    assert (event.data["chosen"], event.data["policy"]) == ("Yes", "rule 3")


is_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

PACKAGE = """
set -e
cd {here}
mkdir -p package/DEBIAN package/etc
cat > package/DEBIAN/control <<END
Package: {name}
Version: $1
Architecture: all
Maintainer: x <x@x>
Description: x
END
echo /etc/{name}.conf > package/DEBIAN/conffiles
echo "version $1" > package/etc/{name}.conf
dpkg-deb --build package {name}-$1.deb > /dev/null
"""


@pytest.fixture
def conffile(tmp_path: Path) -> Path:
    """A root of its own where version 1 of a package is installed and its conffile was edited; version 2 beside it."""
    root = tmp_path / "root"
    for directory in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "etc", "bin"):
        (root / directory).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    for version in ("1", "2"):
        script = PACKAGE.format(here=tmp_path, name="relaytest")
        subprocess.run(["bash", "-c", script, "bash", version], check=True)
    subprocess.run([*_dpkg(root), "-i", f"{tmp_path}/relaytest-1.deb"], check=True, capture_output=True)
    (root / "etc/relaytest.conf").write_text("mine\n")
    return root


def _dpkg(root: Path) -> list[str]:
    return ["dpkg", f"--root={root}", "--force-not-root", "--force-script-chrootless", f"--log={root}/log"]


@is_root
@needs("dpkg-deb")
@pytest.mark.parametrize(("how", "conf"), [({"label": "Y"}, "version 2\n"), ({"yes": False}, "mine\n")])
async def test_dpkg_asks_about_a_conffile(client: Client, conffile: Path, how: dict[str, Any], conf: str) -> None:
    install = shlex.join([*_dpkg(conffile), "-i", f"{conffile.parent}/relaytest-2.deb"])
    await accepted(client, f"{install}{SAYS}", "said 0", **how)
    assert (conffile / "etc/relaytest.conf").read_text() == conf


@is_root
@needs("apt-get")
@needs("dpkg-deb")
async def test_apt_asks_before_it_removes(client: Client, conffile: Path) -> None:
    install = f"apt-get -o Dir::State::status={conffile}/var/lib/dpkg/status -o Debug::NoLocking=1 -s remove relaytest"
    confirm = install.replace(" -s ", " -o APT::Get::Assume-Yes=false -o Dir::Bin::dpkg=/bin/true ")
    await accepted(client, f"LC_ALL=C {confirm}{SAYS}", "Abort", yes=False)


@needs("sudo")
@pytest.mark.skipif(shutil.which("runuser") is None or os.geteuid() != 0, reason="needs root to become somebody else")
async def test_sudo_takes_a_secret_without_an_echo(client: Client) -> None:
    session = await client.start("runuser", "-u", "nobody", "--", "sudo", "-k", "true")
    ask = await asking(client, session.id)
    assert ask.kind is AskKind.PASSWORD
    reply = await answer(client, ask, secret="not-the-password")
    assert reply.outcome is Outcome.ACCEPTED, reply
    await following(client, ask)  # sudo asks again
    assert "not-the-password" not in await screen(client, session.id, "ry again")


@needs("npm")
async def test_npm_init_is_walked_through(client: Client, tmp_path: Path) -> None:
    session = await client.start("npm", "init", cwd=str(tmp_path), env={"npm_config_update_notifier": "false"})
    said = {"package name": "relay-demo", "version": "2.0.0", "description": "a demo"}
    ask = await asking(client, session.id, "package name")
    while "Is this OK" not in ask.excerpt:
        text = said.get(ask.excerpt.partition(":")[0])
        reply = await answer(client, ask, text=text) if text else await answer(client, ask, keys=("enter",))
        assert reply.outcome is Outcome.ACCEPTED, (reply, ask)
        ask = await following(client, ask)
    await answer(client, ask, yes=True)
    await client.ended(session.id)
    package = json.loads((tmp_path / "package.json").read_text())
    assert (package["name"], package["version"], package["description"]) == ("relay-demo", "2.0.0", "a demo")


@pytest.mark.parametrize(
    ("question", "how", "says"),
    [
        ("select('Pick?', choices=['red', 'green', 'blue'])", {"label": "green"}, "took green"),
        ("rawselect('Pick?', choices=['red', 'green'])", {"label": "green"}, "took green"),
        ("confirm('Sure?')", {"yes": False}, "took False"),
        ("confirm('Sure?', auto_enter=False)", {"yes": False}, "took False"),
        ("text('Name?')", {"text": "ann b"}, "took ann b"),
        ("password('Password?')", {"secret": "s3c"}, "took s3c"),
    ],
)
async def test_prompts_of_questionary(client: Client, question: str, how: dict[str, Any], says: str) -> None:
    program = f"import questionary, time; print('took', questionary.{question}.ask()); time.sleep(600)"
    session = await client.start(sys.executable, "-c", program, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    reply = await answer(client, await asking(client, session.id), **how)
    assert reply.outcome is Outcome.ACCEPTED, reply
    await screen(client, session.id, says)


RAW_KEYS = r"""
import os, tty
tty.setraw(0)
os.write(1, b"\x1b[?2004hSure? (Y/n) ")
answer, data = "yes", b""
while not data.endswith(b"\r"):
    data = os.read(0, 64)
    if data in (b"y", b"n"):
        answer = {b"y": "yes", b"n": "no"}[data]
        os.write(1, answer.encode())
os.write(1, b"\x1b[?2004l\r\ntook " + answer.encode() + b"\r\n")
os.read(0, 1)
"""


async def test_an_options_key_is_typed_and_never_pasted(client: Client) -> None:
    """A program that takes keys goes by its default when the key comes as a paste."""
    session = await client.start(sys.executable, "-c", RAW_KEYS)
    reply = await answer(client, await asking(client, session.id), yes=False)
    assert reply.outcome is Outcome.ACCEPTED, reply
    await screen(client, session.id, "took no")
