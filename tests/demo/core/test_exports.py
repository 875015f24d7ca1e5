"""Exported files can be read by other programs and contain no formulas."""

import csv
import io
import json

import numpy as np
import pytest
import torch

from demo.core.album import Album, AlbumPhoto
from demo.core.album_thresholds import Thresholds
from demo.core.exports import Download, export_album, export_table, export_vocabulary
from demo.core.feature_cache import CachedFeatures
from ram.models.image_encoder import ImageFeatures
from ram.text.vocabulary import TagVocabulary

VOCABULARY = TagVocabulary(("dog", "cat", "+sea"), (0.5, 0.5, 0.5), ("Hund", "Katze", "Meer"))
SENTENCES = (("a photo of a dog.", "it barks"), ("a photo of a cat.",), ("=1+1",))


def photo(name, *probabilities):
    heaviest, weights = np.array([1, 0, 0], np.int16), np.array([0.75, 1, 1], np.float16)
    kept = CachedFeatures(ImageFeatures(torch.zeros(1, 1, 1)))
    return AlbumPhoto(name, (640, 480), b"", np.array(probabilities, np.float32), heaviest, weights, kept)


ALBUM = Album("tiny", VOCABULARY, SENTENCES, 2, (photo("a.jpg", 0.9, 0.1, 0.6), photo("-b.jpg", 0.2, 0.8, 0.3)))


def test_json_lines_have_the_heaviest_descriptions():
    first, second = map(json.loads, export_album(ALBUM, Thresholds(), "jsonl").text.splitlines())
    assert (first["image"], first["model"], first["tags"]) == ("a.jpg", "tiny", ["dog", "+sea"])
    assert first["scores"][0]["descriptions"] == [{"text": "it barks", "weight": 0.75}]
    assert second["tags"] == ["cat"] and (second["width"], second["height"]) == (640, 480)


def test_exports_follow_thresholds_and_filter():
    chosen = Thresholds(shared=0.25).with_single("cat", 1.0)
    document = json.loads(export_album(ALBUM, chosen, "coco", [1]).text)
    assert [image["file_name"] for image in document["images"]] == ["-b.jpg"]
    assert [annotation["category_id"] for annotation in document["annotations"]] == [3]


def test_thumbs_decide_what_is_exported():
    thumbs = {(0, "dog"): False, (0, "cat"): True, (1, "dog"): True}
    first, second = map(json.loads, export_album(ALBUM, Thresholds(), "jsonl", thumbs=thumbs).text.splitlines())
    assert first["tags"] == ["+sea", "cat"] and [score["tag"] for score in first["scores"]] == ["+sea", "cat"]
    assert second["tags"] == ["cat", "dog"]
    document = json.loads(export_album(ALBUM, Thresholds(), "coco", [0], thumbs).text)
    assert [annotation["category_id"] for annotation in document["annotations"]] == [3, 2]


def test_csv_has_a_row_for_each_tag_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(export_album(ALBUM, Thresholds(), "csv").text)))
    assert len(rows) == 6 and rows[0]["description"] == "it barks"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_an_exported_vocabulary_can_be_read_back(tmp_path):
    told = export_vocabulary(Thresholds(calibrated={"+sea": 0.0625}).apply(VOCABULARY))
    (tmp_path / told.name).write_text(told.text, encoding="utf-8")
    assert TagVocabulary.load(tmp_path / "vocabulary.csv").thresholds == (0.5, 0.5, 0.0625)
    assert TagVocabulary.load(tmp_path / "vocabulary.csv").tags == VOCABULARY.tags


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@x", "\tx", '"quoted", with comma', "<b>", "雪"])
def test_tables_are_equal_as_csv_and_json(text):
    rows = [{"tag": text, "probability": 0.5}, {"tag": "dog", "probability": -0.25}]
    as_csv, as_json = export_table("scores", rows)
    assert json.loads(as_json.text) == rows
    header, first, second = csv.reader(io.StringIO(as_csv.text))
    assert header == ["tag", "probability"] and second == ["dog", "-0.25"]
    assert first[0].removeprefix("'") == text and first[0][0] not in "=+-@\t"
    assert (as_csv.name, as_json.name) == ("scores.csv", "scores.json")


@pytest.mark.parametrize("tag, media_type, marked", [("猫", "text/csv", True), ("dog", "text/csv", False),
                                                     ("猫", "application/jsonl", False)])  # fmt: skip
def test_csv_beyond_ascii_is_saved_with_a_mark_for_excel(tag, media_type, marked):
    text = f"tag\n{tag}\n"
    assert Download("a", media_type, text).content == ("\ufeff" if marked else "") + text


def test_an_empty_table_has_no_files():
    assert export_table("none", []) == ()
