"""One connection: what a slow other end costs, and what survives an upgrade."""

from __future__ import annotations

import json
import socket

import pytest

from node_agent.io.keeper_notices import HeadsAdvanced
from node_agent.keeper.control import Frame, FrameDecoder, encode_frame, preamble
from node_agent.keeper.loop import Loop
from node_agent.keeper.news import BURST, PACE, News
from node_agent.keeper.peer import MAX_UNSENT, PATIENCE, Peer
from tests.keeper.harness import Node, until


def test_everything_about_a_peer_survives_an_upgrade() -> None:
    loop = Loop(lambda: None)
    near, far = socket.socketpair()
    received: list[Frame] = []
    peer = Peer(3, near, 77, loop, lambda _, frame: received.append(frame), lambda _: None)
    peer.epoch, peer.version, peer.watched = 5, 1, True
    peer.grown = {"s1"}
    peer.facts = {("exited", "s1"): None, ("disk", ""): None}
    peer.send({"big": "x" * 3_000_000})
    half = encode_frame({"op": "ping", "n": 1})
    far.send(half[:9])
    peer._ready(1)

    fields = json.loads(json.dumps(peer.dump()))
    copy = Peer(3, near, 77, loop, lambda _, frame: received.append(frame), lambda _: None)
    copy.restore(fields)

    assert (copy.epoch, copy.version, copy.watched, copy.grown) == (5, 1, True, {"s1"})
    assert list(copy.facts) == [("exited", "s1"), ("disk", "")]
    assert not copy.is_idle
    far.send(half[9:])
    far.setblocking(False)
    decoder, sent = FrameDecoder(), list[Frame]()
    while not sent:
        sent = decoder.feed(far.recv(1 << 20))
        copy._ready(3)
    assert sent == [Frame({"big": "x" * 3_000_000})]
    assert received == [Frame({"op": "ping", "n": 1})]
    copy.close()
    far.close()
    loop.close()


async def test_a_peer_that_does_not_read_slows_nobody_and_is_not_queued_for(node: Node) -> None:
    mute = socket.socket(socket.AF_UNIX)
    mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    mute.connect(str(node.paths.keeper_socket))
    mute.sendall(preamble() + encode_frame({"op": "hello", "n": 1, "epoch": 1}))
    session = await node.spawn("seq", "1", "60000")
    mute.sendall(b"".join(encode_frame({"op": "list", "n": number}) for number in range(200)))
    record = await node.ends(session)
    assert record.head == sum(len(str(number)) + 2 for number in range(1, 60_001))
    received = 0
    mute.settimeout(5)
    mute.sendall(encode_frame({"op": "ping", "n": 1000}))
    decoder = FrameDecoder()
    decoder.feed(mute.recv(8)[8:])
    numbers: list[int] = []
    notices = 0
    while 1000 not in numbers:
        data = mute.recv(65536)
        received += len(data)
        for frame in decoder.feed(data):
            numbers += [frame.header["re"]] if "re" in frame.header else []
            notices += "notice" in frame.header
    mute.close()
    assert numbers == [1, *range(200), 1000]
    assert received < MAX_UNSENT
    assert notices < 500


async def test_garbage_closes_that_connection_alone(node: Node) -> None:
    for garbage in (b"GET / HTTP/1.0\r\n\r\n", preamble() + b"\xff" * 8, preamble() + encode_frame({"op": "ping"})):
        stranger = socket.socket(socket.AF_UNIX)
        stranger.settimeout(10)
        stranger.connect(str(node.paths.keeper_socket))
        stranger.sendall(garbage)
        while stranger.recv(100):
            pass
        stranger.close()
    await node.client.ping()


async def test_a_request_that_makes_no_sense_is_refused(node: Node) -> None:
    for header in (
        {"op": "no such thing"},
        {"op": None},
        {"op": "write", "session": 5},
        {"op": "spawn", "columns": "wide", "rows": True},
        {"op": "mem_read", "pid": 1, "address": -1, "length": 10},
        {"op": "proc_read", "pid": 1, "names": [1, 2]},
    ):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(10)
        peer.connect(str(node.paths.keeper_socket))
        peer.sendall(preamble() + encode_frame({"op": "hello", "n": 1, "epoch": 1}) + encode_frame({**header, "n": 2}))
        decoder, frames = FrameDecoder(), list[Frame]()
        assert peer.recv(8) == preamble()
        while not any(frame.header.get("re") == 2 for frame in frames):
            frames += decoder.feed(peer.recv(4096))
        peer.close()
        assert frames[-1].header["error"] in ("bad_request", "unknown_op")
    await node.client.ping()


async def test_a_flood_is_told_in_few_notices(node: Node) -> None:
    session = await node.spawn("seq", "1", "100000")
    record = await node.ends(session)
    told = [notice for notice in node.notices if isinstance(notice, HeadsAdvanced)]
    await until(lambda: node.heads[session] == record.head)
    assert len(told) < record.head / 2000


def test_a_patient_frame_goes_along_with_the_next_one_or_alone_in_the_end() -> None:
    loop = Loop(lambda: None)
    near, far = socket.socketpair()
    peer = Peer(3, near, 77, loop, lambda *_: None, lambda _: None)
    far.setblocking(False)
    decoder = FrameDecoder()
    peer.send({"re": 1}, is_patient=True)
    with pytest.raises(BlockingIOError):
        far.recv(1)
    peer.send({"notice": "heads"})
    assert decoder.feed(far.recv(1000)) == [Frame({"notice": "heads"}), Frame({"re": 1})]

    peer.send({"re": 2}, is_patient=True)
    assert bytes.fromhex(peer.dump()["unsent"]) == encode_frame({"re": 2})
    loop.call_after(2 * PATIENCE, lambda: setattr(loop, "stopped", True))
    loop.run()
    assert decoder.feed(far.recv(1000)) == [Frame({"re": 2})]
    peer.close()
    far.close()
    loop.close()


def test_notices_go_at_once_until_they_come_thick_and_fast() -> None:
    loop = Loop(lambda: None)
    near, far = socket.socketpair()
    peer = Peer(3, near, 77, loop, lambda *_: None, lambda _: None)
    peer.epoch = 1
    news = News(loop, {3: peer}, lambda *_: None, lambda _: 7)
    told = 0
    began = loop.now()
    for _ in range(100):
        news.journal_grew("s1")
        news.spread()
        told += not peer.has_news
    assert BURST <= told <= BURST + (loop.now() - began) / PACE + 1
    news.journal_grew("s2", is_echo=True)
    news.spread()
    assert not peer.has_news
    peer.close()
    far.close()
    loop.close()
