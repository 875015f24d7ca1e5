"""Commands that look at pictures, on tiny untrained models with a text encoder made of hashed words."""

import csv
import json
import os
import shutil

import pytest
import torch
from PIL import Image

from ram.tagger_loading import load
from tests.cli.word_models import PRESENT, TAGS, WordsTextEncoder, looks

pytestmark = pytest.mark.usefixtures("words")


def test_tag_prints_what_the_tagger_says_as_json(models, photos, ended):
    code, out, err = ended("tag", photos, "--model", models["tiny-plus"], "--json", "--top", 4)
    expected = load(models["tiny-plus"]).tag(sorted(photos.iterdir()))
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {
            "image": str(photos / f"{i}.png"),
            "model": "tiny-plus",
            "tags": prediction.tags,
            "scores": [score.to_dict() for score in prediction.top(4)],
        }
        for i, prediction in enumerate(expected)
    ]


def test_tag_lists_present_ten_best_and_typed_tags(models, photos, ended):
    code, out, _ = ended(
        "tag", photos / "0.png", "--model", models["tiny-plus"], "--json",
        "--tags", "corgi, kite", "--describer", "template",
    )  # fmt: skip
    (picture,) = json.loads(out)
    names = [score["tag"] for score in picture["scores"]]
    probabilities = [score["probability"] for score in picture["scores"]]
    alone = load(models["tiny-plus"]).tag(photos / "0.png")
    assert set(PRESENT) <= set(picture["tags"]) and {"corgi", "kite", *PRESENT} <= set(names)
    assert len(names) >= 10 and probabilities == sorted(probabilities, reverse=True)
    for score in picture["scores"]:  # no typed category changes another score
        if score["tag"] in TAGS:
            assert score["probability"] == pytest.approx(alone[score["tag"]].probability, abs=1e-5)


@pytest.fixture
def with_cut(models, tmp_path):
    """The folder of tiny-plus with a cut between the strengths of two pictures, and the cut."""
    folder = tmp_path / "with-cut"
    shutil.copytree(models["tiny-plus"], folder)
    config = json.loads((folder / "config.json").read_text())

    def write(cut):
        (folder / "config.json").write_text(json.dumps({**config, "unlike_below": cut}))
        return folder

    return write


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--threshold", 0.5),
        ("--tags", "corgi, kite", "--describer", "template"),
        ("--tags", "corgi", "--describer", "template", "--only"),
        ("--shortlist", 2),
    ],
)
def test_tag_says_which_picture_is_unlike_the_photos_of_training(options, with_cut, photos, ended):
    tagger = load(with_cut(0.0))
    values = {photo: tagger.tag(photo).strength.value for photo in sorted(photos.iterdir())}
    lowest, second, _ = sorted(values, key=values.get)
    model = with_cut((values[lowest] + values[second]) / 2)
    code, out, err = ended("tag", photos, "--model", model, "--json", *options)
    assert code == 0 and {picture["image"]: picture["unlike"] for picture in json.loads(out)} == {
        str(photo): photo == lowest for photo in values
    }
    assert err == f"{lowest}: unlike the photos this model was taught on, so its tags may be wrong\n"


def test_tag_takes_one_threshold_for_all_tags(models, photos, ended):
    found = load(models["tiny-plus"]).tag(photos / "0.png")
    threshold = round(found.top(6)[-1].probability, 4)
    _, out, _ = ended("tag", photos / "0.png", "--model", models["tiny-plus"], "--json", "--threshold", threshold)
    (picture,) = json.loads(out)
    expected = [score.tag for score in found if score.probability > threshold]
    assert [score["tag"] for score in picture["scores"]] == picture["tags"] == expected
    assert {score["threshold"] for score in picture["scores"]} == {threshold}


def test_a_known_category_keeps_its_descriptions(models, photos, ended):
    code, out, err = ended("tag", photos / "0.png", "--model", models["tiny-plus"], "--json", "--tags", "Boat")
    assert code == 0 and err == "already known, scored with the existing descriptions: boat\n"
    (boat,) = (score for score in json.loads(out)[0]["scores"] if score["tag"] == "boat")
    assert {d["text"] for d in boat["descriptions"]} == {"a photo of a boat.", "one boat"}


