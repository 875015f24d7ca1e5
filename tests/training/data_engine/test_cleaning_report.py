"""The report of a cleaning: one page with thumbnails of what went and what stayed, and the same as JSON."""

import json
import re

import numpy as np
from PIL import Image

from ram.regions.region import Box
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.cleaning_report import MOST_SHOWN, write_report
from ram.training.data_engine.region_cleaning import Struck
from ram.training.data_engine.region_looks import RegionLooks

LABELS = TagVocabulary.of(["dog", "cat <b>"])


def written(tmp_path, count=12, gone=3):
    for n in range(count):
        Image.new("RGB", (40, 30), (20 * n, 0, 0)).save(tmp_path / f"{n}.png")
    triplets = [{"image_path": f"{n}.png", "union_label_id": [0, 1]} for n in range(count)]
    triplets.append({"image_path": "gone.png", "union_label_id": [1]})
    pairs = tuple((n, 0) for n in range(count)) + ((0, 0), (count, 1))
    boxes = (Box(0.0, 0.0, 0.5, 1.0),) * len(pairs)
    probabilities = np.array([*np.linspace(0.01, 0.9, count), 0.5, 0.2], np.float32)
    looks = RegionLooks(pairs, np.zeros((len(pairs), 4), np.float32), probabilities, (), boxes)
    struck = Struck(frozenset({(1, 0)}), frozenset((n, 0) for n in range(1, gone + 1)) | {(count, 1)})
    page = write_report(tmp_path / "report", "a & b", triplets, LABELS, looks, struck, tmp_path)
    return page.read_text(encoding="utf-8"), json.loads((tmp_path / "report" / "report.json").read_text())


def test_json_names_all_that_went_and_why(tmp_path):
    _, report = written(tmp_path)
    dog, cat = report["tags"]
    assert [one["image"] for one in dog["gone"]] == ["1.png", "2.png", "3.png"]
    assert dog["gone"][0]["reasons"] == ["outlying", "unseen"] and dog["gone"][0]["box"] == [0, 0, 0.5, 1]
    assert len(dog["stayed"]) == MOST_SHOWN and cat["gone"][0]["image"] == "gone.png"
    assert {row["tag"]: row["after"] for row in report["counts"]} == {"dog": 9, "cat <b>": 12}


def test_a_pair_shows_its_best_region(tmp_path):
    _, report = written(tmp_path)
    assert {one["image"]: one["probability"] for one in report["tags"][0]["stayed"]}["0.png"] == 0.5


def test_the_page_is_one_file_with_thumbnails_and_escaped_names(tmp_path):
    page, _ = written(tmp_path)
    assert page.count("data:image/jpeg;base64,") == 3 + MOST_SHOWN
    assert "cat &lt;b&gt;" in page and "<b>" not in page and "a &amp; b" in page
    assert page.count("none stayed") == 1  # of the cats
    assert "there is no file gone.png" in page and "$" not in re.sub(r"base64,[^\"]*", "", page)
    assert "http" not in page
