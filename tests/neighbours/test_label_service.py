"""The service is asked by the clients of those whose interfaces it has, over the network of this machine."""

import base64
import json
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import openai
import pytest

from ram.caption_writing import Caption
from ram.cli import main
from ram.neighbours.asked_pictures import Labeller
from tests.server import free_port

starlette = pytest.importorskip("starlette", reason="needs the extra ram[serve]")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra ram[serve]")

from ram.neighbours.label_service import label_service  # noqa: E402

TAGS = {"dog", "cat", "pine tree"}


@contextmanager
def served(app):
    """Address of an application on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started and time.monotonic() < end:
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def address(tagger):
    with served(label_service(Labeller(tagger, tagger.bank))) as address:
        yield address


@pytest.fixture
def client(address):
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        yield client


def openai_client(address):
    direct = httpx.Client(trust_env=False)
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, http_client=direct)


def image_message(encoded, text="Which tags?"):
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
    return [{"role": "user", "content": [{"type": "text", "text": text}, part]}]


def test_the_client_of_openai_gets_tags(address, encoded):
    client = openai_client(address)
    assert [model.id for model in client.models.list()] == ["tiny"]
    asked = {"model": "any", "messages": image_message(encoded)}
    reply = client.chat.completions.create(**asked)
    assert set(reply.choices[0].message.content.split(", ")) == TAGS
    streamed = client.chat.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == reply.choices[0].message.content
    schema = {"type": "object", "properties": {"keywords": {"type": "array", "items": {"type": "string"}}}}
    form = {"type": "json_schema", "json_schema": {"name": "tags", "schema": schema}}
    reply = client.chat.completions.create(**asked, response_format=form)
    assert set(json.loads(reply.choices[0].message.content)["keywords"]) == TAGS
    with pytest.raises(openai.BadRequestError, match="one image"):
        client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hello"}])


def test_the_responses_of_openai_hold_labels(address, encoded):
    client = openai_client(address)
    image = {"type": "input_image", "detail": "low", "image_url": f"data:image/png;base64,{encoded}"}
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "Return JSON labels"}, image]}]
    reply = client.responses.create(model="any", instructions="Be brief.", input=asked)
    assert {label["name"] for label in json.loads(reply.output_text)["labels"]} == TAGS


def test_the_client_of_ollama_gets_tags(address, file):
    ollama = pytest.importorskip("ollama", reason="needs the package ollama: make test-neighbours")
    client = ollama.Client(address, trust_env=False)
    assert [model.model for model in client.list().models] == ["tiny"]
    assert "vision" in client.show("tiny").capabilities
    reply = client.generate("tiny", "Name the tags.", images=[file])
    assert set(reply.response.split(", ")) == TAGS and reply.done
    parts = list(client.generate("tiny", "Name the tags.", images=[file], stream=True))
    assert "".join(part.response for part in parts) == reply.response and parts[-1].done
    chat = client.chat("tiny", [{"role": "user", "content": "Labels as JSON", "images": [file]}], format="json")
    assert {label["name"] for label in json.loads(chat.message.content)["labels"]} == TAGS
    with pytest.raises(ollama.ResponseError, match="one image"):
        client.generate("tiny", "Hello")


def test_a_request_of_photoprism_is_answered_in_its_form(client, encoded):
    """Recorded from its documentation: system and prompt ask for JSON with labels, without a stream."""
    body = {
        "model": "ram", "system": "You are a vision model. Output concise JSON.", "stream": False,
        "prompt": "Analyze the image and return label objects with name, confidence (0-1), and topicality (0-1).",
        "format": "json", "images": [encoded], "options": {"temperature": 0.1},
    }  # fmt: skip
    reply = client.post("/api/generate", json=body).json()
    assert reply["done"] is True and reply["model"] == "ram" and reply["created_at"].endswith("Z")
    for label in json.loads(reply["response"])["labels"]:
        assert label["name"] in TAGS and 0 < label["confidence"] <= 1 and 0 < label["topicality"] <= 1


@pytest.mark.parametrize(("prompt", "captioned"), [("Write one sentence", True), ("Describe it in tags", False)])
def test_a_captioner_answers_where_a_caption_is_asked_for(tagger, file, monkeypatch, prompt, captioned):
    monkeypatch.setattr(type(tagger), "has_captioner", True)
    monkeypatch.setattr(tagger, "caption_features", lambda features: [Caption("a dog on grass", (), ())], raising=False)
    answer = Labeller(tagger, tagger.bank).answer(file, prompt)
    assert (answer == "a dog on grass") is captioned


def test_without_a_captioner_the_tags_are_the_caption(tagger, file):
    assert set(Labeller(tagger, tagger.bank).answer(file, "Write one sentence").split(", ")) == TAGS


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"images": []}, "one image"),
        ({"images": ["a", "b"]}, "not 2"),
        ({"images": ["http://127.0.0.1/x.png"]}, "no address is fetched"),
        ({"images": ["?"]}, "no base64"),
        ({"images": [base64.b64encode(b"text").decode()]}, "picture"),
        ([], "no JSON object"),
    ],
)
def test_a_bad_request_gets_one_sentence(client, body, sentence):
    reply = client.post("/api/generate", json=body)
    assert reply.status_code == 400 and sentence in reply.json()["error"] and "\n" not in reply.json()["error"]


def test_a_page_under_another_name_is_refused(client, encoded):
    headers = {"Host": "attacker.example"}
    assert client.post("/api/generate", json={"images": [encoded]}, headers=headers).status_code == 400


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://127.0.0.1.attacker.example"])
def test_a_web_page_from_another_host_is_refused(client, origin):
    """Its plain request needs no leave of the service, and names this machine as the host."""
    headers = {"Origin": origin, "Content-Type": "text/plain"}
    reply = client.post("/api/generate", content=b"{}", headers=headers)
    assert reply.status_code == 400 and "web page" in reply.json()["error"]


def test_a_web_page_of_this_machine_may_ask(client, encoded):
    headers = {"Origin": "http://localhost:3000"}
    assert client.post("/api/generate", json={"images": [encoded]}, headers=headers).status_code == 200


def test_a_request_that_is_too_large_is_refused(client, monkeypatch):
    monkeypatch.setattr("ram.neighbours.requests.LARGEST", 1000)
    reply = client.post("/api/generate", content=b"x" * 5000)
    assert reply.status_code == 400 and "larger than" in reply.json()["error"]


def test_serve_says_where_it_listens(offline_serve, capsys):
    port = free_port()
    assert main(["serve", "--model", "ram-lite", "--port", str(port), "--top", "3"]) == 0
    assert f"http://127.0.0.1:{port} until Ctrl-C" in capsys.readouterr().err
    app, options = offline_serve[0]
    assert options["host"] == "127.0.0.1" and app is not None


def test_an_address_that_cannot_be_had_is_one_sentence_before_the_model_is_loaded(offline_serve, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for port, sentence in ((taken.getsockname()[1], "is in use"), (99999, "up to 65535")):
            assert main(["serve", "--model", "gone", "--port", str(port)]) == 2
            said = capsys.readouterr().err
            assert sentence in said and "--port" in said and len(said.splitlines()) == 1
    assert not offline_serve


@pytest.fixture
def offline_serve(monkeypatch):
    """What the server would be started with."""
    started = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: started.append((app, options)))
    return started
