"""Budgets of the language model hold for the page and for programs."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from demo import launch
from demo.core.categories import Categories
from demo.core.workbench import Workbench
from demo.flags import parser
from demo.server.limits import DAY_BUDGET, MAX_VISITORS, VISITOR_BUDGET, Budget, LimitReached, Limits, Spent
from demo.views.page import allowance
from ram.describers.chat.describer import ChatDescriber
from ram.describers.description_cache import CachedDescriber, DescriptionCache
from ram.describers.template import TemplateDescriber
from ram.describers.usage import Usage
from tests.chat_endpoint import ChatEndpoint, Reply, Serve, honours_n
from tests.tiny import tiny_tagger

DAY = 86_400


def costs_a_hundred(request: dict[str, Any], number: int) -> Reply:
    status, body = honours_n(request, number)
    return status, {**body, "usage": {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100}}


def workbench(endpoint: ChatEndpoint, limits: Limits, cache: DescriptionCache | None = None) -> Workbench:
    """A tiny tagger with the endpoint's language model, and templates as its fallback."""
    chat = ChatDescriber("sk-0123456789ab", "tiny", endpoint.url, answers=1, retries=0)
    openai = CachedDescriber(chat, cache) if cache else chat
    return Workbench(
        [tiny_tagger()], {"template": TemplateDescriber(), "openai": openai}.__getitem__, "template", limits
    )


def typed(bench: Workbench, text: str, visitor: str = "") -> Categories:
    return list(bench.describe(text, "openai", visitor))[-1]


def origins(categories: Categories, tag: str) -> set[str]:
    return {sentence.origin for sentence in categories.sentences[tag]}


def test_a_visitor_past_the_limit_gets_the_fallback_and_a_notice(serve: Serve) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(requests=10), Budget()))
    first = typed(bench, "corgi, kite, bee", "greedy")
    assert origins(first, "corgi") == origins(first, "kite") == {"openai"}
    assert "template" in origins(first, "bee") and first.finished == {"corgi", "kite", "bee"}
    assert "share of the language model for today is used up" in first.messages[0]
    assert 'The template describer takes over for "bee".' in first.messages[0]
    more = typed(bench, "bee, cow, bus", "greedy")
    assert more.messages == (first.messages[0].replace('"bee"', '"bee", "cow" and "bus"'),)
    assert len(endpoint.requests) == 10
    assert origins(typed(bench, "dog", "patient"), "dog") == {"openai"}
    assert bench.limits.standing("greedy").visitor == Spent(10, 1000)
    assert bench.limits.standing("patient").day == Spent(15, 1500)


def test_the_daily_budget_of_all_visitors_is_renewed(serve: Serve) -> None:
    now = [DAY * 20_000.0]
    endpoint = serve(costs_a_hundred)
    limits = Limits(Budget(), Budget(requests=5), clock=lambda: now[0])
    bench = workbench(endpoint, limits)
    assert origins(typed(bench, "corgi", "one"), "corgi") == {"openai"}
    assert "This page has used up its language model for today" in typed(bench, "kite", "two").messages[0]
    now[0] += DAY
    assert limits.standing("one").visitor == limits.standing("one").day == Spent()
    assert origins(typed(bench, "kite", "two"), "kite") == {"openai"}


def test_parallel_requests_never_overspend_tokens(serve: Serve) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(tokens=1500), Budget()))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda tag: typed(bench, tag, "busy"), [f"thing {number}" for number in range(8)]))
    spent = bench.limits.standing("busy").visitor
    assert 0 < spent.tokens <= 1500 and spent.tokens == 100 * spent.requests == 100 * len(endpoint.requests)


def test_callers_without_a_name_share_one_budget(serve: Serve) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(requests=5), Budget()))
    typed(bench, "corgi")
    typed(bench, "kite")
    assert len(endpoint.requests) == 5


def test_cached_sentences_are_free_and_available_past_the_limit(serve: Serve, tmp_path: Any) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(requests=5), Budget()), DescriptionCache(tmp_path))
    first = typed(bench, "corgi", "one")
    assert not any(sentence.cached for sentence in first.sentences["corgi"])
    again = typed(bench, "Corgi", "one")
    assert not again.messages and len(endpoint.requests) == 5
    assert all(sentence.cached for sentence in again.sentences["Corgi"])
    assert [s.text for s in again.sentences["Corgi"]] == [s.text for s in first.sentences["corgi"]]
    assert bench.limits.standing("one").visitor.requests == 5


