"""Asks: recorded once, in order, closed when answered or gone, whatever becomes of the agent in between."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path

import pytest

from node_agent.protocol.entities import AskInfo, EventRecord
from node_agent.protocol.errors import RequestError
from node_agent.protocol.explain import ExplainSession
from node_agent.protocol.ids import SessionId
from node_agent.protocol.notices import AskChanged, AskGone
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import SignalSession
from node_agent.protocol.states import AskKind, Attention, EventKind
from tests.client import Client
from tests.harness import Node

QUESTIONS = """
import sys
for n in range(int(sys.argv[1])):
    input(f"Proceed with step {n}? [y/n] ")
    print("done", n, flush=True)
"""


async def asking(client: Client, session: SessionId, limit: float = 20.0) -> AskInfo:
    return await client.until(lambda: client.sessions[session].ask, limit)


async def test_a_question_is_an_ask_and_an_answer_closes_it(client: Client) -> None:
    await client.subscribe(after=client.last_event)
    session = await client.start("python3", "-c", QUESTIONS, "1")
    ask = await asking(client, session.id)
    assert (ask.kind, ask.session) == (AskKind.CONFIRM, session.id)
    assert "Proceed with step 0?" in ask.excerpt
    assert client.sessions[session.id].attention is Attention.ASKING
    await client.request(SendInput(session.id, f"answer {session.id}", (Chunk(text="y"), Chunk(key="enter"))))
    await client.ended(session.id)
    assert client.sessions[session.id].ask is None
    mine = [event.kind for event in client.events if event.session == session.id]
    assert mine.index(EventKind.ASK_OPENED) < mine.index(EventKind.ASK_CLOSED) < mine.index(EventKind.SESSION_EXITED)


async def test_why_a_session_is_asking_is_explained(client: Client) -> None:
    session = await client.start("python3", "-c", QUESTIONS, "1")
    await asking(client, session.id)
    explained = await client.request(ExplainSession(session.id))
    assert explained.session.attention is Attention.ASKING
    assert explained.rule
    assert explained.evidence


async def test_a_program_reports_its_own_state(client: Client) -> None:
    session = await client.start("sleep", "600")
    await client.request(SignalSession("asking", session.id, "May I go on?", "a hook"))
    ask = await asking(client, session.id)
    assert "May I go on?" in ask.excerpt
    await client.request(SignalSession("working", session.id, "", "a hook"))
    await client.until(lambda: client.sessions[session.id].ask is None)


async def test_a_report_from_outside_any_session_is_an_ask_of_its_own(node: Node) -> None:
    client = await node.connect()
    await client.request(SignalSession("asking", None, "Deploy?", "a pipeline"))
    await client.until(lambda: [notice for notice in client.notices if isinstance(notice, AskChanged)])
    await node.kill_agent()
    again = await node.connect()
    assert again.node is not None
    assert [(ask.excerpt, ask.program) for ask in again.node.asks] == [("Deploy?", "a pipeline")]
    await again.request(SignalSession("done", None, "", "a pipeline"))
    await again.until(lambda: [notice for notice in again.notices if isinstance(notice, AskGone)])
    assert (await node.connect()).node.asks == ()  # type: ignore[union-attr]  # connect has said hello


async def answer_all(client: Client, names: list[SessionId], done: asyncio.Event) -> None:
    """Say yes to every ask of these sessions, as often as it takes; the node applies each answer once."""
    while not done.is_set():
        for name in names:
            ask = client.sessions[name].ask
            if ask is not None:
                with contextlib.suppress(RequestError):  # the session has ended meanwhile
                    await client.request(SendInput(name, f"answer {ask.id}", (Chunk(text="y"), Chunk(key="enter"))))
        await asyncio.sleep(0.02)


async def run_through_kills(node: Node, sessions: int, questions: int, kills: int) -> list[EventRecord]:
    """Answer every ask of some sessions while the agent is killed again and again; all events at the end."""
    client = await node.connect()
    names = [(await client.start("python3", "-c", QUESTIONS, str(questions))).id for _ in range(sessions)]
    seen: dict[int, EventRecord] = {}
    dice = random.Random(7)
    for _ in range(kills):
        await live(client, names, seen, dice.uniform(0.0, 1.0))
        await node.kill_agent()
        client = await node.connect()
    await live(client, names, seen, None)
    return [seen[n] for n in sorted(seen)]


async def live(client: Client, names: list[SessionId], seen: dict[int, EventRecord], seconds: float | None) -> None:
    """Follow events from the last one seen and answer, for some seconds or, with None, until all sessions ended."""
    assert client.node is not None
    store = client.node.node.store
    await client.subscribe(store, max(seen, default=0))
    done = asyncio.Event()
    answering = asyncio.create_task(answer_all(client, names, done))
    if seconds is None:
        await client.until(lambda: all(client.sessions[name].exit for name in names), 120)
        await client.until(lambda: count_exits(client.events, seen) == len(names))
    else:
        await asyncio.sleep(seconds)
    done.set()
    await answering
    for event in client.events:
        assert seen.setdefault(event.n, event).data == event.data


def count_exits(events: list[EventRecord], seen: dict[int, EventRecord]) -> int:
    exits = {event.n for event in (*events, *seen.values()) if event.kind is EventKind.SESSION_EXITED}
    return len(exits)


def check_events(events: list[EventRecord], sessions: int, questions: int) -> None:
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    kinds = Counter(event.kind for event in events)
    assert kinds[EventKind.SESSION_STARTED] == kinds[EventKind.SESSION_EXITED] == sessions
    opened = [event for event in events if event.kind is EventKind.ASK_OPENED]
    per_question = Counter((event.session, event.data["ask"]["excerpt"]) for event in opened)
    assert set(per_question.values()) == {1}, per_question
    assert len(per_question) == sessions * questions
    closed = Counter(event.data["ask"] for event in events if event.kind is EventKind.ASK_CLOSED)
    assert closed == Counter(event.data["ask"]["id"] for event in opened)


async def test_each_ask_is_recorded_once_though_the_agent_is_killed(node: Node) -> None:
    check_events(await run_through_kills(node, sessions=3, questions=4, kills=4), 3, 4)


@pytest.mark.full
@pytest.mark.timeout(900)
async def test_each_ask_is_recorded_once_over_fifty_kills(node: Node) -> None:
    check_events(await run_through_kills(node, sessions=6, questions=40, kills=50), 6, 40)


async def test_an_unfinished_ask_is_the_same_one_after_a_restart(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    session = await client.start("python3", "-c", QUESTIONS, "1")
    ask = await asking(client, session.id)
    await node.kill_agent()
    again = await node.connect()
    await again.until(lambda: again.sessions[session.id].attention is Attention.ASKING, 20)
    assert (await asking(again, session.id)).id == ask.id
    assert (await asking(again, session.id)).age >= ask.age
    assert "Traceback" not in node.log()
