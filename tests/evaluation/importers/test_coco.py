"""COCO: boxes and panoptic segments of made-up images."""

import json

import numpy as np
import pytest

from ram.evaluation.benchmarks import evaluate
from ram.evaluation.importers.benchmark_table import BENCHMARKS
from ram.evaluation.importers.class_lists import read_classes

IMAGES = [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}, {"id": 9, "file_name": "c.jpg"}]


def categories(name):
    listed = BENCHMARKS[name].classes
    return [{"id": int(c.key), "name": c.name} for c in read_classes(listed.file, listed.sha256, listed.subset)]


@pytest.fixture
def write(root, draw):
    """Write both annotation files; changes replace parts of the first."""

    def annotations(**changed):
        draw("val2017/a.jpg", "val2017/b.jpg", "val2017/c.jpg")
        boxes = [
            {"image_id": 7, "category_id": 18, "bbox": [0, 0, 5, 5], "iscrowd": 0},
            {"image_id": 7, "category_id": 18, "bbox": [1, 1, 5, 5], "iscrowd": 0},
            {"image_id": 7, "category_id": 5, "bbox": [1, 1, 5, 5], "iscrowd": 0},
            {"image_id": 9, "category_id": 1, "bbox": [1, 1, 5, 5], "iscrowd": 1},
        ]
        segments = [
            {"image_id": 7, "segments_info": [{"id": 1, "category_id": 18}, {"id": 2, "category_id": 193}]},
            {"image_id": 3, "segments_info": [{"id": 1, "category_id": 198}]},
            {"image_id": 9, "segments_info": []},
        ]
        (root / "annotations").mkdir(exist_ok=True)
        for name, benchmark, found in (("instances", "coco-80", boxes), ("panoptic", "coco-133", segments)):
            document = {"images": IMAGES, "annotations": found, "categories": categories(benchmark)}
            document |= changed if name == "instances" else {}
            (root / f"annotations/{name}_val2017.json").write_text(json.dumps(document))

    return annotations


def test_an_image_has_the_tag_of_every_box(write, imported, positives):
    write()
    benchmark = imported("coco-80")
    assert len(benchmark.tags) == 80
    assert positives(benchmark) == {"a.jpg": ["plane", "dog"], "b.jpg": [], "c.jpg": ["person"]}
    scores = np.zeros((3, 80))
    scores[:, [benchmark.tags.index(tag) for tag in ("plane", "dog", "person")]] = [
        [0.9, 0.3, 0.9],
        [0.1, 0.6, 0.8],
        [0.2, 0.1, 0.7],
    ]
    # plane first, dog second, person third
    report = evaluate(scores, benchmark)
    assert report.mean_average_precision() == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert (report.rates.CP, report.rates.CR) == (pytest.approx((1 + 0 + 1 / 3) / 3), pytest.approx(2 / 3))


def test_an_image_has_the_tag_of_every_segment(write, imported, positives):
    write()
    benchmark = imported("coco-133")
    assert len(benchmark.tags) == 133
    assert positives(benchmark) == {"a.jpg": ["dog", "grass"], "b.jpg": ["stone"], "c.jpg": []}


@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"images": [*IMAGES, {"id": 4, "file_name": "a.jpg"}]}, "instances_val2017.json holds a.jpg twice"),
        ({"images": [*IMAGES, {"id": 4, "file_name": "d.jpg"}]}, "1 of 4 pictures of coco-80 .* no file d.jpg"),
        ({"images": [{"id": 7}]}, "is not an annotation file of COCO: an entry lacks 'file_name'"),
        ({"images": 3}, "instances_val2017.json must be"),
        ({"annotations": [{"image_id": 8, "category_id": 18}]}, "annotates image 8 with category 18: one is"),
        ({"annotations": [3]}, "is not an annotation file of COCO"),
        ({"categories": [{"id": 1, "name": "cat"}]}, "category 1 of .* is cat, but COCO's is person"),
        ({"categories": []}, "category 1 of instances_val2017.json is missing, but COCO's is person"),
    ],
)
def test_faults_are_named(write, imported, changed, sentence):
    write(**changed)
    with pytest.raises(ValueError, match=sentence):
        imported("coco-80")
