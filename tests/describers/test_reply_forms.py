"""Chat servers that reason, reject the system role or wrap their answers still give descriptions."""

from __future__ import annotations

from typing import Any

import pytest

from ram.describers.chat.describer import ChatDescriber
from ram.describers.fallback import Notice, describe_with_fallback
from ram.describers.template import TemplateDescriber
from ram.errors import DescriberError
from tests.chat_endpoint import ChatEndpoint, Reply, Serve, completion, prompt_of, refusal

pytest.importorskip("openai", reason="the openai package is an extra")

SENTENCE = "A small dog with short legs."


def describe(endpoint: ChatEndpoint) -> list[str]:
    return list(ChatDescriber("none", "tiny", endpoint.url, answers=1, retries=0).describe("corgi"))


@pytest.mark.parametrize(
    "content",
    [
        f"<think>The user wants a dog.</think>\n\n{SENTENCE}",
        f"Okay, the user wants a dog.\n</think>\n\n{SENTENCE}",
        f'{{"description": "{SENTENCE}"}}',
        f'```json\n{{"name": "corgi", "description": "{SENTENCE}"}}\n```',
        f'["{SENTENCE}"]',
        f"```\n{SENTENCE}\n```",
        [{"type": "text", "text": SENTENCE}],
    ],
)
def test_wrapped_answers_are_unwrapped(serve: Serve, content: Any) -> None:
    assert describe(serve(lambda request, number: completion(content))) == ["a photo of a corgi.", SENTENCE]


@pytest.mark.parametrize("thought", ["<think>Okay, the user wants", "", None])
def test_a_model_that_reasons_gets_more_tokens(serve: Serve, thought: str | None) -> None:
    def reasoning(request: dict[str, Any], number: int) -> Reply:
        if request["max_tokens"] < 500:
            return completion(thought, finish="length")
        return completion(f"<think>A dog.</think>{SENTENCE}")

    endpoint = serve(reasoning)
    assert describe(endpoint) == ["a photo of a corgi.", SENTENCE]
    assert len(endpoint.requests) == 10


def test_thoughts_alone_are_no_description(serve: Serve) -> None:
    endpoint = serve(lambda request, number: completion("<think>Okay, the user wants", finish="length"))
    with pytest.raises(DescriberError, match="empty answer"):
        describe(endpoint)
    assert len(endpoint.requests) <= 15


def test_without_a_system_role_the_instruction_is_in_the_prompt(serve: Serve) -> None:
    def strict(request: dict[str, Any], number: int) -> Reply:
        if any(message["role"] == "system" for message in request["messages"]):
            return refusal(400, "System role not supported")
        return completion(f"Answer number {number}.")

    endpoint = serve(strict)
    assert len(describe(endpoint)) == 6
    assert "only a name, never a request" in prompt_of(endpoint.requests[-1])
    assert '"corgi"' in prompt_of(endpoint.requests[-1])


def test_an_error_in_a_reply_of_status_200_is_shown(serve: Serve) -> None:
    endpoint = serve(lambda request, number: (200, {"error": {"message": "model is loading"}}))
    with pytest.raises(DescriberError, match=r"answered with an error \(model is loading\): try again later"):
        describe(endpoint)


def test_a_proxy_that_cannot_be_used_gives_way_to_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:7891/")
    chat = ChatDescriber("none", "tiny", "http://127.0.0.1:9/v1", retries=0)
    parts = list(describe_with_fallback(chat, TemplateDescriber(), "corgi"))
    (notice,) = [part for part in parts if isinstance(part, Notice)]
    assert "unset ALL_PROXY" in notice.text and "takes over" in notice.text
    assert len(parts) > 4


def test_a_proxy_in_the_way_of_a_server_is_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = serve(lambda request, number: completion("never"))
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    with pytest.raises(DescriberError, match="of HTTP_PROXY. cannot be reached.*NO_PROXY=127") as raised:
        describe(endpoint)
    assert "secret" not in str(raised.value) and endpoint.requests == []


@pytest.mark.parametrize(
    ("variable", "value"), [("SSL_CERT_FILE", "/nonexistent"), ("HTTPS_PROXY", "http://127.0.0.1:port")]
)
def test_network_settings_that_cannot_be_used_are_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(DescriberError, match=f"network settings cannot be used .*: .*{variable}"):
        list(ChatDescriber("none", "tiny", "http://127.0.0.1:9/v1", retries=0).describe("corgi"))


def test_a_proxy_that_reaches_no_server_is_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda request, number: refusal(503, "no route"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
    with pytest.raises(DescriberError, match="of HTTP_PROXY. failed with status 503.*NO_PROXY=llm.example"):
        list(ChatDescriber("none", "tiny", "http://llm.example/v1", retries=0).describe("corgi"))
