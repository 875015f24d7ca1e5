"""The repository as a Hugging Face Space: its metadata is right and its files are complete."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.server import ROOT, ask, page_served, photo, upload

pytestmark = pytest.mark.slow

SHORTEST, LONGEST = 1, 60
"""Characters that the hub allows a short description."""


@pytest.fixture(scope="module")
def head():
    yaml = pytest.importorskip("yaml")
    _, between, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(between)


def test_the_readme_head_describes_the_space(head):
    assert (head["sdk"], head["app_file"], head["license"]) == ("gradio", "app.py", "apache-2.0")
    assert (ROOT / head["app_file"]).is_file()
    assert SHORTEST <= len(head["short_description"]) <= LONGEST
    assert head["title"] and head["emoji"] and head["colorFrom"] and head["colorTo"]


def test_readme_and_requirements_pin_the_same_gradio(head):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (pin,) = (line for line in lines if line.startswith("gradio=="))
    assert pin == f"gradio=={head['sdk_version']}"
    assert head["python_version"] == "3.11"


def test_preloaded_files_are_named_by_repository_and_file(head):
    assert head["preload_from_hub"]
    for line in head["preload_from_hub"]:
        repository, file = line.split(" ")
        assert repository.count("/") == 1 and "." in file
    assert head["models"][0] == head["preload_from_hub"][0].split(" ")[0]


def test_the_space_starts_from_its_files_and_tags_a_photo(tmp_path):
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs a git checkout")
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    space = tmp_path / "space"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (space / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, space / name)
    surroundings = {"PYTHONPATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    with page_served(folder=space, GRADIO_TEMP_DIR=str(tmp_path / "uploads"), **surroundings) as server:
        with server.visitor() as visitor:
            assert visitor.get("/health").json()["status"] == "ready"
            dogs = upload(visitor, "dogs.jpg", (space / "assets" / "examples" / "dogs.jpg").read_bytes())
            worked, answer = ask(visitor, "tag", photo(dogs), 3)
    assert worked and "dog" in [score["tag"] for score in answer["scores"][:3]]
