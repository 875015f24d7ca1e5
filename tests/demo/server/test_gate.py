"""The gate limits requests and drains them, tested without a page."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from demo.core.texts import fill, texts
from demo.server.gate import ENDING, MAX_AT_ONCE, MAX_BYTES, TOO_LONG, TOO_MANY, Gate
from demo.server.visitors import Visitors

JOIN = "/gradio_api/queue/join"


class Queue:
    """The parts of gradio's queue that the gate reads: waiting and running events."""

    def __init__(self, waiting=(), running=()):
        self.event_queue_per_concurrency_id = {"photo": SimpleNamespace(queue=[event(who) for who in waiting])}
        self.active_jobs = [None, [event(who) for who in running]]


def event(who):
    return SimpleNamespace(request=SimpleNamespace(scope={"client": (who, 1)}))


def knock(gate, who="anna", path=JOIN, method="POST", body=b"{}", headers=(), meanwhile=None):
    """Send one request through the gate: (status, body of the answer, bodies that the page has read)."""
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
    asyncio.run(gate.wrap(page)(scope, receive, send))
    return answered["status"], answered["body"].decode(), read


def unfinished(gate):
    return gate.unfinished(gate._visitors.name("anna"))


@pytest.fixture
def gate():
    opened = Gate(Visitors())
    opened.queue = Queue()
    return opened


def test_only_the_visitor_with_many_requests_is_refused(gate):
    gate.queue = Queue(waiting=["anna"] * (MAX_AT_ONCE - 1), running=["anna"])
    assert knock(gate, "anna")[:2] == (429, f'{{"detail": "{TOO_MANY}", "error": "{TOO_MANY}"}}')
    assert knock(gate, "ben")[0] == 200


def test_a_refusal_is_in_the_language_of_the_browser(gate):
    gate.queue = Queue(waiting=["anna"] * MAX_AT_ONCE)
    for accepted, language in (("de-AT,de;q=0.9,en;q=0.8", "de"), ("zh-TW", "zh-CN"), ("pt,de", "en"), ("", "en")):
        _, answer, _ = knock(gate, headers=[(b"accept-language", accepted.encode())])
        assert json.loads(answer)["detail"] == fill(texts(language)["too_many_requests"], {"most": MAX_AT_ONCE})


def test_one_request_below_the_limit_is_accepted(gate):
    gate.queue = Queue(waiting=["anna"] * (MAX_AT_ONCE - 2), running=["anna", "ben"])
    assert knock(gate, "anna")[0] == 200


def test_requests_count_from_the_moment_they_arrive(gate):
    gate.queue = Queue(waiting=["anna"] * (MAX_AT_ONCE - 1))
    seen = []

    async def another():
        seen.append(unfinished(gate))

    assert knock(gate, meanwhile=another)[0] == 200
    assert seen == [MAX_AT_ONCE]
    assert unfinished(gate) == MAX_AT_ONCE - 1  # the waiting requests remain, the new one is done


def test_visitors_behind_a_proxy_are_told_apart():
    gate = Gate(Visitors(proxies=1))
    gate.queue = Queue(waiting=["proxy"] * MAX_AT_ONCE)
    for one in gate.queue.event_queue_per_concurrency_id["photo"].queue:
        one.request.scope["headers"] = [(b"x-forwarded-for", b"10.0.0.1")]
    assert knock(gate, "proxy", headers=[(b"x-forwarded-for", b"10.0.0.1")])[0] == 429
    assert knock(gate, "proxy", headers=[(b"x-forwarded-for", b"10.0.0.1, 10.0.0.2")])[0] == 200


def test_opening_the_page_and_uploading_are_not_limited(gate):
    gate.queue = Queue(waiting=["anna"] * MAX_AT_ONCE)
    assert knock(gate, path="/", method="GET")[0] == 200
    assert knock(gate, path="/gradio_api/upload")[0] == 200


@pytest.mark.parametrize("path", [JOIN, "/gradio_api/call/tag", "/gradio_api/call/v2/tag"])
def test_a_closed_gate_says_that_the_page_is_restarting(gate, path):
    gate.drain(0)
    status, said, _ = knock(gate, path=path)
    assert status == 503 and ENDING in said


def test_draining_waits_for_requests_but_not_forever(gate):
    ended = []

    async def told_to_end():
        ended.append(gate.drain(0.1))

    knock(gate, meanwhile=told_to_end)
    assert ended == [False]
    assert gate.drain(2)
    gate.queue = Queue(waiting=["anna"])
    assert not gate.drain(0.1)


def test_long_requests_are_refused_or_cut_off(gate):
    declared = [(b"content-length", str(MAX_BYTES + 1).encode())]
    assert TOO_LONG in knock(gate, headers=declared)[1]
    assert knock(gate, body=bytes(MAX_BYTES + 1))[2] == [None]
    assert knock(gate, body=bytes(MAX_BYTES))[2] == [bytes(MAX_BYTES)]
    assert knock(gate, path="/gradio_api/upload", body=bytes(MAX_BYTES + 1), headers=declared)[0] == 200
