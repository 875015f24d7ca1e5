"""The named endpoints, called by gradio's client, and the MCP tools."""

from __future__ import annotations

import argparse
import asyncio
import json

import gradio as gr
import httpx
import pytest
from PIL import Image

import ram
from demo import launch
from demo.api import Endpoints
from demo.core.workbench import Workbench
from demo.page import build_page
from demo.server.health import loading_page
from ram.caption_reranking import best_captions
from ram.listening import check_address
from tests.demo.core.test_workbench import LEXICON
from tests.server import ROOT, ask, free_port, photo, upload
from tests.tiny import tiny_tagger

DOGS = ROOT / "assets" / "examples" / "dogs.jpg"
ENDPOINTS = {
    "tag": ["photo", "top"],
    "caption": ["photo", "tags", "beams"],
    "describe": ["categories", "describer"],
    "score": ["photo", "categories", "describer"],
    "compare": ["photo", "categories", "describer"],
}


@pytest.fixture(scope="module")
def client(server):
    gradio_client = pytest.importorskip("gradio_client")
    return gradio_client.Client(server.address, verbose=False, analytics_enabled=False)


@pytest.fixture(scope="module")
def tagger():
    return ram.load("ram-plus-lite", "cpu")


def given(path):
    from gradio_client import handle_file

    return handle_file(str(path))


def test_there_are_five_endpoints_with_typed_parameters(client):
    told = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert {name: [p["parameter_name"] for p in one["parameters"]] for name, one in told.items()} == {
        f"/{name}": parameters for name, parameters in ENDPOINTS.items()
    }
    types = {p["parameter_name"]: p["python_type"]["type"] for one in told.values() for p in one["parameters"]}
    assert types == {
        "photo": "filepath",
        "top": "int",
        "tags": "str",
        "beams": "int",
        "categories": "str",
        "describer": "Literal['lexicon', 'template', 'local', 'lexicon+local', 'openai']",
    }
    assert all(one["description"].endswith(".") for one in told.values())


def test_tag_equals_the_package(client, tagger):
    answer = client.predict(photo=given(DOGS), top=5, api_name="/tag")
    expected = tagger.tag(DOGS)
    assert answer["model"] == "ram-plus-lite"
    assert answer["tags"] == expected.tags
    assert [s["tag"] for s in answer["scores"]] == [s.tag for s in expected.top(5)]
    assert answer["scores"][0]["probability"] == pytest.approx(expected.top(1)[0].probability, abs=1e-4)
    assert answer["scores"][0]["descriptions"][0]["text"] == expected.top(1)[0].descriptions[0].text


def test_caption_equals_the_package_and_follows_tags(client):
    captioner, judge = ram.load("tag2text-lite", "cpu"), ram.load("ram-plus-lite", "cpu")
    answer = client.predict(photo=given(DOGS), api_name="/caption")
    (best,) = best_captions(captioner, judge, [DOGS])
    assert answer["caption"] == best.text and "dog" in answer["caption"]
    assert answer["model"] == "tag2text-lite" and "dog" in answer["tags"]
    steered = client.predict(photo=given(DOGS), tags="mountain", beams=2, api_name="/caption")
    assert steered["caption"] == captioner.caption(DOGS, "mountain", beams=2) and "mountain" in steered["tags"]


def test_a_page_without_a_captioner_says_so(monkeypatch):
    monkeypatch.setattr(Endpoints, "_path", lambda self, photo: DOGS)
    with pytest.raises(gr.Error, match="no model of this page writes captions: start it with --captioner tag2text"):
        Endpoints(Workbench([tiny_tagger()], {"lexicon": LEXICON}.__getitem__)).caption(None)


def test_describe_equals_the_command_line(client, ended):
    answer = client.predict(categories="corgi, zzqx", api_name="/describe")
    code, out, _ = ended("describe", "corgi", "zzqx", "--json")
    expected = {tag: told for one in json.loads(out)["descriptions"] for tag, told in one.items()}
    assert code == 0
    assert {one["tag"]: [s["text"] for s in one["sentences"]] for one in answer["categories"]} == expected
    assert any("zzqx" in notice for notice in answer["notices"])


