"""What a language model may cost on a public page, and that neither the page nor anything else gets round it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import app
from demo.core.actions import Workbench
from demo.core.categories import Categories
from demo.server.limits import DAY_BUDGET, MOST_VISITORS, VISITOR_BUDGET, Budget, LimitReached, Limits, Spent
from demo.views.markup import allowance
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
    """A tiny tagger, the language model of the endpoint, and templates where that fails."""
    chat = ChatDescriber("sk-0123456789ab", "tiny", endpoint.url, answers=1, retries=0)
    openai = CachedDescriber(chat, cache) if cache else chat
    return Workbench(
        [tiny_tagger()], {"template": TemplateDescriber(), "openai": openai}.__getitem__, "template", limits
    )


def typed(bench: Workbench, text: str, visitor: str = "") -> Categories:
    return list(bench.describe(text, "openai", visitor))[-1]


def origins(categories: Categories, tag: str) -> set[str]:
    return {sentence.origin for sentence in categories.sentences[tag]}


def test_a_visitor_past_the_limit_hears_why_and_gets_the_fallback_while_others_go_on(serve: Serve) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(requests=10), Budget()))
    first = typed(bench, "corgi, kite, bee", "greedy")
    assert origins(first, "corgi") == origins(first, "kite") == {"openai"}
    assert "template" in origins(first, "bee") and first.finished == {"corgi", "kite", "bee"}
    assert "share of the language model for today is used up" in first.notices[0]
    assert 'The template describer takes over for "bee".' in first.notices[0]
    more = typed(bench, "bee, cow, bus", "greedy")
    assert more.notices == (first.notices[0].replace('"bee"', '"bee", "cow" and "bus"'),)
    assert len(endpoint.requests) == 10
    assert origins(typed(bench, "dog", "patient"), "dog") == {"openai"}
    assert bench.limits.standing("greedy").visitor == Spent(10, 1000)
    assert bench.limits.standing("patient").day == Spent(15, 1500)


def test_the_day_of_all_visitors_ends_for_all_of_them_and_begins_anew(serve: Serve) -> None:
    now = [DAY * 20_000.0]
    endpoint = serve(costs_a_hundred)
    limits = Limits(Budget(), Budget(requests=5), clock=lambda: now[0])
    bench = workbench(endpoint, limits)
    assert origins(typed(bench, "corgi", "one"), "corgi") == {"openai"}
    assert "This page has used up its language model for today" in typed(bench, "kite", "two").notices[0]
    now[0] += DAY
    assert limits.standing("one").visitor == limits.standing("one").day == Spent()
    assert origins(typed(bench, "kite", "two"), "kite") == {"openai"}


def test_tokens_are_limited_before_a_request_and_never_overspent_by_those_side_by_side(serve: Serve) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(tokens=1500), Budget()))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda tag: typed(bench, tag, "busy"), [f"thing {number}" for number in range(8)]))
    spent = bench.limits.standing("busy").visitor
    assert 0 < spent.tokens <= 1500 and spent.tokens == 100 * spent.requests == 100 * len(endpoint.requests)


def test_whoever_calls_without_a_name_shares_one_budget(serve: Serve) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(requests=5), Budget()))
    typed(bench, "corgi")
    typed(bench, "kite")
    assert len(endpoint.requests) == 5


def test_what_the_cache_holds_costs_nothing_and_is_had_past_the_limit(serve: Serve, tmp_path: Any) -> None:
    endpoint = serve(costs_a_hundred)
    bench = workbench(endpoint, Limits(Budget(requests=5), Budget()), DescriptionCache(tmp_path))
    first = typed(bench, "corgi", "one")
    assert not any(sentence.cached for sentence in first.sentences["corgi"])
    again = typed(bench, "Corgi", "one")
    assert not again.notices and len(endpoint.requests) == 5
    assert all(sentence.cached for sentence in again.sentences["Corgi"])
    assert [s.text for s in again.sentences["Corgi"]] == [s.text for s in first.sentences["corgi"]]
    assert bench.limits.standing("one").visitor.requests == 5


def test_an_address_is_never_kept_in_clear_and_is_one_visitor_all_day() -> None:
    limits = Limits()
    visitor = limits.visitor("203.0.113.7")
    assert visitor == limits.visitor("203.0.113.7") == limits.visitor("::ffff:203.0.113.7")
    assert visitor != limits.visitor("203.0.113.8")
    assert visitor != Limits().visitor("203.0.113.7")  # another secret: no table of all addresses helps
    limits.reserve(visitor, 10)
    assert "203.0.113" not in repr(vars(limits)) + repr(limits.standing(visitor)) + repr(limits.meter(visitor))


def test_one_home_in_the_newer_internet_is_one_visitor() -> None:
    limits = Limits()
    assert limits.visitor("2001:db8:1:2::1") == limits.visitor("2001:db8:1:2:ffff::9")
    assert limits.visitor("2001:db8:1:2::1") != limits.visitor("2001:db8:1:3::1")


def test_only_what_our_own_proxies_appended_tells_visitors_apart() -> None:
    plain, behind_one = Limits(), Limits(proxies=1)
    assert plain.visitor("10.0.0.1", "1.1.1.1") == plain.visitor("10.0.0.1", "2.2.2.2")
    assert behind_one.visitor("10.0.0.1", "1.1.1.1") != behind_one.visitor("10.0.0.1", "2.2.2.2")
    forged = behind_one.visitor("10.0.0.1", "9.9.9.9, 1.1.1.1")
    assert forged == behind_one.visitor("10.0.0.1", "1.1.1.1")
    assert behind_one.visitor("10.0.0.1", None) == behind_one.visitor("10.0.0.1", "")


def test_a_flood_of_visitors_takes_no_more_memory_than_allowed_and_the_day_still_counts() -> None:
    limits = Limits(Budget(), Budget(requests=MOST_VISITORS + 50))
    for number in range(MOST_VISITORS + 50):
        limits.reserve(str(number), 1)
    assert len(vars(limits)["_spent"]) == MOST_VISITORS
    with pytest.raises(LimitReached, match="This page"):
        limits.reserve("one more", 1)


def test_what_a_request_did_not_take_is_given_back() -> None:
    limits = Limits(Budget(tokens=100), Budget())
    limits.reserve("one", 90)
    with pytest.raises(LimitReached):
        limits.reserve("one", 20)
    limits.settle("one", 90, Usage(1, 20, 10))
    limits.reserve("one", 70)
    assert limits.standing("one").visitor == Spent(2, 100)


def test_a_request_over_midnight_leaves_the_new_day_whole() -> None:
    times = itertools.chain([10.0], itertools.repeat(DAY + 1.0))
    limits = Limits(clock=lambda: next(times))
    limits.reserve("one", 500)
    limits.settle("one", 500, Usage(1, 30, 10))
    assert limits.standing("one").visitor.tokens == 0


def test_budgets_below_zero_are_refused_and_none_has_no_end() -> None:
    with pytest.raises(ValueError, match="cannot be spent"):
        Budget(requests=-1)
    assert Budget().allows(Spent(10**9, 10**9)) and Budget().share(Spent(10**9, 10**9)) == 0
    assert not Budget(requests=0).allows(Spent(1, 0)) and Budget(requests=0).share(Spent()) == 1
    assert Budget(requests=10, tokens=100).share(Spent(2, 50)) == 0.5


def test_the_meter_of_the_page_says_what_is_used_of_what() -> None:
    limits = Limits(Budget(500, 100_000), Budget(None, 2_000_000))
    limits.reserve("one", 25_000)
    said = allowance(limits.standing("one"))
    assert "1 of 500 requests, 25,000 of 100,000 tokens" in said and 'aria-valuenow="0.250"' in said
    assert "1 requests, 25,000 of 2,000,000 tokens" in said


def test_the_flags_of_the_page_set_the_limits_and_switch_the_language_model_off() -> None:
    flags = app._parser({}).parse_args(["--llm-visitor-requests", "7", "--llm-day-tokens", "none"])
    assert (flags.llm_visitor_requests, flags.llm_day_tokens, flags.no_llm, flags.proxies) == (7, None, False, 0)
    assert (flags.llm_day_requests, flags.llm_visitor_tokens) == (DAY_BUDGET.requests, VISITOR_BUDGET.tokens)
    by_environment = {"RAM_LLM_DAY_TOKENS": "70", "RAM_LLM_VISITOR_REQUESTS": "none"}
    flags = app._parser(by_environment).parse_args(["--llm-day-requests", "3"])
    assert (flags.llm_day_tokens, flags.llm_visitor_requests, flags.llm_day_requests) == (70, None, 3)
    assert app._parser({"RAM_NO_LLM": "1", "SPACE_ID": "me/space"}).parse_args([]).no_llm
    assert app._parser({"SPACE_ID": "me/space"}).parse_args([]).proxies == 1
    assert not app._parser({"RAM_NO_LLM": "0"}).parse_args([]).no_llm
    with pytest.raises(SystemExit):
        app._parser({}).parse_args(["--llm-day-requests", "-1"])


def test_where_it_is_switched_off_nothing_behind_the_page_reaches_a_language_model(serve: Serve) -> None:
    endpoint = serve(honours_n)
    environ = {"OPENAI_API_KEY": "sk-0123456789ab", "OPENAI_BASE_URL": endpoint.url}
    flags = app._parser(environ).parse_args(["--no-llm"])
    assert list(app._offered(flags, environ)[0]) == ["lexicon", "template"]
    last = typed(Workbench([tiny_tagger()], partial(app._describer, flags, environ)), "corgi")
    assert last.notices == (f"{app.LANGUAGE_MODEL_OFF} The lexicon describer takes over.",)
    assert origins(last, "corgi") == {"lexicon"} and not endpoint.requests
