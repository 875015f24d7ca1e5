"""The chat describer against an OpenAI-compatible server on this machine, well-behaved and otherwise."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ram.describers.chat.describer import ChatDescriber
from ram.describers.chat.prompts import load_prompts
from ram.describers.description_cache import CachedDescriber, DescriptionCache
from ram.describers.fallback import Notice, describe_with_fallback
from ram.describers.template import TemplateDescriber
from ram.describers.usage import UsageCounter
from ram.errors import DescriberError
from tests.chat_endpoint import (
    HALF_CLOSED,
    ChatEndpoint,
    Reply,
    Serve,
    completion,
    honours_n,
    ignores_n,
    prompt_of,
    refusal,
)

pytest.importorskip("openai", reason="the openai package is an extra")

KEY = "sk-very-secret-0123"


def describer(endpoint: ChatEndpoint, **options: Any) -> ChatDescriber:
    return ChatDescriber(KEY, **{"model": "tiny", "base_url": endpoint.url, "retries": 1, **options})


def test_five_prompts_bring_fifty_answers_after_the_plain_prompt(serve: Serve) -> None:
    endpoint = serve(honours_n)
    sentences = list(describer(endpoint).describe("umbrella"))
    assert sentences[0] == "a photo of an umbrella."
    assert len(sentences) == len(set(sentences)) == 51
    assert sorted(map(prompt_of, endpoint.requests)) == sorted(
        prompt.format('an "umbrella"') for prompt in load_prompts().prompts
    )
    for request in endpoint.requests:
        assert (request["model"], request["n"], request["max_tokens"]) == ("tiny", 10, 77)
        assert request["temperature"] == 0.99
    assert endpoint.keys == {f"Bearer {KEY}"}


def test_prompts_are_repeated_where_the_server_ignores_n(serve: Serve) -> None:
    endpoint = serve(ignores_n)
    assert len(list(describer(endpoint, answers=4).describe("corgi"))) == 21
    assert len(endpoint.requests) == 20
    assert endpoint.most_busy <= 5


@pytest.mark.parametrize("said", ["'n' must be 1", "n_cmpl cannot be greater than the number of slots"])
def test_single_answers_are_requested_where_n_is_rejected(serve: Serve, said: str) -> None:
    def one_only(request: dict[str, Any], number: int) -> Reply:
        return ignores_n(request, number) if request["n"] == 1 else refusal(400, said)

    endpoint = serve(one_only)
    assert len(list(describer(endpoint, answers=3).describe("corgi"))) == 16
    assert len(endpoint.requests) == 5 + 15


def test_a_slow_server_is_asked_for_one_answer_at_a_time(serve: Serve) -> None:
    def slow(request: dict[str, Any], number: int) -> Reply:
        if request["n"] > 1:
            endpoint.released.wait(20)
        return ignores_n(request, number)

    endpoint = serve(slow)
    assert len(list(describer(endpoint, answers=2, timeout=1).describe("corgi"))) == 11


def test_all_threads_together_send_at_most_five_requests(serve: Serve) -> None:
    met = threading.Barrier(5)

    def together(request: dict[str, Any], number: int) -> Reply:
        with suppress(threading.BrokenBarrierError):
            met.wait(2)  # so that five are seen at once, and a sixth would be
        return ignores_n(request, number)

    endpoint = serve(together)
    chat = describer(endpoint, answers=2)
    with ThreadPoolExecutor(3) as visitors:
        each = [chat.with_meter(UsageCounter()).describe(tag) for tag in ("corgi", "kite", "bee")]
        heard = list(visitors.map(list, each))
    assert [len(sentences) for sentences in heard] == [11, 11, 11]
    assert endpoint.most_busy == 5


def test_one_prompt_without_an_answer_is_no_failure(serve: Serve) -> None:
    def shy(request: dict[str, Any], number: int) -> Reply:
        return completion(None) if "identify" in prompt_of(request) else honours_n(request, number)

    assert len(list(describer(serve(shy), answers=2).describe("corgi"))) == 7


def test_options_that_a_model_rejects_are_dropped(serve: Serve) -> None:
    def picky(request: dict[str, Any], number: int) -> Reply:
        if "max_tokens" in request:
            return refusal(400, "Use 'max_completion_tokens' instead.", "max_tokens")
        if "temperature" in request:
            return refusal(400, "Only the default is supported.", "temperature")
        return honours_n(request, number)

    assert len(list(describer(serve(picky), answers=2).describe("corgi"))) == 11


def test_a_server_that_repeats_itself_is_asked_finitely_often(serve: Serve) -> None:
    endpoint = serve(lambda request, number: completion("A small dog."))
    assert list(describer(endpoint).describe("corgi")) == ["a photo of a corgi.", "A small dog."]
    assert len(endpoint.requests) == 15


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_busy_or_failing_server_is_asked_again(serve: Serve, status: int) -> None:
    def busy_at_first(request: dict[str, Any], number: int) -> Reply:
        return refusal(status, "slow down") if number <= 2 else honours_n(request, number)

    endpoint = serve(busy_at_first)
    assert len(list(describer(endpoint, answers=1, retries=2).describe("corgi"))) == 6
    assert len(endpoint.requests) == 7


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}"), "refused the key: check OPENAI_API_KEY."),
        (refusal(403, "no access"), "does not let this key use tiny: choose another model."),
        (refusal(404, "no such model"), "has no model tiny: name another in OPENAI_MODEL, or check OPENAI_BASE_URL."),
        (refusal(400, "no model tiny here", "model"), "has no model tiny: name another in OPENAI_MODEL"),
        (refusal(429, "quota"), "turns requests away, too many came or no credit is left"),
        (refusal(500, "oops"), "failed with status 500: try again later."),
        (refusal(400, f"bad {KEY}\n<b>"), "refused the request with status 400"),
        ((200, b"<html>a page</html>"), "does not answer as a chat endpoint does: check OPENAI_BASE_URL."),
        ((200, {"choices": [{"message": None}]}), "does not answer as a chat endpoint does"),
        ((200, {"choices": [{"message": {"content": [1]}}]}), "does not answer as a chat endpoint does"),
        ((200, {"choices": None}), 'tiny gave an empty answer for "corgi": try another model.'),
        ((HALF_CLOSED, b"{"), "cannot be reached: check the connection and OPENAI_BASE_URL."),
        (completion("", None, " * "), 'tiny gave an empty answer for "corgi": try another model.'),
        (completion("I'm sorry, but I can't help with that."), 'tiny refused to describe "corgi": word it differently'),
        (completion("A dog.", refusal="No."), 'tiny refused to describe "corgi": word it differently'),
        (completion("A dog.", finish="content_filter"), 'tiny refused to describe "corgi": word it differently'),
    ],
)
def test_every_failure_is_one_sentence_without_the_key(serve: Serve, reply: Reply, said: str) -> None:
    endpoint = serve(lambda request, number: reply)
    heard: list[str] = []
    with pytest.raises(DescriberError) as caught:
        heard.extend(describer(endpoint).describe("corgi"))
    assert said in str(caught.value) and KEY not in str(caught.value) and "\n" not in str(caught.value)
    assert len(endpoint.requests) <= 10


def test_an_unreachable_host_is_a_sentence(serve: Serve) -> None:
    chat = ChatDescriber(KEY, base_url="http://127.0.0.1:1/v1", retries=0)
    with pytest.raises(DescriberError, match="127.0.0.1:1 cannot be reached"):
        list(chat.describe("corgi"))


def test_a_slow_server_is_given_up_after_the_time_out(serve: Serve) -> None:
    def slow(request: dict[str, Any], number: int) -> Reply:
        endpoint.released.wait(20)
        return honours_n(request, number)

    endpoint = serve(slow)
    with pytest.raises(DescriberError, match="did not answer within 0.2 seconds"):
        list(describer(endpoint, timeout=0.2, retries=0).describe("corgi"))


def test_only_missing_answers_are_requested_after_a_failure(serve: Serve, tmp_path: Path) -> None:
    def half(request: dict[str, Any], number: int) -> Reply:
        return refusal(500, "oops") if "identify" in prompt_of(request) else honours_n(request, number)

    cache = DescriptionCache(tmp_path)
    endpoint = serve(half)
    first: list[str] = []
    with pytest.raises(DescriberError, match="status 500"):
        for sentence in CachedDescriber(describer(endpoint), cache).describe("corgi"):
            first.append(sentence)
    assert len(first) == 31
    endpoint.requests.clear()
    endpoint.behave = ignores_n
    again = list(CachedDescriber(describer(endpoint), cache).describe("corgi"))
    assert again[: len(first)] == first
    assert len(again) == 51 and len(endpoint.requests) == 51 - len(first)
    endpoint.requests.clear()
    assert list(CachedDescriber(describer(endpoint), cache).describe("corgi")) == again
    assert not endpoint.requests


def test_answers_are_yielded_while_others_are_still_awaited(serve: Serve) -> None:
    def first_prompt_only(request: dict[str, Any], number: int) -> Reply:
        if prompt_of(request).startswith("What does"):
            return honours_n(request, number)
        endpoint.released.wait(20)
        return honours_n(request, number)

    endpoint = serve(first_prompt_only)
    stream = describer(endpoint, answers=2).describe("corgi")
    assert next(stream) == "a photo of a corgi."
    assert next(stream).startswith("Answer 0 to What does")
    endpoint.released.set()
    assert len(list(stream)) == 9


def test_closing_early_cancels_the_requests_and_ends_the_thread(serve: Serve) -> None:
    def one_then_silence(request: dict[str, Any], number: int) -> Reply:
        if not prompt_of(request).startswith("What does"):
            endpoint.released.wait(20)
        return honours_n(request, number)

    endpoint = serve(one_then_silence)
    before = set(threading.enumerate())
    stream = describer(endpoint).describe("corgi")
    next(stream), next(stream)
    assert any("portal" in thread.name for thread in set(threading.enumerate()) - before)
    stream.close()  # type: ignore[attr-defined]
    assert not any("portal" in thread.name for thread in set(threading.enumerate()) - before)


def test_closing_early_frees_the_limit_for_others(serve: Serve) -> None:
    def one_then_silence(request: dict[str, Any], number: int) -> Reply:
        if "kite" not in prompt_of(request) and not prompt_of(request).startswith("What does"):
            endpoint.released.wait(20)
        return honours_n(request, number)

    endpoint = serve(one_then_silence)
    chat = describer(endpoint, answers=1)
    for tag in ("corgi", "bee", "dog"):
        stream = chat.describe(tag)
        next(stream), next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert len(list(chat.describe("kite"))) == 6


def test_it_works_inside_a_running_event_loop(serve: Serve) -> None:
    endpoint = serve(honours_n)

    async def notebook() -> list[str]:
        return list(describer(endpoint, answers=1).describe("corgi"))

    assert len(asyncio.run(notebook())) == 6


def test_answers_are_cleaned_and_cut_to_whole_sentences(serve: Serve) -> None:
    def dirty(request: dict[str, Any], number: int) -> Reply:
        said = "<think>hm</think>1. **Short** legs.\u202e\x00 A fox-like head. It also has a long"
        return completion(said, finish="length")

    endpoint = serve(dirty)
    sentences = list(describer(endpoint, answers=1).describe("corgi"))
    assert sentences == ["a photo of a corgi.", "Short legs. A fox-like head."]


def test_a_repeated_key_is_hidden_but_a_placeholder_is_not(serve: Serve) -> None:
    endpoint = serve(lambda request, number: completion(f"It looks like {KEY} and none other."))
    assert list(describer(endpoint, answers=1).describe("corgi"))[1] == "It looks like … and none other."
    keyless = ChatDescriber.from_environ({"OPENAI_BASE_URL": endpoint.url}, model="tiny")
    assert KEY in list(keyless.describe("corgi"))[1] and "and none other" in list(keyless.describe("corgi"))[1]


def test_the_key_is_in_no_log_and_no_repr(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = serve(lambda request, number: refusal(401, f"bad key {KEY}"))
    chat = describer(endpoint)
    with caplog.at_level(logging.DEBUG), pytest.raises(DescriberError):
        list(chat.describe("corgi"))
    assert KEY not in caplog.text + repr(chat) + chat.fingerprint


def test_a_page_sees_the_fallback_take_over(serve: Serve) -> None:
    endpoint = serve(lambda request, number: refusal(401, "no"))
    parts = list(describe_with_fallback(describer(endpoint), TemplateDescriber(), "corgi"))
    (notice,) = [part for part in parts if isinstance(part, Notice)]
    assert "refused the key" in notice.text and 'template describer takes over for "corgi"' in notice.text
    assert len(parts) > 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": "ftp://host"}, "no web address"),
        ({"base_url": "http://[broken"}, "no web address"),
        ({"base_url": "http://me:secret@host/v1"}, "holds a password"),
        ({"api_key": ""}, "key is empty"),
        ({"api_key": "sk-\u202e"}, "characters that no key has"),
        ({"answers": 0}, "above 0"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        ChatDescriber(**{"api_key": KEY, **options})
    assert "secret" not in str(caught.value)


def test_the_model_is_the_one_named_else_that_of_the_environment() -> None:
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "qwen3"}
    assert ChatDescriber.from_environ(environ).model == "qwen3"
    assert ChatDescriber.from_environ(environ, model="llama").model == "llama"


def test_the_fingerprint_depends_on_all_settings_but_the_key() -> None:
    one = ChatDescriber(KEY, "a", "http://one/v1").fingerprint
    assert one != ChatDescriber(KEY, "b", "http://one/v1").fingerprint
    assert one != ChatDescriber(KEY, "a", "http://two/v1").fingerprint
    assert one != ChatDescriber(KEY, "a", "http://one/v1", temperature=0.2).fingerprint
    assert one != ChatDescriber(KEY, "a", "http://one/v1", answers=2).fingerprint
    assert one == ChatDescriber("sk-other", "a", "http://one/v1").fingerprint
