"""What stands in front of the queue, without a page behind it."""

import asyncio
from types import SimpleNamespace

import pytest

from demo.server.gate import ENDING, MOST_AT_ONCE, MOST_BYTES, TOO_LONG, TOO_MANY, Gate
from demo.server.limits import Limits

JOIN = "/gradio_api/queue/join"


class Queue:
    """What the gate looks at of gradio's queue: who waits, and whose requests are under way."""

    def __init__(self, waiting=(), running=()):
        self.event_queue_per_concurrency_id = {"photo": SimpleNamespace(queue=[event(who) for who in waiting])}
        self.active_jobs = [None, [event(who) for who in running]]


def event(who):
    return SimpleNamespace(request=SimpleNamespace(scope={"client": (who, 1)}))


def knock(gate, who="anna", path=JOIN, method="POST", body=b"{}", headers=(), meanwhile=None):
    """Send one request through the gate: (status, body it was answered with, bytes the page behind it read)."""
    answered, read = {}, []

    async def page(scope, receive, send):
        if meanwhile:
            await meanwhile()
        message = await receive()
        read.append(message.get("body"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        answered.update(message)

    scope = {"type": "http", "method": method, "path": path, "client": (who, 1), "headers": list(headers)}
    asyncio.run(gate.over(page)(scope, receive, send))
    return answered["status"], answered["body"].decode(), read


@pytest.fixture
def gate():
    opened = Gate(lambda address, forwarded: forwarded or address)
    opened.queue = Queue()
    return opened


def test_a_visitor_with_many_unfinished_requests_waits_and_the_others_do_not(gate):
    gate.queue = Queue(waiting=["anna"] * (MOST_AT_ONCE - 1), running=["anna"])
    assert knock(gate, "anna")[:2] == (429, f'{{"detail": "{TOO_MANY}", "error": "{TOO_MANY}"}}')
    assert knock(gate, "ben")[0] == 200


def test_one_request_less_is_let_in(gate):
    gate.queue = Queue(waiting=["anna"] * (MOST_AT_ONCE - 2), running=["anna", "ben"])
    assert knock(gate, "anna")[0] == 200


def test_requests_that_are_just_entering_count_so_that_a_rush_cannot_slip_by(gate):
    gate.queue = Queue(waiting=["anna"] * (MOST_AT_ONCE - 1))
    seen = []

    async def another():
        seen.append(gate.unfinished("anna"))

    assert knock(gate, meanwhile=another)[0] == 200
    assert seen == [MOST_AT_ONCE]
    assert gate.unfinished("anna") == MOST_AT_ONCE - 1  # those that wait still do, the one that entered has left


def test_visitors_behind_a_proxy_are_told_apart_by_what_it_says_of_them():
    gate = Gate(Limits(proxies=1).visitor)
    gate.queue = Queue(waiting=["proxy"] * MOST_AT_ONCE)
    for one in gate.queue.event_queue_per_concurrency_id["photo"].queue:
        one.request.scope["headers"] = [(b"x-forwarded-for", b"10.0.0.1")]
    assert knock(gate, "proxy", headers=[(b"x-forwarded-for", b"10.0.0.1")])[0] == 429
    assert knock(gate, "proxy", headers=[(b"x-forwarded-for", b"10.0.0.1, 10.0.0.2")])[0] == 200


def test_looking_at_the_page_is_never_bounded(gate):
    gate.queue = Queue(waiting=["anna"] * MOST_AT_ONCE)
    assert knock(gate, path="/", method="GET")[0] == 200
    assert knock(gate, path="/gradio_api/upload")[0] == 200


@pytest.mark.parametrize("path", [JOIN, "/gradio_api/call/tag", "/gradio_api/call/v2/tag"])
def test_a_closed_gate_says_that_the_page_is_being_restarted(gate, path):
    gate.end(0)
    status, said, _ = knock(gate, path=path)
    assert status == 503 and ENDING in said


def test_the_end_waits_for_requests_under_way_but_not_for_ever(gate):
    ended = []

    async def told_to_end():
        ended.append(gate.end(0.1))

    knock(gate, meanwhile=told_to_end)
    assert ended == [False]
    assert gate.end(2)
    gate.queue = Queue(waiting=["anna"])
    assert not gate.end(0.1)


def test_a_long_request_is_refused_by_its_length_or_broken_off_where_it_lied(gate):
    declared = [(b"content-length", str(MOST_BYTES + 1).encode())]
    assert TOO_LONG in knock(gate, headers=declared)[1]
    assert knock(gate, body=bytes(MOST_BYTES + 1))[2] == [None]
    assert knock(gate, body=bytes(MOST_BYTES))[2] == [bytes(MOST_BYTES)]
    assert knock(gate, path="/gradio_api/upload", body=bytes(MOST_BYTES + 1), headers=declared)[0] == 200
