"""Clients that go while they are being served: what they asked for is done wholly, and everybody else knows of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from node_agent.protocol.codec import to_wire
from node_agent.protocol.errors import RequestError
from node_agent.protocol.events import EventList, ListEvents
from node_agent.protocol.frames import FrameType, encode_json
from node_agent.protocol.message import Request
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.settings import GetSettings, NodeSettings, SetSettings
from node_agent.protocol.states import EventKind
from tests.client import Client
from tests.harness import Node

_CUTS = 40
_STEP = 0.0003
"""Seconds by which each client stays longer than the one before it: together they go at any moment of a request."""


async def ask_and_go(node: Node, stay: float, *requests: Request) -> None:
    """Make requests as a client of its own that is killed `stay` seconds later."""
    client = await node.connect(watch=False)
    for number, request in enumerate(requests, 100):
        client.write(encode_json(FrameType.REQUEST, {"op": request.op, **to_wire(request)}, number=number))
    await asyncio.sleep(stay)
    await client.close()


async def test_a_session_that_was_started_is_known_though_nobody_waits_for_the_reply(
    shared_node: Node, client: Client
) -> None:
    keeper = await shared_node.keeper()
    for number in range(_CUTS):
        request = StartSession(f"gone {number}", ("sleep", "600"), cwd="/", bare=True)
        await ask_and_go(shared_node, number * _STEP, request)
    last = await client.start("true")
    await client.ended(last.id)
    kept = {record.id for record in await keeper.list()}
    await keeper.close()
    await client.until(lambda: kept <= set(client.sessions))


async def test_settings_that_were_changed_count_though_nobody_waits_for_the_reply(
    shared_node: Node, client: Client
) -> None:
    for number in range(_CUTS):
        known: NodeSettings = await client.request(GetSettings())
        await ask_and_go(shared_node, number * _STEP, SetSettings(replace(known, escalate_after=float(number))))
    for _ in range(10):  # a change may still be under way
        known = await client.request(GetSettings())
        with contextlib.suppress(RequestError):
            await client.request(SetSettings(replace(known, escalate_after=1000.0)))
            break
    changed: NodeSettings = await client.request(GetSettings())
    assert changed.escalate_after == 1000.0


async def test_events_reach_everybody_though_who_caused_them_is_gone(shared_node: Node, client: Client) -> None:
    await client.subscribe(after=client.last_event)
    session = await client.start("cat")
    for number in range(_CUTS):
        request = SendInput(session.id, f"typed and gone {number}", (Chunk(text="x"),))
        await ask_and_go(shared_node, number * _STEP, request)
    await client.request(SendInput(session.id, "the last", (Chunk(text="y"),)))
    await client.until(lambda: client.events and client.events[-1].kind is EventKind.INPUT_SENT)
    listed: EventList = await client.request(ListEvents(after=client.last_event, limit=1000))
    await client.until(lambda: len(client.events) >= len(listed.events))
    assert [event.n for event in client.events[: len(listed.events)]] == [event.n for event in listed.events]
