"""What a language model costs: requests and tokens, reported or estimated, allowed or refused."""

from __future__ import annotations

from typing import Any

import pytest

from ram.describers.chat.describer import ChatDescriber
from ram.describers.usage import Usage, UsageCounter
from ram.errors import DescriberError
from tests.chat_endpoint import ChatEndpoint, Reply, Serve, honours_n, refusal

pytest.importorskip("openai", reason="the openai package is an extra")


def describer(endpoint: ChatEndpoint, **options: Any) -> ChatDescriber:
    return ChatDescriber("none", **{"model": "tiny", "base_url": endpoint.url, "retries": 1, **options})


def test_reported_tokens_are_counted(serve: Serve) -> None:
    def reporting(request: dict[str, Any], number: int) -> Reply:
        status, body = honours_n(request, number)
        return status, {**body, "usage": {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130}}

    chat = describer(serve(reporting), answers=2)
    list(chat.describe("corgi"))
    assert chat.usage == Usage(5, 500, 150)
    list(chat.describe("kite"))
    assert chat.usage == Usage(10, 1000, 300)


@pytest.mark.parametrize("said", [None, {}, {"prompt_tokens": -5, "completion_tokens": 3}, {"prompt_tokens": "many"}])
def test_tokens_the_server_does_not_report_are_estimated(serve: Serve, said: Any) -> None:
    def silent(request: dict[str, Any], number: int) -> Reply:
        status, body = honours_n(request, number)
        return status, {**body, "usage": said}

    chat = describer(serve(silent), answers=1)
    heard = list(chat.describe("corgi"))[1:]
    letters = sum(map(len, heard))
    assert chat.usage.estimated and chat.usage.requests == 5
    assert letters / 4 <= chat.usage.completion_tokens <= letters / 2
    assert chat.usage.prompt_tokens > chat.usage.completion_tokens


def test_refused_requests_are_free_abandoned_ones_are_not(serve: Serve) -> None:
    turned_away = describer(serve(lambda request, number: refusal(500, "oops")), retries=0)
    with pytest.raises(DescriberError):
        list(turned_away.describe("corgi"))
    assert turned_away.usage == Usage(requests=5)

    def silence(request: dict[str, Any], number: int) -> Reply:
        endpoint.released.wait(20)
        return honours_n(request, number)

    endpoint = serve(silence)
    given_up = describer(endpoint, answers=1, timeout=0.2, retries=0)
    with pytest.raises(DescriberError):
        list(given_up.describe("corgi"))
    assert given_up.usage.tokens >= 5 * 77 and given_up.usage.estimated


def test_a_refusing_meter_prevents_every_request(serve: Serve) -> None:
    class Empty(UsageCounter):
        def reserve(self, tokens: int) -> None:
            raise DescriberError("Nothing is left.")

    endpoint = serve(honours_n)
    with pytest.raises(DescriberError, match="Nothing is left"):
        list(describer(endpoint).with_meter(Empty()).describe("corgi"))
    assert not endpoint.requests
