"""The whole way with a real language model on this machine: its sentences arrive, are cleaned, kept, embedded, scored.

It is a small model whose prose is poor, so what it says is not judged.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.core.workbench import Workbench
from demo.server.limits import Budget, Limits
from ram.describers.chat.describer import ChatDescriber
from ram.describers.description_cache import CachedDescriber, DescriptionCache
from ram.describers.template import TemplateDescriber
from ram.errors import DescriberError
from ram.tagger_loading import load
from ram.text.cleaning import MAX_WORDS, clean_sentence
from tests.language_model import model_file
from tests.paths import ROOT

KEY = "sk-local-0123456789"
START_SECONDS = 120
PATIENCE = 120.0
"""Seconds for an answer: the machine may be busy with other things."""

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server in a process of its own, ended with the tests."""
    if importlib.util.find_spec("xllamacpp") is None or model_file() is None:
        pytest.skip("needs a language model on this machine: `make test-llm` installs one")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.language_model", KEY], cwd=ROOT, env=environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        guard = threading.Timer(START_SECONDS, server.kill)
        guard.start()
        told = server.stdout.readline().strip()
        guard.cancel()
        if not told:
            server.kill()
            pytest.fail(f"the language model did not start within {START_SECONDS} s")
        yield f"{told}/v1"
        server.kill()


def describer(address: str, key: str = KEY, answers: int = 1) -> ChatDescriber:
    return ChatDescriber(key, "smollm2", address, answers=answers, timeout=PATIENCE)


def test_sentences_of_a_real_model_stream_and_move_the_score(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ram.describers.chat.describer.MAX_TOKENS", 20)  # a short answer shows it as well
    chat = describer(address)
    cached = CachedDescriber(chat, DescriptionCache(tmp_path))
    bench = Workbench(
        [load("ram-plus-lite", "cpu")],
        {"template": TemplateDescriber(), "openai": cached}.__getitem__,
        "template",
        Limits(Budget(requests=100), Budget()),
    )
    states = list(bench.describe("quokka", "openai", "someone"))
    counts = [len(state.sentences.get("quokka", ())) for state in states]
    assert counts == sorted(counts) and set(counts) == set(range(counts[-1] + 1))  # none came together with another
    last = states[-1]
    told = [sentence.text for sentence in last.sentences["quokka"]]
    assert last.messages == () and len(told) > 2 and told[0] == "a photo of a quokka."
    assert {(sentence.origin, sentence.cached) for sentence in last.sentences["quokka"]} == {("openai", False)}
    assert told == [clean_sentence(text) for text in told] and max(len(text.split()) for text in told) <= MAX_WORDS
    assert len({text.casefold() for text in told}) == len(told)

    spent = bench.limits.standing("someone").visitor
    assert spent.requests >= 5 and spent.tokens > 5 * 50  # as the server reports: the instruction alone is longer

    again = list(bench.describe(" QUOKKA ", "openai", "someone"))[-1]
    assert [(s.text, s.cached) for s in again.sentences["QUOKKA"]] == [(text, True) for text in told]
    assert bench.limits.standing("someone").visitor == spent

    photo = list(bench.tag(ROOT / "assets" / "examples" / "dogs.jpg"))[-1].photo
    score = bench.score(photo, last)["ram-plus-lite"]["quokka"]
    assert 0 < score.probability < 1 and {one.text for one in score.descriptions} == set(told)
    plain = list(bench.describe("quokka", "template"))[-1]
    assert bench.score(photo, plain)["ram-plus-lite"]["quokka"].probability != score.probability


def test_the_real_server_refuses_a_wrong_key(address: str) -> None:
    chat = describer(address, "sk-another-0123456789")
    with pytest.raises(DescriberError, match="refused the key: check OPENAI_API_KEY"):
        list(chat.describe("kite"))
    right = describer(address, answers=2)
    stream = right.describe("kite")
    assert len([next(stream), next(stream)]) == 2
    stream.close()  # type: ignore[attr-defined]
    assert right.usage.requests > 5 and right.usage.prompt_tokens > 50