def test_many_visitors_use_bounded_memory() -> None:
    limits = Limits(Budget(), Budget(requests=MAX_VISITORS + 50))
    for number in range(MAX_VISITORS + 50):
        limits.reserve(str(number), 1)
    assert len(vars(limits)["_spent"]) == MAX_VISITORS
    with pytest.raises(LimitReached, match="This page"):
        limits.reserve("one more", 1)


def test_unused_reserved_tokens_are_returned() -> None:
    limits = Limits(Budget(tokens=100), Budget())
    limits.reserve("one", 90)
    with pytest.raises(LimitReached):
        limits.reserve("one", 20)
    limits.settle("one", 90, Usage(1, 20, 10))
    limits.reserve("one", 70)
    assert limits.standing("one").visitor == Spent(2, 100)


def test_a_request_over_midnight_does_not_reduce_the_new_day() -> None:
    times = itertools.chain([10.0], itertools.repeat(DAY + 1.0))
    limits = Limits(clock=lambda: next(times))
    limits.reserve("one", 500)
    limits.settle("one", 500, Usage(1, 30, 10))
    assert limits.standing("one").visitor.tokens == 0


def test_negative_budgets_are_refused_and_none_is_unlimited() -> None:
    with pytest.raises(ValueError, match="negative limit"):
        Budget(requests=-1)
    assert Budget().allows(Spent(10**9, 10**9)) and Budget().share(Spent(10**9, 10**9)) == 0
    assert not Budget(requests=0).allows(Spent(1, 0)) and Budget(requests=0).share(Spent()) == 1
    assert Budget(requests=10, tokens=100).share(Spent(2, 50)) == 0.5


def test_the_allowance_shows_use_and_limits() -> None:
    limits = Limits(Budget(500, 100_000), Budget(None, 2_000_000))
    limits.reserve("one", 25_000)
    said = allowance(limits.standing("one"))
    assert "1 of 500 requests, 25,000 of 100,000 tokens" in said and 'aria-valuenow="0.250"' in said
    assert "1 requests, 25,000 of 2,000,000 tokens" in said


def test_flags_set_limits_and_switch_the_language_model_off() -> None:
    flags = parser({}).parse_args(["--llm-visitor-requests", "7", "--llm-day-tokens", "none"])
    assert (flags.llm_visitor_requests, flags.llm_day_tokens, flags.no_llm, flags.proxies) == (7, None, False, 0)
    assert (flags.llm_day_requests, flags.llm_visitor_tokens) == (DAY_BUDGET.requests, VISITOR_BUDGET.tokens)
    by_environment = {"RAM_LLM_DAY_TOKENS": "70", "RAM_LLM_VISITOR_REQUESTS": "none"}
    flags = parser(by_environment).parse_args(["--llm-day-requests", "3"])
    assert (flags.llm_day_tokens, flags.llm_visitor_requests, flags.llm_day_requests) == (70, None, 3)
    assert parser({"RAM_NO_LLM": "1", "SPACE_ID": "me/space"}).parse_args([]).no_llm
    assert parser({"SPACE_ID": "me/space"}).parse_args([]).proxies == 1
    assert not parser({"RAM_NO_LLM": "0"}).parse_args([]).no_llm
    with pytest.raises(SystemExit):
        parser({}).parse_args(["--llm-day-requests", "-1"])


def test_switched_off_nothing_reaches_a_language_model(serve: Serve) -> None:
    endpoint = serve(honours_n)
    environ = {"OPENAI_API_KEY": "sk-0123456789ab", "OPENAI_BASE_URL": endpoint.url}
    flags = parser(environ).parse_args(["--no-llm"])
    assert list(launch.offered_describers(flags, environ)[0]) == ["lexicon", "template"]
    last = typed(Workbench([tiny_tagger()], partial(launch.make_describer, flags, environ)), "corgi")
    assert last.messages == (f"{launch.LANGUAGE_MODEL_OFF} The lexicon describer takes over.",)
    assert origins(last, "corgi") == {"lexicon"} and not endpoint.requests
