"""The page's process among the settings of its surroundings."""

import os

import httpx
import pytest

from demo.server import process
from demo.server.process import exempt_from_proxies
from tests.server import ask, page_served


@pytest.fixture
def proxies(monkeypatch):
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        for variable in (upper, upper.lower()):
            monkeypatch.setenv(variable, "")  # first, so that whatever the test sets is undone
            monkeypatch.delenv(variable)
    return monkeypatch


def test_requests_to_the_page_itself_go_past_proxies(proxies, caplog):
    proxies.setenv("ALL_PROXY", "socks://127.0.0.1:7891/")
    proxies.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    proxies.setenv("no_proxy", "intranet.example")
    exempt_from_proxies("192.168.1.5")
    assert "ALL_PROXY" not in os.environ and "ALL_PROXY names no http:// proxy" in caplog.text
    assert os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1,192.168.1.5"
    with httpx.Client() as client:
        for own in ("http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://192.168.1.5:1"):
            assert client._transport_for_url(httpx.URL(own)) is client._transport
        assert client._transport_for_url(httpx.URL("http://example.org")) is not client._transport


def test_settings_that_no_client_takes_are_ignored(proxies, caplog, tmp_path):
    proxies.setenv("HTTP_PROXY", "http://127.0.0.1:port")
    proxies.setenv("https_proxy", "http://127.0.0.1:9")
    proxies.setenv("NO_PROXY", "[::1], 10.0.0.0/8,.example.org")
    proxies.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    exempt_from_proxies("127.0.0.1")
    assert "HTTP_PROXY" not in os.environ and "SSL_CERT_FILE" not in os.environ
    assert os.environ["NO_PROXY"] == "::1,10.0.0.0/8,.example.org,127.0.0.1,localhost"
    assert "HTTP_PROXY names no" in caplog.text and "SSL_CERT_FILE names nothing that exists" in caplog.text
    httpx.Client().close()


def test_proxies_of_the_system_stay_in_use(proxies, monkeypatch):
    monkeypatch.setattr(process, "getproxies", lambda: {"https": "http://proxy.example:8080"})
    exempt_from_proxies("127.0.0.1")
    assert os.environ["https_proxy"] == "http://proxy.example:8080" and "localhost" in os.environ["NO_PROXY"]


def test_an_exemption_of_all_hosts_is_left_alone(proxies):
    proxies.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    proxies.setenv("NO_PROXY", "*")
    exempt_from_proxies("127.0.0.1")
    assert os.environ["NO_PROXY"] == "*"


def test_without_a_proxy_the_environment_is_left_alone(proxies):
    exempt_from_proxies("127.0.0.1")
    assert "NO_PROXY" not in os.environ and "no_proxy" not in os.environ


@pytest.mark.slow
def test_the_page_starts_and_answers_whatever_the_proxies(proxies):
    unreachable = {"http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "socks://127.0.0.1:9/", "NO_PROXY": "localhost"}
    with page_served("--compare-model", "none", **unreachable) as server, server.visitor() as visitor:
        assert "ALL_PROXY names no http:// proxy: it is ignored." in server.log
        fine, answer = ask(visitor, "describe", "corgi", "lexicon")
    assert fine and answer["categories"][0]["tag"] == "corgi"
