"""`relaytui send`: type into a session without attaching."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence

import click

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sending import Chunk, SendInput, Sent
from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import UnknownKeyError, encode_key, parse_key
from relaytui.cli.output import print_json
from relaytui.cli.reach import run_async, target

KEY_MARK = "key:"
TEXT_MARK = "text:"
_HEX_MARK = "hex:"
_SECONDS = 60.0  # the node may wait for the echo of each pasted text


@click.command()
@click.argument("session", metavar="ID")
@click.argument("chunks", metavar="[CHUNK]...", nargs=-1)
@click.option("--steal", is_flag=True, help="Type even while somebody else holds the right to.")
@click.option("--json", "as_json", is_flag=True, help="Print where in the output the input was written.")
def send(session: str, chunks: tuple[str, ...], steal: bool, as_json: bool) -> None:
    """Type into a session.

    A CHUNK is text, or a key as key:enter, key:ctrl+c, key:f5, key:shift+tab, key:alt+x, key:hex:1b5b41, encoded as
    the program wants it at that moment. Text is pasted; keys after it wait until it is echoed. text:… is text even if
    it looks like a key. Without a chunk, standard input is the text.
    """
    parsed = parse_chunks(chunks) if chunks else (Chunk(text=sys.stdin.read()),)

    async def work() -> None:
        async with target(session) as found:
            request = SendInput(found.key.id, str(uuid.uuid4()), parsed, steal)
            reply: Sent = await found.client.request(request, timeout=_SECONDS)
            if as_json:
                print_json({"node": found.key.node, "id": found.key.id, "bytes": reply.bytes, "offset": reply.head})

    run_async(work())


def parse_chunks(words: Sequence[str]) -> tuple[Chunk, ...]:
    """The chunks that words of the command line mean; raises RequestError (`bad_key`) before anything is sent."""
    return tuple(_parse(word) for word in words)


def _parse(word: str) -> Chunk:
    if word.startswith(TEXT_MARK):
        return Chunk(text=word.removeprefix(TEXT_MARK))
    if not word.startswith(KEY_MARK):
        return Chunk(text=word)
    key = word.removeprefix(KEY_MARK)
    check_key(key)
    return Chunk(data=encode_key(key, Modes()).hex()) if key.startswith(_HEX_MARK) else Chunk(key=key)


def check_key(name: str) -> None:
    """Raise RequestError (`bad_key`) for a key that is none."""
    try:
        if name.startswith(_HEX_MARK):
            encode_key(name, Modes())
        else:
            parse_key(name)
    except UnknownKeyError as error:
        raise RequestError(ErrorCode.BAD_KEY, f"{error}; nothing was sent") from error
