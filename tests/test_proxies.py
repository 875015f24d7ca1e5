"""The variable that names the proxy of an address."""

import pytest

from ram.proxies import through_proxy, unusable_variables

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


@pytest.mark.parametrize(
    ("environ", "url", "variable"),
    [
        ({}, "http://127.0.0.1:8000/v1", ""),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:8000/v1", "HTTP_PROXY"),
        ({"http_proxy": "http://p:1", "HTTP_PROXY": "http://q:1"}, "http://a.org", "http_proxy"),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.org", ""),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": ""}, "https://a.org", "ALL_PROXY"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "localhost,127.0.0.1"}, "http://127.0.0.1:8000/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.org"}, "http://user:secret@www.a.org:80/x", ""),
        ({"ALL_PROXY": "socks://p:1", "HTTPS_PROXY": "http://p:1"}, "https://a.org", "ALL_PROXY"),
    ],
)
def test_the_variable_in_the_way_is_named(environ, url, variable, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert through_proxy(url) == (f" (through the proxy of {variable})" if variable else "")


def test_proxies_that_the_client_refuses_are_found(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:7891/")
    monkeypatch.setenv("https_proxy", "ftp://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:8080")
    assert unusable_variables() == ("ALL_PROXY", "https_proxy")


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:port", "http://[bad", "socks4://127.0.0.1:1", "http://"])
def test_a_malformed_proxy_is_unusable(proxy, monkeypatch):
    monkeypatch.setenv("https_proxy", proxy)
    assert unusable_variables() == ("https_proxy",)
