"""OpenImages: verified labels of made-up images, with the display names of all classes."""

import csv

import numpy as np
import pytest

from ram.evaluation.benchmarks import evaluate
from ram.evaluation.importers.benchmark_table import BENCHMARKS
from ram.evaluation.importers.class_lists import read_classes


def label(key):
    """A made-up label name of a class."""
    return f"/m/{key.partition('|')[0].lower().replace(' ', '_')}"


@pytest.fixture
def write(root, draw):
    """Write the tables; each label is an image, a class and a confidence."""

    def tables(labels, name="openimages-common-214", display=lambda key: key.partition("|")[0]):
        listed = BENCHMARKS[name].classes
        keys = [one.key for one in read_classes(listed.file, listed.sha256)]
        with open(root / "oidv6-class-descriptions.csv", "w", newline="") as file:
            csv.writer(file).writerows([("LabelName", "DisplayName"), *((label(key), display(key)) for key in keys)])
        with open(root / "test-annotations-human-imagelabels.csv", "w", newline="") as file:
            rows = [(image, "verification", label(key), value) for image, key, value in labels]
            csv.writer(file).writerows([("ImageID", "Source", "LabelName", "Confidence"), *rows])
        draw(*{f"test/{image}.jpg" for image, *_ in labels})

    return tables


LABELS = [
    ("0a", "Airplane", 1),
    ("0a", "Car", 1),
    ("0a", "Cat", 0),
    ("0b", "Car", 0),
    ("0b", "Cat", 1),
    ("0c", "Car", 0),
    ("0d", "Not evaluated", 1),
]


def test_confirmed_labels_are_present_and_all_others_absent(write, imported, positives):
    write(LABELS)
    benchmark = imported("openimages-common-214")
    assert len(benchmark.tags) == 214 and benchmark.known is None
    assert positives(benchmark) == {"0a.jpg": ["plane", "car"], "0b.jpg": ["cat"]}


def test_only_verified_labels_count_where_asked(write, imported, positives):
    write(LABELS)
    benchmark = imported("openimages-common-214-verified")
    assert positives(benchmark) == {"0a.jpg": ["plane", "car"], "0b.jpg": ["cat"], "0c.jpg": []}
    columns = [benchmark.tags.index(tag) for tag in ("plane", "car", "cat")]
    assert benchmark.known[:, columns].tolist() == [[True] * 3, [False, True, True], [False, True, False]]
    assert benchmark.known.sum() == 6
    scores = np.zeros(benchmark.targets.shape)
    scores[:, columns[1]] = 0.2, 0.9, 0.1  # of three cars judged, the one there is comes second
    scores[:, columns[2]] = 0.9, 0.8, 1.0  # of two cats judged, too
    report = evaluate(scores, benchmark)
    assert report.average_precisions[columns].tolist() == [1, 0.5, 0.5]
    assert report.mean_average_precision() == pytest.approx(2 / 3)


def test_the_rare_classes_are_named_as_in_the_data_set(write, imported, positives):
    write([("0a", "Zeppelin", 1), ("0b", "Ale", 1)], "openimages-rare-200")
    benchmark = imported("openimages-rare-200")
    assert len(benchmark.tags) == 200
    assert positives(benchmark) == {"0a.jpg": ["Zeppelin"], "0b.jpg": ["Ale"]}


def test_a_qualifier_of_a_display_name_is_ignored(write, imported, positives):
    write(LABELS, display=lambda key: f"{key} (Animal)" if key == "Cat" else key.upper().rpartition("|")[2])
    assert positives(imported("openimages-common-214"))["0b.jpg"] == ["cat"]


def test_faults_are_named(write, imported, root):
    write(LABELS)
    (root / "test/0b.jpg").unlink()
    with pytest.raises(ValueError, match="1 of 2 pictures of openimages-common-214 .* no file 0b.jpg"):
        imported("openimages-common-214")
    write([("0a", "Car", 0.7)])
    with pytest.raises(ValueError, match="line 2 of test-annotations-human-imagelabels.csv has the confidence '0.7'"):
        imported("openimages-common-214")
    write(LABELS, display=lambda key: "Kitten" if key in ("Cat", "Pig|Domestic pig") else key.partition("|")[0])
    with pytest.raises(ValueError, match="lacks 2 of 214 classes: Pig or Domestic pig, Cat$"):
        imported("openimages-common-214")
    (root / "test-annotations-human-imagelabels.csv").write_text("ImageID,Confidence\n")
    write(LABELS)
    (root / "test-annotations-human-imagelabels.csv").write_text("ImageID,Confidence\n0a,1\n")
    with pytest.raises(ValueError, match="its first line has no LabelName"):
        imported("openimages-common-214")
    (root / "oidv6-class-descriptions.csv").write_text("/m/01\n")
    with pytest.raises(ValueError, match="line 1 of oidv6-class-descriptions.csv is not a label name"):
        imported("openimages-common-214")


def test_names_that_occur_twice(write, imported, positives, root):
    write([*LABELS, ("0a", "Car", 1)])  # a label given twice is one label
    assert positives(imported("openimages-common-214"))["0a.jpg"] == ["plane", "car"]
    write([*LABELS, ("0e", "Car (of another label)", 1), ("0b", "Car", 1)])
    found = imported("openimages-common-214-verified")  # confirmed by one person and denied by another: confirmed
    assert "car" in positives(found)["0b.jpg"] and found.known[1, found.tags.index("car")]
    with open(root / "oidv6-class-descriptions.csv", "a", newline="") as file:
        csv.writer(file).writerow((label("Car (of another label)"), "Car"))  # two labels of one display name
    assert positives(imported("openimages-common-214"))["0e.jpg"] == ["car"]