def test_score_and_compare_equal_the_package(client, tagger):
    scored = client.predict(photo=given(DOGS), categories="corgi, kite", describer="template", api_name="/score")
    compared = client.predict(photo=given(DOGS), categories="corgi, kite", describer="template", api_name="/compare")
    assert [one["tag"] for one in compared["categories"]] == ["corgi", "kite"]
    assert {tuple(one["models"]) for one in compared["categories"]} == {("ram-plus-lite", "ram-lite")}
    by_tag = {one["tag"]: one["models"]["ram-plus-lite"] for one in compared["categories"]}
    assert {one["tag"]: one for one in scored["scores"]} == by_tag
    sentences = {tag: [d["text"] for d in score["descriptions"]] for tag, score in by_tag.items()}
    expected = tagger.score(tagger.look(DOGS), tagger.embed(sentences))
    for tag, score in by_tag.items():
        assert score["probability"] == pytest.approx(expected[tag].probability, abs=1e-4)


@pytest.mark.parametrize(
    ("endpoint", "values", "sentence"),
    [
        ("describe", ["", "lexicon"], "no category was given"),
        ("describe", ["a" * 61, "lexicon"], "61 characters"),
        ("describe", ["x," * 9000, "lexicon"], "18,000 characters of categories are too many"),
        ("describe", [["corgi"], "lexicon"], "categories and describer are text"),
        ("describe", ["corgi", {"a": 1}], "categories and describer are text"),
        ("caption", [None, "dog", 3], "No photo was given"),
        ("caption", [photo(str(DOGS)), "dog", 3], "This photo was not uploaded here"),
        ("caption", [None, ["dog"], 3], "tags are text"),
        ("caption", [None, "x" * 10_001, 3], "10,001 characters of tags are too many"),
        ("tag", [None, 3], "No photo was given: choose one; a program uploads it first, as handle_file"),
        ("tag", [photo("http://127.0.0.1:9/a.jpg?key=1"), 3], "The address http://127.0.0.1:9/a.jpg?key=1 cannot be"),
        ("tag", [photo("http://no.such.host.invalid/a.jpg"), 3], "cannot be fetched from here: upload the photo."),
        ("tag", [photo(str(DOGS)), 3], "This photo was not uploaded here"),
        ("tag", [photo("/etc/hostname"), 3], "This photo was not uploaded here"),
        ("score", [photo(str(DOGS))], "This call needs"),
        ("tag", [str(DOGS), 3], "This photo was not uploaded here"),
        ("tag", [{"path": str(DOGS)}, 3], "This photo was not uploaded here"),
        ("tag", [{"path": "\0"}, 3], "This photo was not uploaded here"),
        ("tag", [{"path": ["x"]}, 3], "This photo was not uploaded here"),
        ("score", [{"path": "../../etc/hostname"}, "corgi", "lexicon"], "This photo was not uploaded here"),
    ],
)
def test_invalid_requests_are_answered_with_one_sentence(server, endpoint, values, sentence):
    before = len(server.log)
    with server.visitor() as visitor:
        worked, said = ask(visitor, endpoint, *values)
    assert not worked
    assert sentence in said and "\n" not in said and said.endswith(".")
    assert "Traceback" not in server.log[before:]


def test_invalid_files_and_counts_are_named(server):
    with server.visitor() as visitor:
        letter = photo(upload(visitor, "letter.png", b"Dear all,"))
        assert ask(visitor, "tag", letter, 3)[1].startswith("letter.png cannot be read as a picture")
        dogs = photo(upload(visitor, "dogs.jpg", DOGS.read_bytes()))
        assert ask(visitor, "tag", dogs, "many") == (False, "top is 'many': give a whole number.")
        assert ask(visitor, "tag", dogs, -1)[1]["scores"] == []


def test_an_unknown_describer_is_replaced_with_a_notice(server):
    with server.visitor() as visitor:
        worked, answer = ask(visitor, "describe", "corgi", "oracle")
    assert worked and "oracle" in answer["notices"][0] and "lexicon" in answer["notices"][0]


def test_no_endpoint_bypasses_the_queue(server):
    with server.visitor() as visitor:
        for way in ("run", "api"):
            asked = visitor.post(f"/gradio_api/{way}/describe", json={"data": ["corgi", "lexicon"]})
            assert asked.status_code == 404


