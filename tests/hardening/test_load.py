"""Under load every visitor gets answers, and the page's memory stays flat."""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from demo.page import MAX_QUEUE
from demo.server.gate import MAX_AT_ONCE, TOO_MANY
from tests.hardening.memory import least_growth
from tests.server import ROOT, Server, ask, page_served, photo, upload

pytestmark = pytest.mark.slow

PHOTOS = [path.read_bytes() for path in sorted((ROOT / "assets" / "examples").glob("*.jpg"))]
WORDS = ("corgi", "kite", "meteor shower", "wooden house", "coffee", "bridge", "bee", "snow", "book", "harbour")
FLAT = 100_000_000
"""Bytes by which the page may grow after the first third of two minutes."""
KEPT = 40_000_000
"""Bytes by which it may grow in five seconds of six visitors, when it has served them before."""


@dataclass
class Visits:
    """Measurements of the visits."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def summary(self) -> str:
        ordered = sorted(self.seconds)
        third = self.resident[len(self.resident) // 3]
        return (
            f"{len(ordered)} answers, {len(self.faults)} faults, median {statistics.median(ordered):.2f} s, "
            f"p95 {ordered[int(0.95 * len(ordered))]:.2f} s, at most {max(self.waiting)} waiting, memory "
            f"{third / 1e6:.0f} MB after a third, {self.resident[-1] / 1e6:.0f} MB in the end"
        )


def visit(server: Server, number: int, until: float, met: Visits) -> None:
    """Requests of one visitor in turn: tag, describe, score and compare."""
    with server.visitor(f"10.1.0.{number}") as visitor:
        turn = number
        while time.monotonic() < until:
            given = photo(upload(visitor, "photo.jpg", PHOTOS[turn % len(PHOTOS)]))
            words = ", ".join((WORDS[turn % len(WORDS)], WORDS[(turn * 3 + 1) % len(WORDS)]))
            for endpoint, values in (
                ("tag", (given, 10)),
                ("describe", (words, "lexicon")),
                ("score", (given, words, "lexicon")),
                ("compare", (given, words, "template")),
            ):
                start = time.perf_counter()
                worked, said = ask(visitor, endpoint, *values, session=f"visitor-{number}")
                met.seconds.append(time.perf_counter() - start)
                if not worked:
                    met.faults.append(str(said))
            turn += 1


def load(server: Server, visitors: int, seconds: float) -> Visits:
    met = Visits()
    with server.visitor() as watcher, ThreadPoolExecutor(visitors) as pool:
        until = time.monotonic() + seconds
        asked = [pool.submit(visit, server, number, until, met) for number in range(visitors)]
        while not all(one.done() for one in asked):
            met.waiting.append(watcher.get("/gradio_api/queue/status").json()["queue_size"])
            met.resident.append(server.resident())
            time.sleep(0.2)
        for one in asked:
            one.result()
    return met


def assert_served(server: Server, met: Visits) -> None:
    assert met.faults == []
    assert max(met.waiting) < MAX_QUEUE
    assert server.process.poll() is None and "Traceback" not in server.log


@pytest.fixture
def quiet_server(tmp_path):
    with page_served(GRADIO_TEMP_DIR=str(tmp_path)) as started:
        yield started


def test_six_visitors_at_once_are_served(quiet_server):
    met = load(quiet_server, 6, 10)
    assert_served(quiet_server, met)
    assert len(met.seconds) >= 6 * 4
    assert least_growth(quiet_server, lambda: assert_served(quiet_server, load(quiet_server, 6, 5)), KEPT) < KEPT


@pytest.mark.skipif(not os.environ.get("RAM_LOAD"), reason="two minutes of load: make test-load")
def test_twenty_visitors_at_once_are_served_for_two_minutes(quiet_server, capsys):
    met = load(quiet_server, 20, 120)
    with capsys.disabled():
        print(f"\n{met.summary()}")
    assert_served(quiet_server, met)
    assert met.resident[-1] < met.resident[len(met.resident) // 3] + FLAT


def test_many_requests_of_one_visitor_leave_room_for_others(server):
    with server.visitor("10.2.0.1") as flooder, server.visitor("10.2.0.2") as other:
        dogs = photo(upload(flooder, "dogs.jpg", PHOTOS[0]))
        answers = [
            flooder.post("/gradio_api/call/compare", json={"data": [dogs, ", ".join(WORDS), "lexicon"]})
            for _ in range(MAX_AT_ONCE * 5)
        ]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused and {answer.json()["detail"] for answer in refused} == {TOO_MANY}
        assert sum(answer.status_code == 200 for answer in answers) >= MAX_AT_ONCE
        assert other.get("/gradio_api/queue/status").json()["queue_size"] <= MAX_AT_ONCE
        own = photo(upload(other, "dogs.jpg", PHOTOS[0]))
        assert ask(other, "tag", own, 3)[0]
        assert ask(other, "describe", "corgi", "lexicon")[0]
