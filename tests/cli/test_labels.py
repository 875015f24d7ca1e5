"""`ram labels` writes a label system that `ram parse` reads captions by."""

import csv
import json

import pytest

from ram.labels import parallel
from ram.labels.label_system import LabelSystem

CAPTIONS = {
    "a.jpg": ["A dog runs over the grass .", "Two dogs play ."],
    "b.jpg": ["A dog chases a tennis ball .", "A guy runs ."],
    "c.jpg": ["A man holds a red ball .", "The front of a skateboard ."],
    "d.jpg": ["A red skate board on the grass ."],
}


@pytest.fixture
def captions(tmp_path, monkeypatch, pipeline):
    monkeypatch.setattr(parallel, "load_pipeline", lambda: pipeline)
    path = tmp_path / "captions.json"
    path.write_text(json.dumps([{"image": image, "captions": texts} for image, texts in CAPTIONS.items()]))
    return path


def test_a_built_system_reads_captions(captions, tmp_path, ended):
    labels = tmp_path / "labels"
    (tmp_path / "unseen.txt").write_text("tennis ball\nplaying\n")
    flags = ("--least", 2, "--exclude", tmp_path / "unseen.txt", "--output", labels)
    code, out, _ = ended("labels", captions, *flags)
    system = LabelSystem.load(labels)
    assert code == 0 and out.startswith("7 tags from 4 pictures: 5 objects, 0 scenes, 1 attributes, 1 actions")
    assert set(system.vocabulary.tags) == {"dog", "run", "grass", "ball", "man", "red", "skateboard"}
    assert system.synonyms["guy"] == "man" and system.synonyms["skate board"] == "skateboard"

    with open(labels / "report.csv", newline="") as file:
        report = {row["word"]: row for row in csv.DictReader(file)}
    assert report["guy"]["tag"] == "man" and "reviewed" in report["guy"]["reason"]
    assert report["tennis ball"]["reason"] == "excluded: tennis ball"
    assert report["play"]["reason"] == "excluded: playing"
    assert report["front"]["reason"] == "place in the picture or direction"
    assert "fewer than 2" in report["chase"]["reason"]

    code, _, _ = ended("parse", captions, "--labels", labels, "--output", tmp_path / "triplets.json")
    triplets = {entry["image_path"]: entry for entry in json.loads((tmp_path / "triplets.json").read_text())}
    tags = system.vocabulary.tags
    assert code == 0 and {tags[i] for i in triplets["d.jpg"]["union_label_id"]} == {"red", "skateboard", "grass"}
    assert {tags[i] for i in triplets["b.jpg"]["parse_label_id"][1]} == {"man", "run"}


def test_json_tells_what_was_merged_and_dropped(captions, tmp_path, ended):
    code, out, _ = ended("labels", captions, "--least", 2, "--output", tmp_path / "labels", "--json")
    document = json.loads(out)
    assert code == 0 and document["pictures"] == 4 and sum(document["kinds"].values()) == len(document["tags"])
    assert document["merged"]["a reviewed synonym"]["guy"] == "man"
    assert "front" in document["dropped"]["place in the picture or direction"]


def test_a_folder_with_another_vocabulary_is_left_alone(captions, tmp_path, ended):
    model = tmp_path / "model"
    model.mkdir()
    (model / "vocabulary.csv").write_text("tag,threshold\ndog,0.5\n")
    code, _, err = ended("labels", captions, "--output", model)
    assert code == 2 and "name another folder" in err
    assert (model / "vocabulary.csv").read_text().endswith("dog,0.5\n")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--least", "99"), "no tag is named for 99 pictures"),
        (("--exclude", "nowhere.txt"), "nowhere.txt"),
        (("--most", "0"), "must be a positive integer"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(captions, tmp_path, ended, flags, reason):
    code, out, err = ended("labels", captions, "--output", tmp_path / "labels", *flags)
    assert (code, out, err.count("\n")) == (2, "", 1) and reason in err


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "holds no vocabulary.csv"),
        ({"vocabulary.csv": "tag,threshold\ndog,0.5\n", "synonyms.csv": "tag,synonym\ncat,kitty\n"}, "no tag"),
        ({"vocabulary.csv": "tag,threshold\ndog,0.5\n", "synonyms.csv": "word\nkitty\n"}, "columns tag and synonym"),
        ({"vocabulary.csv": "tag,threshold\ndog,0.5\n", "synonyms.csv": "tag,synonym\ndog,dog\n"}, "keep one"),
    ],
)
def test_parse_says_what_is_wrong_with_a_folder_of_labels(captions, tmp_path, ended, files, reason):
    labels = tmp_path / "labels"
    labels.mkdir()
    for name, text in files.items():
        (labels / name).write_text(text)
    code, _, err = ended("parse", captions, "--labels", labels, "--output", tmp_path / "triplets.json")
    assert code == 2 and reason in err and err.count("\n") == 1