def test_the_page_is_sent_compressed_and_an_answer_as_it_comes(server):
    with server.visitor() as visitor:
        with visitor.stream("GET", "/") as sent:
            compressed = sum(map(len, sent.iter_raw()))
        assert sent.headers["content-encoding"] == "gzip"
        plain = visitor.get("/", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers and visitor.get("/").text == plain.text
        assert compressed < len(plain.content) / 2
        assert "content-encoding" not in visitor.get("/health").headers
        asked = visitor.post("/gradio_api/call/describe", json={"data": ["corgi", "lexicon"]}).json()
        with visitor.stream("GET", f"/gradio_api/call/describe/{asked['event_id']}") as answer:
            assert "content-encoding" not in answer.headers and "corgi" in answer.read().decode()


def test_health_names_models_and_version(server):
    with server.visitor() as visitor:
        answer = visitor.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "models": ["ram-plus-lite", "ram-lite"], "version": ram.__version__}


def test_health_answers_while_the_models_load():
    port = free_port()
    with loading_page("127.0.0.1", port), httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as host:
        health, page = host.get("/health"), host.get("/")
        assert (health.status_code, page.status_code) == (503, 503)
        assert health.json() == {"status": "loading", "models": [], "version": ram.__version__}
        assert "being loaded" in page.text and page.headers["refresh"]
    check_address("127.0.0.1", port)  # the port is free again


def test_mcp_tools_equal_the_endpoints(server):
    pytest.importorskip("mcp", reason="needs the extra ram[mcp]")
    tools, answer, refused = asyncio.run(use_tools(f"{server.address}/gradio_api/mcp/"))
    assert {tool.name: list(tool.inputSchema["properties"]) for tool in tools} == ENDPOINTS
    assert all(tool.description and "Returns" in tool.description for tool in tools)
    assert not answer.isError and "a photo of a corgi." in answer.content[0].text
    assert refused.isError and "no category was given" in refused.content[0].text


async def use_tools(address):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(address) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        answer = await session.call_tool("describe", {"categories": "corgi"})
        refused = await session.call_tool("describe", {"categories": ""})
    return tools, answer, refused


def test_mcp_callers_are_told_apart(monkeypatch):
    pytest.importorskip("mcp", reason="needs the extra ram[mcp]")
    bench, visitors = Workbench([tiny_tagger()], {"lexicon": LEXICON}.__getitem__), []
    describe = bench.describe
    monkeypatch.setattr(bench, "describe", lambda *asked: visitors.append(asked[2]) or describe(*asked))
    page = build_page(bench, [], {"lexicon": "Lexicon"})
    flags = argparse.Namespace(host="127.0.0.1", port=free_port(), proxies=0, mcp=True, library=None)
    launch.serve(page, bench, flags)
    try:
        for address in ("127.0.0.1", "127.0.0.2"):
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(transport=transport, base_url=page.local_url, timeout=60) as caller:
                assert "a photo of a corgi." in call_tool(caller, "describe", categories="corgi")
                assert ask(caller, "describe", "corgi", "lexicon")[0]
    finally:
        page.close()
    one, one_without_mcp, other, other_without_mcp = visitors
    assert one == one_without_mcp and other == other_without_mcp
    assert one != other and "" not in visitors


def call_tool(caller, name, **arguments):
    """Call a tool as a client of the Model Context Protocol does; the text of its answer."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    accepted = {"Accept": "application/json, text/event-stream"}
    return caller.post("gradio_api/mcp/", json=call, headers=accepted).raise_for_status().text


def test_mcp_without_its_package_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert launch.main(["--mcp", "--port", str(free_port())]) == 2
    assert capsys.readouterr().err.strip().splitlines() == [
        'demo: --mcp needs the package mcp: install it with pip install "ram[mcp]", or leave the flag out'
    ]


def test_programs_have_the_pages_limits_on_images(server, tmp_path):
    Image.new("1", (9000, 6000)).save(tmp_path / "large.png")
    with server.visitor() as visitor:
        large = photo(upload(visitor, "large.png", (tmp_path / "large.png").read_bytes()))
        assert "over 50 megapixels" in ask(visitor, "tag", large, 3)[1]
        much = photo(upload(visitor, "much.png", bytes(21_000_000)))
        assert "20 MB" in ask(visitor, "tag", much, 3)[1]
