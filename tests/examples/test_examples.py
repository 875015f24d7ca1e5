"""The example scripts and the notebook run, and print what they promise."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.paths import ROOT

EXAMPLES = ROOT / "examples"
PHOTOS = ROOT / "assets" / "examples"
LONGEST = 40
"""Lines of a script, its docstring and blank lines not counted."""


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a script with arguments; return what it printed."""

    def run(script: str, *arguments: str | Path) -> str:
        path = EXAMPLES / script
        monkeypatch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        runpy.run_path(str(path), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.mark.slow
def test_each_photo_of_a_folder_gets_a_line(printed, tmp_path: Path):
    for name in ("dogs.jpg", "mountains.jpg"):
        shutil.copy(PHOTOS / name, tmp_path)
    first, second = printed("tag_folder.py", tmp_path).splitlines()
    assert first.startswith("dogs.jpg: ") and " dog " in first
    assert second.startswith("mountains.jpg: ") and " mountain " in second


def test_the_typed_category_in_the_photo_comes_first(printed):
    first, *_, last = printed("type_categories.py", PHOTOS / "dogs.jpg").splitlines()
    assert first.endswith("cocker spaniel")
    assert "dog" in last and "cocker spaniel" in last


def test_an_explanation_shows_terms_descriptions_and_effects_of_regions(printed):
    text = printed("explain_tag.py", PHOTOS / "dogs.jpg", "dog")
    assert text.startswith("dog: probability ") and float(text.split()[2].rstrip(",")) > 0.9
    terms, descriptions, effects = text.split("\n\n")[1:]
    assert "decoder" in terms and "decided by" in terms
    assert "dog" in descriptions and "%" in descriptions
    rows = [[float(effect) for effect in row.split()] for row in effects.splitlines()[1:]]
    assert len(rows) > 1 and max(map(max, rows)) > 0


def test_a_new_describer_scores_what_it_describes(printed):
    first, second = printed("write_describer.py", PHOTOS / "coffee.jpg", "espresso", "tea").splitlines()
    assert "espresso: " in first and "tea: " in second


@pytest.mark.slow
def test_a_model_trained_on_own_labels_knows_their_tags(printed, tmp_path: Path):
    data = tmp_path / "photos"
    data.mkdir()
    labels = {"dogs.jpg": "dog", "cat.jpg": "cat", "bridge.jpg": "water;bridge", "temple.jpg": "water;temple"}
    for name in labels:
        shutil.copy(PHOTOS / name, data)
    lines = [f"{name},{tags}\n" for name, tags in labels.items()]
    (data / "photos.csv").write_text("".join(lines), encoding="utf-8")
    text = printed("train_own_labels.py", data, tmp_path / "run", "--epochs", "1")
    assert (tmp_path / "run" / "model" / "config.json").is_file()
    tags = text.splitlines()[0].split(": ")[1].split(", ")
    assert sorted(tags) == ["bridge", "cat", "dog", "temple", "water"]


@pytest.mark.slow
def test_every_cell_of_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(EXAMPLES)
    notebook = json.loads((EXAMPLES / "tour.ipynb").read_text(encoding="utf-8"))
    names: dict = {}
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert "dog" in names["prediction"].tags
    told = capsys.readouterr().out
    assert "%  a" in told and "cocker spaniel RAM++" in told
    names["plt"].close("all")


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_a_script_stays_short_and_names_its_command(script: str):
    source = (EXAMPLES / script).read_text(encoding="utf-8")
    _, docstring, code = source.split('"""', 2)
    assert f"python examples/{script}" in docstring
    assert len([line for line in code.splitlines() if line.strip()]) <= LONGEST
