"""The page with a language model in a real browser: sentences, allowance and limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.chat_endpoint import Serve, honours_n
from tests.page.visits import compare
from tests.server import ask, page_served

KEY = "sk-0123456789abcdef"


def test_allowance_cache_and_limit_of_the_language_model(browser: Any, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve(honours_n)
    environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": endpoint.url, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    flags = ("--compare-model", "none", "--llm-visitor-requests", "10", "--llm-visitor-tokens", "none")
    with page_served(*flags, **environ, GRADIO_TEMP_DIR=str(tmp_path / "uploads")) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(30_000)
        page.goto(server.address)
        card, meter = page.locator("#cards .origin"), page.locator("#meter .allowance")

        def type_in(text: str) -> None:
            page.get_by_label("Categories").fill(text)
            page.get_by_role("button", name="Score").first.click()
            compare(page)

        meter.filter(has_text="0 of 10 requests").wait_for()
        page.get_by_label("Language model").first.check()
        type_in("corgi")
        card.filter(has_text="51 sentences by openai").wait_for()
        meter.filter(has_text="5 of 10 requests").wait_for()
        assert page.get_by_role("meter").first.get_attribute("aria-valuenow") == "0.500"
        type_in("Corgi")
        card.filter(has_text="51 sentences by openai, all from the cache, at no cost").wait_for()
        meter.filter(has_text="5 of 10 requests").wait_for()
        type_in("kite")
        meter.filter(has_text="10 of 10 requests").wait_for()
        type_in("bee")
        page.locator("#typed-notice").filter(has_text="share of the language model for today is used up").wait_for()
        card.filter(has_text="lexicon").wait_for()
        assert len(endpoint.requests) == 10
        page.close()

        with server.visitor() as program:
            right, told = ask(program, "describe", "meteor shower, corgi", "openai")
        assert right and "is used up" in told["notices"][0]
        assert {(one["origin"], one["cached"]) for one in told["categories"][1]["sentences"]} == {("openai", True)}
        assert len(endpoint.requests) == 10 and KEY not in server.log
