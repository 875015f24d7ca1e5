"""Faults of a language model: one sentence says what happened, nothing is lost, and the next try is complete."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from demo.core.categories import Categories
from demo.core.workbench import Workbench
from ram.describers.chat.describer import ChatDescriber
from ram.describers.description_cache import CachedDescriber, DescriptionCache
from ram.describers.template import TemplateDescriber
from tests.chat_endpoint import (
    HALF_CLOSED,
    Reply,
    Serve,
    completion,
    honours_n,
    ignores_n,
    prompt_of,
    refusal,
)
from tests.paths import ROOT
from tests.tiny import tiny_tagger

pytestmark = pytest.mark.slow

KEY = "sk-0123456789ab"


def workbench(url: str, folder: Path, **options: Any) -> Workbench:
    chat = ChatDescriber(KEY, "tiny", url, answers=2, retries=0, **options)
    cached = CachedDescriber(chat, DescriptionCache(folder))
    return Workbench([tiny_tagger()], {"template": TemplateDescriber(), "openai": cached}.__getitem__, "template")


def typed(bench: Workbench, text: str) -> Categories:
    return list(bench.describe(text, "openai"))[-1]


FAULTS = {
    "busy": (refusal(429, "slow down"), "turns requests away"),
    "broken": (refusal(503, "oops"), "failed with status 503"),
    "half an answer": ((HALF_CLOSED, b'{"choices": [{"mess'), "cannot be reached"),
    "no document": ((200, ["choices"]), "does not answer as a chat endpoint does"),
    "another page": ((200, b"<html><script>alert(1)</script></html>"), "does not answer as a chat endpoint does"),
    "noise": ((200, bytes(range(256)) * 40), "does not answer as a chat endpoint does"),
    "nothing": (completion(), "gave an empty answer"),
    "no words": (completion("\u202e\u200b\x00 ** \n"), "gave an empty answer"),
    "a refusal": (completion("I cannot help with that."), "refused to describe"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_notice_and_the_next_try_is_complete(serve: Serve, tmp_path: Path, fault: str) -> None:
    reply, said = FAULTS[fault]
    endpoint = serve(lambda request, number: reply)
    bench = workbench(endpoint.url, tmp_path)
    last = typed(bench, "corgi, kite")
    assert last.finished == {"corgi", "kite"}
    assert said in last.messages[0] and "\n" not in last.messages[0]
    if '"corgi":' in last.messages[0]:  # what went wrong is about this one category
        assert len(last.messages) == 2 and last.messages[0].endswith('The template describer takes over for "corgi".')
    else:
        assert len(last.messages) == 1 and last.messages[0].endswith('takes over for "corgi" and "kite".')
    endpoint.behave = honours_n
    again = typed(bench, "corgi")
    assert again.messages == () and len(again.sentences["corgi"]) == 11


def test_an_unreachable_or_silent_model_is_a_notice(serve: Serve, tmp_path: Path) -> None:
    away = typed(workbench("http://127.0.0.1:1/v1", tmp_path), "corgi")
    assert "127.0.0.1:1 cannot be reached" in away.messages[0] and away.finished == {"corgi"}

    def silence(request: dict[str, Any], number: int) -> Reply:
        endpoint.released.wait(20)
        return honours_n(request, number)

    endpoint = serve(silence)
    silent = typed(workbench(endpoint.url, tmp_path, timeout=0.2), "corgi")
    assert "did not answer within 0.2 seconds" in silent.messages[0] and silent.finished == {"corgi"}


def test_sentences_before_a_fault_are_kept(serve: Serve, tmp_path: Path) -> None:
    def half(request: dict[str, Any], number: int) -> Reply:
        return refusal(500, "oops") if "identify" in prompt_of(request) else honours_n(request, number)

    endpoint = serve(half)
    bench = workbench(endpoint.url, tmp_path)
    first = typed(bench, "corgi")
    heard = [one.text for one in first.sentences["corgi"] if one.origin == "openai"]
    assert len(heard) == 7 and "status 500" in first.messages[0]
    endpoint.behave = ignores_n
    endpoint.requests.clear()
    again = typed(bench, "corgi").sentences["corgi"]
    assert [one.text for one in again if one.cached] == heard
    assert len(again) == 11 and len(endpoint.requests) == 4


def test_an_unwritable_cache_loses_no_sentence(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "in the way").touch()
    last = typed(workbench(serve(honours_n).url, tmp_path / "in the way"), "corgi, kite")
    assert last.messages == () and {len(sentences) for sentences in last.sentences.values()} == {11}
    assert len([record for record in caplog.records if "descriptions are not stored" in record.getMessage()]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs the signals of Unix")
def test_a_terminated_command_is_resumed_by_the_next(serve: Serve, tmp_path: Path) -> None:
    held = threading.Semaphore(0)

    def one_prompt_only(request: dict[str, Any], number: int) -> Reply:
        if "What does" not in prompt_of(request):
            held.release()
            endpoint.released.wait(60)
        return honours_n(request, number)

    endpoint = serve(one_prompt_only)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    environ |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": endpoint.url, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "ram.cli", "describe", "corgi", "--describer", "openai", "--openai-model", "tiny"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline().strip() for _ in range(12)]
        assert all(held.acquire(timeout=30) for _ in range(4))  # none of its requests is still to come
        process.terminate()
        assert process.wait(timeout=30) != 0
    assert heard[:2] == ["corgi", "a photo of a corgi."]
    endpoint.behave = ignores_n
    endpoint.requests.clear()
    endpoint.released.set()
    kept = DescriptionCache(tmp_path / "ram" / "descriptions")
    again = list(CachedDescriber(ChatDescriber(KEY, "tiny", endpoint.url), kept).describe("corgi"))
    assert again[:11] == heard[1:] and len(again) == 51 and len(endpoint.requests) == 40
