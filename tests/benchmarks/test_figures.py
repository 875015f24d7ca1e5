"""The papers' figures, drawn from made-up results."""

import re

import pytest

from benchmarks.figures import __main__ as figures
from benchmarks.figures.bars import bars_figure
from benchmarks.figures.clouds import draw_clouds
from benchmarks.figures.examples import EXAMPLES, PHOTOS
from benchmarks.figures.histograms import histograms_figure
from benchmarks.tables.result_files import ResultFile, write_results
from tests.paths import ROOT

SETS = {"common": "Common", "uncommon": "Uncommon"}


def test_a_bar_is_drawn_for_every_measured_method():
    rows = {
        "linear probe": {"common mAP": 35.0},
        "ram-lite, hand-written": {"common mAP": 30.0, "uncommon mAP": 20.0},
    }
    axes = bars_figure(ResultFile("c", "a", rows), SETS).axes[0]
    assert sorted(bar.get_height() for bar in axes.patches) == [20.0, 30.0, 35.0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Common", "Uncommon"]


def test_a_histogram_has_bars_of_positives_and_negatives():
    shares = {"upper": 1.0, "positive": [0.25, 0.75], "negative": [1.0, 0.0]}
    figure = histograms_figure(ResultFile("c", "a", {"linear probe, common": shares}), SETS)
    drawn, *others = figure.axes
    assert [bar.get_height() for bar in drawn.patches] == [0.25, 0.75, 1.0, 0.0]
    assert all("no such tags" in axes.texts[0].get_text() for axes in others)


def test_word_clouds_hold_the_categories_that_occur(tmp_path):
    pytest.importorskip("wordcloud")
    counts = {"common": {"dog": 9, "cat": 3, "unicorn": 0}, "uncommon": {"macaw": 2, "tundra": 1}}
    draw_clouds(counts, tmp_path / "cloud.png", tmp_path / "cloud.svg", SETS)
    svg = (tmp_path / "cloud.svg").read_text(encoding="utf-8")
    assert all(word in svg for word in ("dog", "macaw", "Uncommon")) and "unicorn" not in svg
    assert (tmp_path / "cloud.png").stat().st_size > 5000


def test_the_command_writes_png_and_svg(tmp_path, capsys):
    write_results("tagging", "c", "a", {"class names": {"common mAP": 15.0}}, tmp_path)
    assert figures.main(["--figure", "2", "--output", str(tmp_path), "--results", str(tmp_path)]) == 0
    assert all((tmp_path / f"figure2.{ending}").stat().st_size > 2000 for ending in ("png", "svg"))


def test_a_figure_without_results_names_the_command(tmp_path, capsys):
    assert figures.main(["--figure", "6", "--output", str(tmp_path), "--results", str(tmp_path)]) == 2
    assert "python -m benchmarks.lite DATA --only scores" in capsys.readouterr().err


def test_the_example_photos_of_figures_8_and_9_exist():
    names = [name for photos in EXAMPLES.values() for name in photos]
    assert len(names) == 8 and all((PHOTOS / f"{name}.jpg").is_file() for name in names)


def test_every_figure_that_the_documents_name_is_there_twice():
    named = {
        match
        for page in (ROOT / "docs").rglob("*.md")
        for match in re.findall(r"images/(figure[\w-]+)\.(?:png|svg)", page.read_text(encoding="utf-8"))
    }
    photos = {f"figure{number}-{name.replace('_', '-')}" for number, of in EXAMPLES.items() for name in of}
    assert named == {"figure2", "figure6", "figure7", "figure10", *photos}
    for name in named:
        for ending in ("png", "svg"):
            assert 2000 < (ROOT / "docs" / "images" / f"{name}.{ending}").stat().st_size < 600_000, f"{name}.{ending}"


@pytest.mark.slow
def test_figure_8_shows_both_models_on_one_photo(tmp_path, monkeypatch):
    from benchmarks.figures import examples

    monkeypatch.setitem(examples.EXAMPLES, 8, {"parrot": ("scarlet macaw",)})
    paths = figures.draw(8, tmp_path)
    assert [path.name for path in paths] == ["figure8-parrot.png", "figure8-parrot.svg"]
    assert all(path.stat().st_size < 150_000 for path in paths)
    text = paths[1].read_text(encoding="utf-8")
    assert all(word in text for word in ("scarlet macaw", "RAM", "RAM++"))
