"""Visitors are told apart, also by MCP, without keeping addresses."""

import pytest

from demo.server.limits import Limits
from demo.server.visitors import HEADER, Visitors, visitor_of


def request(address="203.0.113.7", **headers):
    """An ASGI request; header names with underscores."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (address, 1), "headers": named}


def headers(scope):
    return {name.decode(): value.decode() for name, value in scope["headers"]}


def test_an_address_is_hashed_and_stays_one_visitor():
    visitors, limits = Visitors(), Limits()
    visitor = visitors.name("203.0.113.7")
    assert visitor == visitors.name("203.0.113.7") == visitors.name("::ffff:203.0.113.7")
    assert visitor != visitors.name("203.0.113.8")
    assert visitor != Visitors().name("203.0.113.7")  # another secret, so a table of all addresses is useless
    limits.reserve(visitor, 10)
    kept = repr(vars(visitors)) + repr(vars(limits)) + repr(limits.standing(visitor)) + repr(limits.meter(visitor))
    assert "203.0.113" not in kept


def test_one_ipv6_network_is_one_visitor():
    visitors = Visitors()
    assert visitors.name("2001:db8:1:2::1") == visitors.name("2001:db8:1:2:ffff::9")
    assert visitors.name("2001:db8:1:2::1") != visitors.name("2001:db8:1:3::1")


def test_only_addresses_appended_by_own_proxies_count():
    plain, proxied = Visitors(), Visitors(proxies=1)
    assert plain.name("10.0.0.1", "1.1.1.1") == plain.name("10.0.0.1", "2.2.2.2")
    assert proxied.name("10.0.0.1", "1.1.1.1") != proxied.name("10.0.0.1", "2.2.2.2")
    assert proxied.name("10.0.0.1", "9.9.9.9, 1.1.1.1") == proxied.name("10.0.0.1", "1.1.1.1")
    assert proxied.name("10.0.0.1", None) == proxied.name("10.0.0.1", "")


def test_a_request_carries_the_name_of_its_visitor():
    visitors, scope = Visitors(), request(accept="text/html")
    name = visitors.identify(scope)
    assert name == visitors.name("203.0.113.7") == visitor_of(headers(scope))
    assert headers(scope)["accept"] == "text/html"


def test_a_call_repeated_from_this_machine_keeps_its_visitor():
    """gradio repeats a tool call of MCP like this."""
    visitors, call = Visitors(), request("203.0.113.7")
    name = visitors.identify(call)
    again = {"type": "http", "client": ("127.0.0.1", 2), "headers": call["headers"]}
    assert visitors.identify(again) == name != visitors.name("127.0.0.1")
    assert len([key for key, _ in again["headers"] if key == HEADER.encode()]) == 1


@pytest.mark.parametrize("forged", ["anna", "anna.", ".", "anna.0123456789abcdef", "", "ä.ö"])
def test_a_forged_name_is_replaced(forged):
    visitors, scope = Visitors(), request(x_ram_visitor=forged)
    assert visitors.identify(scope) == visitors.name("203.0.113.7") == visitor_of(headers(scope))


def test_a_name_signed_by_another_page_is_replaced():
    scope = request("198.51.100.1")
    Visitors().identify(scope)
    visitors = Visitors()
    assert visitors.identify(scope) == visitors.name("198.51.100.1")


def test_without_a_gate_all_visitors_are_one():
    assert visitor_of({}) == ""
