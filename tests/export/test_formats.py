"""Tags of many pictures in files: what other programs read, and nothing that harms them."""

import csv
import io
import json

import numpy as np
import pytest

from ram.export.formats import EXCEL_CSV, Coco, Csv, CsvForm, JsonLines, harmless, listed, record_of
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary

VOCABULARY = TagVocabulary(("dog", "cat", "=sum(A1)"), (0.5, 0.5, 0.5))


def record(name, probabilities):
    sentences = [[f"a photo of {tag}"] for tag in VOCABULARY.tags]
    prediction = Prediction(VOCABULARY, sentences, np.array(probabilities, np.float32), np.ones((3, 1), np.float32))
    found = record_of(name, "tiny", prediction, listed(prediction))
    return {**found, "width": 40, "height": 30}


def written(form, *records):
    file = io.StringIO()
    report = form(file)
    for each in records:
        report.add(each)
    report.finish()
    return file.getvalue()


RECORDS = record("a.jpg", [0.9, 0.1, 0.7]), record("+b.jpg", [0.2, 0.75, 0.1]), record("c.jpg", [0.1, 0.1, 0.1])


def test_coco_has_images_categories_and_labels_without_boxes():
    document = json.loads(written(lambda file: Coco(file, VOCABULARY.tags), *RECORDS))
    assert [image["file_name"] for image in document["images"]] == ["a.jpg", "+b.jpg", "c.jpg"]
    assert all((image["width"], image["height"]) == (40, 30) for image in document["images"])
    assert [(c["id"], c["name"]) for c in document["categories"]] == [(1, "dog"), (2, "cat"), (3, "=sum(A1)")]
    found = [(a["image_id"], a["category_id"], pytest.approx(a["score"])) for a in document["annotations"]]
    assert found == [(1, 1, 0.9), (1, 3, 0.7), (2, 2, 0.75)]
    assert [a["id"] for a in document["annotations"]] == [1, 2, 3]
    assert not any({"bbox", "segmentation"} & set(a) for a in document["annotations"])


def test_csv_cells_are_no_formulas_and_numbers_stay_numbers():
    rows = list(csv.DictReader(io.StringIO(written(Csv, *RECORDS))))
    assert [row["tag"] for row in rows[:3]] == ["dog", "'=sum(A1)", "cat"]
    assert {row["image"] for row in rows} == {"a.jpg", "./+b.jpg", "c.jpg"}  # names that open the files
    assert float(rows[0]["probability"]) == pytest.approx(0.9)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_only_text_is_made_harmless(start):
    assert harmless(f"{start}1") == f"'{start}1"
    assert harmless("a=1") == "a=1" and harmless(-1.5) == -1.5


@pytest.mark.parametrize("separator, delimiter, decimal", [("comma", ",", "."), ("semicolon", ";", ",")])
def test_csv_for_excel_has_a_mark_and_the_separators_of_the_system(separator, delimiter, decimal):
    text = written(lambda file: Csv(file, EXCEL_CSV[separator]), record("猫.jpg", [0.9, 0.1, 0.7]))
    assert text.startswith("\ufeff") and CsvForm.of(text.partition("\n")[0]) == EXCEL_CSV[separator]
    row = next(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter))
    assert row["image"] == "猫.jpg" and row["threshold"] == f"0{decimal}5" and row["weight"] == f"1{decimal}0"


def test_json_lines_are_the_records():
    lines = written(JsonLines, *RECORDS).splitlines()
    assert [json.loads(line) for line in lines] == list(RECORDS)
