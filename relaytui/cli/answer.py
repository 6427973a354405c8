"""`relaytui answer`: answer what a session asks, bound to that ask, without attaching."""

from __future__ import annotations

import getpass
import sys
import uuid
from dataclasses import replace

import click

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import AskId
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.output import narrate, print_json
from relaytui.cli.reach import run_async, target
from relaytui.cli.send import check_key

_SECONDS = 60.0
"""How long the node may take: it waits for the program to go on."""

_EXITS = {
    Outcome.ACCEPTED: Exit.OK,
    Outcome.REFUSED: Exit.ANSWER_REFUSED,
    Outcome.UNCONFIRMED: Exit.ANSWER_UNCONFIRMED,
}


@click.command()
@click.argument("session", metavar="ID")
@click.argument("choice", metavar="[yes|no|NUMBER]", required=False)
@click.option("--label", metavar="TEXT", help="Choose the option with this label.")
@click.option("--text", metavar="TEXT", help="Type this text and submit it.")
@click.option("--secret", is_flag=True, help="Type a password that is asked for here, or read from standard input.")
@click.option("--keys", metavar="KEYS", help='Send these keys, as "down down enter".')
@click.option("--expect", metavar="ASK", help="Only if this is still what is asked; `inbox` shows it.")
@click.option("--steal", is_flag=True, help="Answer even while somebody else holds the right to type.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of it.")
def answer(
    session: str,
    choice: str | None,
    label: str | None,
    text: str | None,
    secret: bool,
    keys: str | None,
    expect: str | None,
    steal: bool,
    as_json: bool,
) -> int:
    """Answer what a session asks.

    The node refuses it when the ask is no longer the one on screen. Ends with 0 when the program took it, 15 when it
    was refused, 16 when it was typed and what became of it is not known.
    """
    given = [choice is not None, label is not None, text is not None, secret, keys is not None]
    if sum(given) != 1:
        raise click.UsageError("give one of yes, no, a number, --label, --text, --secret and --keys")
    request = AnswerAsk(AskId(""), str(uuid.uuid4()), label=label, text=text, steal=steal)
    if choice is not None:
        request = _choose(request, choice)
    elif keys is not None:
        for key in (names := tuple(keys.split())):
            check_key(key)
        request = replace(request, keys=names)
    elif secret:
        request = replace(request, secret=_read_secret())
    return run_async(_answer(session, request, expect, as_json))


async def _answer(word: str, request: AnswerAsk, expect: str | None, as_json: bool) -> int:
    async with target(word) as found:
        ask = found.session.ask
        if ask is None:
            raise CommandError(f"{found.key} asks nothing; `relaytui inbox` lists who does", Exit.NOTHING_ASKED)
        if expect is not None and expect not in (ask.id, f"{found.key.node}/{ask.id}"):
            raise RequestError(
                ErrorCode.CHANGED, f"{found.key} asks something else by now ({ask.id}); nothing was sent"
            )
        reply: Answered = await found.client.request(replace(request, ask=ask.id), timeout=_SECONDS)
    if as_json:
        print_json(
            {
                "node": found.key.node,
                "id": found.key.id,
                "ask": ask.id,
                "outcome": reply.outcome.value,
                "why": reply.why,
                "chosen": reply.chosen,
                "attention": reply.attention.value,
                "next_ask": reply.next_ask,
            }
        )
    else:
        narrate(": ".join(filter(None, [reply.outcome.value, reply.chosen, reply.why])))
    return _EXITS[reply.outcome]


def _choose(request: AnswerAsk, word: str) -> AnswerAsk:
    if word.lower() in ("yes", "y", "no", "n"):
        return replace(request, yes=word.lower() in ("yes", "y"))
    if word.isdecimal() and int(word) > 0:
        return replace(request, option=int(word))
    raise click.UsageError(f"{word!r} is neither yes, no nor a number; use --label or --text")


def _read_secret() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("secret: ", sys.stderr)
    return sys.stdin.readline().rstrip("\n")