def test_text_has_a_line_a_tag_with_its_heaviest_description(models, photos, ended):
    _, out, _ = ended("tag", photos / "0.png", "--model", models["tiny-ram"], "--top", 1)
    best = load(models["tiny-ram"]).tag(photos / "0.png").top(1)[0]
    sign = ">" if best.present else "<"
    line = f"  {best.tag}  {best.probability:.2f} {sign} {best.threshold:.2f}  100%  a photo of a {best.tag}."
    assert out.splitlines() == [str(photos / "0.png"), line]


def test_unreadable_pictures_do_not_stop_the_others(models, photos, ended):
    (photos / "1.png").write_bytes(b"no picture")
    (photos / "2.png").write_bytes(b"")
    code, out, err = ended("tag", photos, photos / "missing.png", "--model", models["tiny-plus"], "--json")
    assert code == 2 and [p["image"] for p in json.loads(out)] == [str(photos / "0.png")]
    summary, *reasons = err.splitlines()
    assert summary == "ram tag: 3 of 4 pictures could not be read:" and len(reasons) == 3
    assert all(any(name in line for line in reasons) for name in ("1.png", "2.png", "missing.png"))


def test_a_missing_picture_is_one_line_without_loading(ended):
    code, out, err = ended("tag", "missing.png", "--model", "no-such-model")
    assert (code, out, err.count("\n")) == (2, "", 1) and "missing.png" in err


def test_a_file_name_cannot_steer_the_terminal(models, photos, ended):
    strange = (photos / "0.png").rename(photos / "\x1b[31m.png")
    _, out, _ = ended("tag", strange, "--model", models["tiny-ram"], "--top", 1)
    assert "\x1b" not in out and "?[31m.png" in out


def test_tag_writes_json_lines(models, photos, tmp_path, ended):
    file = tmp_path / "tags.jsonl"
    code, out, err = ended("tag", photos, "--model", models["tiny-plus"], "--top", 2, "--output", file)
    assert (code, out) == (0, "") and err == f"3 of 3 pictures are in {file}\n"
    _, printed, _ = ended("tag", photos, "--model", models["tiny-plus"], "--top", 2, "--json")
    assert [json.loads(line) for line in file.read_text().splitlines()] == json.loads(printed)


def test_tag_writes_csv_beside_json(models, photos, tmp_path, ended):
    file = tmp_path / "tags.csv"
    _, out, _ = ended("tag", photos, "--model", models["tiny-plus"], "--top", 2, "--output", file, "--json")
    with open(file, newline="") as written:
        rows = list(csv.DictReader(written))
    scores = [(picture["image"], score) for picture in json.loads(out) for score in picture["scores"]]
    assert [(r["image"], r["tag"], float(r["probability"])) for r in rows] == [
        (image, score["tag"], score["probability"]) for image, score in scores
    ]
    assert [r["description"] for r in rows] == [score["descriptions"][0]["text"] for _, score in scores]


@pytest.mark.parametrize("name", ["tags.txt", "nowhere/tags.csv"])
def test_an_output_that_cannot_be_written_is_refused_at_once(name, photos, tmp_path, ended):
    code, out, err = ended("tag", photos, "--model", "no-such-model", "--output", tmp_path / name)
    assert (code, out, err.count("\n")) == (2, "", 1) and "cannot be written" in err


