"""The key of a language model is sent to that model and appears nowhere else."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from demo import launch
from demo.core.workbench import Workbench
from demo.flags import parser
from demo.page import build_page, launch_options
from demo.server.visitors import Visitors
from demo.views.page import allowance, notice
from demo.views.typed import cards, typed_categories
from tests.chat_endpoint import Reply, Serve, completion, refusal
from tests.tiny import tiny_tagger

pytestmark = pytest.mark.slow

KEY = "sk-proj-0123456789abcdefSECRET"
ANSWERS: dict[str, Callable[[dict[str, Any], int], Reply]] = {
    "repeats it": lambda request, number: completion(f"A dog that knows {KEY}, number {number}."),
    "refuses it": lambda request, number: refusal(401, f"Incorrect API key provided: {KEY}"),
    "complains of it": lambda request, number: refusal(400, f"what is {KEY}?"),
    "answers with noise": lambda request, number: (200, f"<html>{KEY}</html>".encode()),
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return {"OPENAI_API_KEY": KEY}


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_answer_leaks_the_key(
    serve: Serve, environ: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    endpoint = serve(ANSWERS[answer])
    environ["OPENAI_BASE_URL"] = endpoint.url
    flags = parser(environ).parse_args(["--openai-model", "tiny"])
    bench = Workbench([tiny_tagger()], partial(launch.make_describer, flags, environ))
    with caplog.at_level(logging.DEBUG):
        last = list(bench.describe("corgi", "openai", Visitors().name("127.0.0.1")))[-1]
        shown = cards(typed_categories(last, {}, bench.labels)) + notice(last.messages)
        shown += allowance(bench.limits.standing(""))
    assert endpoint.keys == {f"Bearer {KEY}"}
    kept = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json")]
    assert kept and last.finished == {"corgi"}
    assert not [text for text in (shown, repr(last), caplog.text, *kept) if KEY in text]


def test_page_and_configuration_do_not_hold_the_key(
    serve: Serve, environ: dict[str, str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ["OPENAI_BASE_URL"] = serve(ANSWERS["repeats it"]).url
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    flags = parser(environ).parse_args([])
    bench = Workbench([tiny_tagger()], partial(launch.make_describer, flags, environ))
    with caplog.at_level(logging.DEBUG):
        list(bench.describe("corgi", "openai"))
        page = build_page(bench, [], *launch.offered_describers(flags, environ))
        _, address, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options())
        try:
            told = [fetched(address + path) for path in ("", "config", "gradio_api/info", "gradio_api/openapi.json")]
        finally:
            page.close()
    assert "Language model" in told[1]
    told += [caplog.text, repr(launch_options()), repr(vars(page))]
    assert not [text for text in told if KEY in text]


def fetched(url: str) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as reply:
        return str(reply.read(), "utf-8")


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("json", [["--json"], []])
def test_the_command_line_does_not_print_the_key(
    serve: Serve, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, ended: Any, answer: str, json: list[str]
) -> None:
    for name, value in {**environ, "OPENAI_BASE_URL": serve(ANSWERS[answer]).url}.items():
        monkeypatch.setenv(name, value)
    code, out, err = ended("describe", "corgi", "--describer", "openai", "--openai-model", "tiny", *json)
    assert code == 0 and "corgi" in out and KEY not in out + err
