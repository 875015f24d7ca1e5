"""The view as code: each language quotes what a visitor typed."""

import ast
import json
import shlex
import subprocess

import pytest

from demo.core.links import View
from demo.core.snippets import snippets

NAMES = ["dogs.jpg", "it's \"mine\" $(touch x) `y`.jpg", "-rf.png", "a b;c.jpg", "Kätzchen.jpg"]
CATEGORIES = "corgi, it's a \"kite\" $HOME"


def code(name="dogs.jpg", categories=CATEGORIES, describer="lexicon", models=2):
    view = View(upload=f"{'0' * 64}/{name}", categories=categories, describer=describer, model="ram-plus-lite")
    return snippets(view, models)


@pytest.mark.parametrize("name", NAMES)
def test_python_quotes_the_file_and_the_categories(name):
    literals = {node.value for node in ast.walk(ast.parse(code(name)["Python"])) if isinstance(node, ast.Constant)}
    assert {name, CATEGORIES, "lexicon", "/compare", "/tag", "PAGE-ADDRESS"} <= literals


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_quotes_the_file_and_the_categories(name):
    parts = shlex.split(code(name)["Command line"])
    assert parts[:2] == ["ram", "tag"] and parts[2] in (name, f"./{name}") and not parts[2].startswith("-")
    assert parts[parts.index("--tags") + 1] == CATEGORIES
    assert parts[parts.index("--model") + 1] == "ram-plus-lite" and parts[-1] == "--json"


@pytest.mark.parametrize("name", NAMES)
def test_curl_quotes_the_file_and_sends_json(name, tmp_path):
    """The shell runs the code with a curl that notes its arguments and answers as the page does."""
    noting = """curl() { printf '%s\\0' "$@" >> told; printf '\\n' >> told
    case "$*" in *upload*) echo '["kept/photo"]';; *) echo '{"event_id": "e1"}';; esac; }\n"""
    run = [noting + code(name)["curl"]]
    subprocess.run(["bash", "-c", *run], cwd=tmp_path, check=True, capture_output=True, timeout=20)
    calls = [call.split("\0") for call in (tmp_path / "told").read_text(encoding="utf-8").split("\n")]
    quoted = name.replace('"', '\\"')
    assert f'files=@"{quoted}"' in calls[0] and "PAGE-ADDRESS/gradio_api/upload" in calls[0]
    bodies = [json.loads(call[call.index("-d") + 1])["data"] for call in calls if "-d" in call]
    file = {"path": "kept/photo", "meta": {"_type": "gradio.FileData"}}
    assert bodies == [[file, 10], [file, CATEGORIES, "lexicon"]]
    assert any("PAGE-ADDRESS/gradio_api/call/compare/e1" in call for call in calls)
    assert [path.name for path in tmp_path.iterdir()] == ["told"]


def test_without_categories_the_photo_is_only_tagged():
    shown = code(categories="", models=1)
    assert "/score" not in shown["Python"] and "call/score" not in shown["curl"]
    assert "--tags" not in shown["Command line"]
    assert "photo.jpg" in snippets(View(model="m"))["Python"]


def test_one_model_scores_and_several_compare():
    assert '"/score"' in code(models=1)["Python"] and "call/compare" in code(models=2)["curl"]


def test_a_language_model_is_named_on_the_command_line():
    parts = shlex.split(code(describer="openai:gpt-x")["Command line"])
    assert parts[parts.index("--describer") + 1] == "openai" and parts[parts.index("--openai-model") + 1] == "gpt-x"