def test_compare_gives_models_equal_categories_and_one_look(models, photos, tmp_path, ended, monkeypatch):
    count, plot = looks(monkeypatch), tmp_path / "plot.png"
    code, out, err = ended(
        "compare", photos / "0.png", "--tags", "corgi, kite, meteor shower", "--describer", "template",
        "--models", models["tiny-ram"], models["tiny-plus"], "--json", "--plot", plot,
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0 and count == [1, 1] and document["image"] == str(photos / "0.png")
    assert [category["tag"] for category in document["categories"]] == ["corgi", "kite", "meteor shower"]
    ours, plus = (document["categories"][0]["models"][name] for name in ("tiny-ram", "tiny-plus"))
    assert [d["text"] for d in ours["descriptions"]] == ["a photo of a corgi."]
    assert len(plus["descriptions"]) > 3
    assert sum(d["weight"] for d in plus["descriptions"]) == pytest.approx(1, abs=1e-4)
    assert str(plot) in err and Image.open(plot).width > 600


def test_compare_prints_a_line_a_model_under_each_category(models, photos, ended):
    flags = ("--describer", "template", "--models", *models.values())
    _, out, _ = ended("compare", photos / "0.png", "--tags", "corgi", *flags)
    heading, category, *rows = out.splitlines()
    assert category == "  corgi" and sorted(row.split()[0] for row in rows) == ["tiny-plus", "tiny-ram"]


def test_what_a_folder_leaves_out_is_said(models, photos, ended, monkeypatch):
    for name in ("a.jxl", "b.cr2", "@eaDir/0.png/THUMB.png"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(b"-")
    (photos / "linked").symlink_to((photos / "0.png").rename(photos.parent / "c.jfif").parent / "elsewhere")
    (photos.parent / "elsewhere").mkdir()
    (photos.parent / "c.jfif").rename(photos.parent / "elsewhere" / "c.jfif")
    code, out, err = ended("tag", photos, "--model", models["tiny-ram"], "--json", "--top", 1)
    assert code == 0 and [p["image"] for p in json.loads(out)] == [
        str(photos / name) for name in ("1.png", "2.png", "linked/c.jfif")
    ]
    assert err.splitlines() == [
        f"{photos}: 2 files of other kinds left out: 1 .cr2, 1 .jxl",
        f"{photos}: folders of thumbnails or deleted photos left out: 1 @eaDir",
    ]


@pytest.mark.usefixtures("locked_folder")
def test_a_folder_that_cannot_be_listed_is_a_failure(models, photos, ended):
    (photos / "locked").mkdir()
    code, out, err = ended("tag", photos, "--model", models["tiny-ram"], "--json", "--top", 1)
    assert code == 2 and len(json.loads(out)) == 3 and "locked cannot be listed: Permission denied" in err


def test_a_pattern_that_the_shell_left_is_expanded(models, photos, ended):
    code, out, _ = ended("tag", photos / "[01].png", "--model", models["tiny-ram"], "--json", "--top", 1)
    assert code == 0 and [p["image"] for p in json.loads(out)] == [str(photos / "0.png"), str(photos / "1.png")]


def test_names_in_csv_open_the_files(models, photos, tmp_path, ended, monkeypatch):
    monkeypatch.chdir(photos)
    names = ("-dash.png", "=cmd.png", "@at.png")
    for i, name in enumerate(names):
        (photos / f"{i}.png").rename(photos / name)
    ended("tag", *(f"./{name}" for name in names), "--model", models["tiny-plus"], "--top", 1, "--output", "t.csv")
    with open("t.csv", newline="") as file:
        found = [row["image"] for row in csv.DictReader(file)]
    assert found == [f"./{name}" for name in names] and all(os.path.isfile(name) for name in found)


def test_large_and_cut_photos_are_tagged(models, tmp_path, ended):
    (tmp_path / "album").mkdir()
    Image.new("RGB", (9000, 6000), "red").save(tmp_path / "album" / "large.jpg")
    Image.new("RGB", (90, 60), "red").save(tmp_path / "album" / "cut.jpg")
    whole = (tmp_path / "album" / "cut.jpg").read_bytes()
    (tmp_path / "album" / "cut.jpg").write_bytes(whole[:-2])
    code, out, err = ended("tag", tmp_path / "album", "--model", models["tiny-plus"], "--json")
    assert code == 0 and len(json.loads(out)) == 2
    assert err == "cut.jpg lacks its last bytes: it is used as it is\n"
    code, out, err = ended("tag", tmp_path / "album", "--model", models["tiny-plus"], "--max-megapixels", 53, "--json")
    assert code == 2 and len(json.loads(out)) == 1 and "large.jpg is over 53 megapixels: make it smaller" in err


def test_categories_that_are_one_to_the_encoder_are_refused(models, photos, ended, monkeypatch):
    monkeypatch.setattr(WordsTextEncoder, "_word", lambda self, word: torch.ones(1, self.dim))
    code, out, err = ended("tag", photos, "--model", models["tiny-plus"], "--tags", "corgi, kite", "--only")
    assert (code, out) == (2, "")
    assert 'reads "kite" as "corgi": they would be one finding under two names; leave one out' in err
